"""prepare of pictures and sounds against the processors of transformers, on folders as the hub has
them: the whole way from a file to the tensors a model takes."""

import json
import pathlib
import warnings

import numpy as np
import pytest
import soundfile
import soxr
from PIL import Image
from safetensors.torch import load_file
from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
from transformers import (
    AutoImageProcessor,
    AutoProcessor,
    CLIPImageProcessor,
    ViTImageProcessor,
    WhisperFeatureExtractor,
)
from transformers.image_utils import load_image

from support import tiny
from support.engine import EngineError
from support.pictures import exif, palette_image, picture, save
from support.program import ROOT, assert_one_clear_line, ridgeline

INPUTS = ROOT / "data/inputs"
PICTURES = [INPUTS / name for name in ("spheres.jpg", "landscape.webp", "document.png")]
SOUNDS = [INPUTS / name for name in ("voice.wav", "speech.ogg", "tone.flac")]
MEAN_BOUND = 1e-3
GREY_LEVEL = 1 / 255
RATE = 16_000
# As openai/clip-vit-base-patch32 has them, but for the size.
CLIP_MEAN = [0.48145466, 0.4578275, 0.40821073]
CLIP_STD = [0.26862954, 0.26130258, 0.27577711]
TEXTS = ["a photo of a ridge", "A lake!", "two valleys and the path between them in the morning"]


# --- Folders --------------------------------------------------------------------------------------


def model_folder(root, row_id, **files):
    """A folder without weights: config.json of a tiny model, and `files` as NAME.json."""
    row = next(row for row in tiny.variants() if row["id"] == row_id)
    root.mkdir(parents=True)
    config = {**row["config"], "architectures": [row["architecture"]]}
    for name, content in {"config": config, **files}.items():
        (root / f"{name}.json").write_text(json.dumps(content))
    return root


def clip_tokenizer():
    """Byte pairs that end words in </w>, trained on the shipped texts."""
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer = Tokenizer(models.BPE(end_of_word_suffix="</w>", unk_token="<|endoftext|>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=600, show_progress=False, initial_alphabet=alphabet,
        end_of_word_suffix="</w>", special_tokens=["<|startoftext|>", "<|endoftext|>"],
    )
    lines = [*(INPUTS / "prompts.txt").read_text().splitlines(), *TEXTS]
    tokenizer.train_from_iterator([line.lower() for line in lines], trainer)
    tokenizer.post_processor = processors.RobertaProcessing(
        ("<|endoftext|>", 1), ("<|startoftext|>", 0), False, False
    )
    return json.loads(tokenizer.to_str())


CLIP_TOKENIZER = {
    "tokenizer_class": "CLIPTokenizer",
    "bos_token": "<|startoftext|>",
    "eos_token": "<|endoftext|>",
    "unk_token": "<|endoftext|>",
    "pad_token": "<|endoftext|>",
    "model_max_length": 12,
}
CLIP_PICTURES = {
    "crop_size": 32, "do_center_crop": True, "do_normalize": True, "do_resize": True,
    "feature_extractor_type": "CLIPFeatureExtractor", "image_mean": CLIP_MEAN,
    "image_std": CLIP_STD, "resample": 3, "size": 32,
}
VIT_PICTURES = {
    "do_normalize": True, "do_resize": True, "image_mean": [0.5] * 3, "image_std": [0.5] * 3,
    "image_processor_type": "ViTImageProcessor", "size": {"height": 48, "width": 32},
}
WHISPER_SOUNDS = {
    "chunk_length": 30, "feature_extractor_type": "WhisperFeatureExtractor", "feature_size": 80,
    "hop_length": 160, "n_fft": 400, "n_samples": 480000, "nb_max_frames": 3000,
    "padding_side": "right", "padding_value": 0.0, "processor_class": "WhisperProcessor",
    "return_attention_mask": False, "sampling_rate": RATE,
}  # fmt: skip


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """One a kind of model, with settings as their hub files spell them, older and newer."""
    root = tmp_path_factory.mktemp("folders")
    clip = {"tokenizer": clip_tokenizer(), "tokenizer_config": CLIP_TOKENIZER}
    newer = {
        "processor_class": "CLIPProcessor",
        "image_processor": {**CLIP_PICTURES, "image_processor_type": "CLIPImageProcessorFast",
                            "size": {"shortest_edge": 40}, "crop_size": {"height": 32, "width": 32},
                            "do_convert_rgb": True, "do_rescale": True},
    }  # fmt: skip
    newer["image_processor"].pop("feature_extractor_type")
    short = {**WHISPER_SOUNDS, "chunk_length": 2, "feature_size": 16, "return_attention_mask": True}
    return {
        "vit": model_folder(
            root / "vit", "vit/image-classification", preprocessor_config=VIT_PICTURES
        ),
        "clip": model_folder(
            root / "clip", "clip/pair", preprocessor_config=CLIP_PICTURES, **clip
        ),
        "clip_newer": model_folder(
            root / "clip_newer", "clip/pair", processor_config=newer, **clip
        ),
        "whisper": model_folder(
            root / "whisper", "whisper/seq2seq", preprocessor_config=WHISPER_SOUNDS
        ),
        "whisper_newer": model_folder(
            root / "whisper_newer", "whisper/seq2seq",
            processor_config={"feature_extractor": short, "processor_class": "WhisperProcessor"},
        ),
    }


@pytest.fixture
def prepared(engine, tmp_path):
    """prepare of a model and data as a function; the tensors of its file."""

    def run(model, **data):
        outputs = tmp_path / "prepared.safetensors"
        outputs.unlink(missing_ok=True)
        lists = {name: [str(entry) for entry in entries] for name, entries in data.items()}
        engine.request("prepare", model=str(model), outputs=str(outputs), **lists)
        return load_file(outputs)

    return run


# --- Pictures -------------------------------------------------------------------------------------


def same_pixels(ours, expected, std, where):
    """One grey level at most, and 1e-3 on average, of the normalised values."""
    ours, expected = ours.numpy(), np.asarray(expected)
    assert ours.dtype == np.float32
    assert ours.shape == expected.shape, where
    error = np.abs(ours - expected)
    level = GREY_LEVEL / np.array(std).reshape(1, -1, 1, 1)
    assert (error <= level * (1 + 1e-4)).all(), where
    assert error.mean() <= MEAN_BOUND, (where, error.mean())


def loaded(paths):
    """As transformers loads them; Pillow warns of odd transparency."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [load_image(str(path)) for path in paths]


@pytest.fixture(scope="module")
def odd_pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    rgb = Image.fromarray(picture(90, 131))
    transparent = {"transparency": bytes(range(0, 256, 2))}
    large = Image.fromarray(np.tile(picture(300, 400), (10, 10, 1)))
    return [
        save(folder, "rgba.png", Image.fromarray(picture(131, 90, 4))),
        save(folder, "grey.png", Image.fromarray(picture(63, 64, 1))),
        save(folder, "grey_alpha.png", Image.fromarray(picture(50, 40, 4)).convert("LA")),
        save(folder, "palette.png", palette_image(20)),
        save(folder, "palette_transparent.png", palette_image(128), **transparent),
        save(folder, "pixel.png", Image.fromarray(picture(1, 1))),
        save(folder, "column.png", Image.fromarray(picture(45, 1))),
        save(folder, "turned.jpg", rgb, exif=exif(6)),
        save(folder, "mirrored.png", rgb, exif=exif(7, ">")),
        save(folder, "cmyk.jpg", Image.fromarray(picture(45, 61, 4), "CMYK")),
        save(folder, "large.jpg", large, quality=90),
    ]


@pytest.mark.parametrize("name", ["vit", "clip", "clip_newer"])
def test_odd_pictures_alone_and_as_a_batch(name, folders, odd_pictures, prepared):
    processor = AutoImageProcessor.from_pretrained(folders[name], backend="pil")
    expected = processor(loaded(odd_pictures), return_tensors="np")["pixel_values"]
    batch = prepared(folders[name], image=odd_pictures)
    assert set(batch) == {"pixel_values"}
    same_pixels(batch["pixel_values"], expected, processor.image_std, name)
    for index, path in enumerate(odd_pictures[:-1]):
        alone = prepared(folders[name], image=[path])["pixel_values"]
        same_pixels(alone, expected[index : index + 1], processor.image_std, path.name)


@pytest.mark.parametrize(
    "preset, made_by", [("vit-b16", ViTImageProcessor), ("clip-b32", CLIPImageProcessor)]
)
def test_presets_prepare_the_shipped_pictures_as_the_class_does(preset, made_by, prepared):
    processor = made_by()
    expected = processor(loaded(PICTURES), return_tensors="np")["pixel_values"]
    ours = prepared(preset, image=PICTURES)["pixel_values"]
    assert ours.shape == (3, 3, 224, 224)
    same_pixels(ours, expected, processor.image_std, preset)


# --- Texts with pictures --------------------------------------------------------------------------


def check_together(folder, prepared, texts, pictures):
    processor = AutoProcessor.from_pretrained(folder, backend="pil")
    expected = processor(
        text=texts, images=loaded(pictures) or None, return_tensors="pt", padding=len(texts) > 1,
        truncation=True,
    )
    ours = prepared(folder, text=texts, image=pictures)
    assert set(ours) == set(expected)
    for key in ("input_ids", "attention_mask"):
        assert ours[key].tolist() == expected[key].tolist(), key
    if pictures:
        std = processor.image_processor.image_std
        same_pixels(ours["pixel_values"], expected["pixel_values"], std, folder.name)


@pytest.mark.parametrize("name", ["clip", "clip_newer"])
def test_texts_and_pictures_together(name, folders, prepared):
    check_together(folders[name], prepared, TEXTS, PICTURES)
    check_together(folders[name], prepared, TEXTS[:1], PICTURES[:1])
    check_together(folders[name], prepared, TEXTS, [])


@pytest.mark.parametrize("texts, pictures", [(3, 1), (1, 3), (3, 2)])
def test_texts_and_pictures_need_not_be_as_many(texts, pictures, folders, prepared):
    """Several texts for one picture is what these models are asked most often."""
    check_together(folders["clip"], prepared, TEXTS[:texts], PICTURES[:pictures])


# --- Sounds ---------------------------------------------------------------------------------------


def heard(path):
    """The file as load_audio of transformers gives it: one channel at 16 kHz."""
    sound, rate = soundfile.read(path, dtype="float32", always_2d=True)
    mono = sound.T.mean(axis=0) if sound.shape[1] > 1 else sound[:, 0]
    return mono if rate == RATE else soxr.resample(mono, rate, RATE, quality="HQ")


def same_features(ours, expected, where):
    ours, expected = ours.numpy(), np.asarray(expected)
    assert ours.dtype == np.float32
    assert ours.shape == expected.shape, where
    error = np.abs(ours - expected)
    assert error.max() <= 1e-3, (where, error.max())


def chirp(seconds, rate, channels=1):
    """A tone that rises to 3 kHz, louder and softer, with a little noise; channels differ."""
    time = np.arange(int(seconds * rate)) / rate
    noise = np.random.default_rng(5).normal(0, 0.01, (len(time), channels))
    phase = 2 * np.pi * (200 * time + 2800 * time**2 / (2 * max(seconds, 1)))
    loud = 0.4 + 0.3 * np.sin(5 * time)
    tones = [loud * np.sin(phase * (1 + 0.1 * channel)) for channel in range(channels)]
    return np.stack(tones, -1) + noise


@pytest.fixture(scope="module")
def odd_sounds(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sounds")

    def written(name, sound, rate, **options):
        soundfile.write(folder / name, sound, rate, **options)
        return folder / name

    return [
        written("stereo.wav", chirp(1, RATE, 2), RATE),
        written("eight.wav", chirp(2.5, 8_000), 8_000),
        written("cd.flac", chirp(1.5, 44_100, 2), 44_100),
        written("float.wav", chirp(1, 48_000), 48_000, subtype="FLOAT"),
        written("short.wav", chirp(0.1, RATE), RATE),
        written("sample.wav", chirp(1 / RATE, RATE), RATE),
        written("silent.wav", np.zeros(RATE), RATE),
        written("long.ogg", chirp(40, RATE), RATE),
    ]


def features_of(extractor, paths):
    sounds = [heard(path) for path in paths]
    return extractor(sounds, sampling_rate=RATE, return_tensors="np")


@pytest.mark.parametrize("name", ["whisper", "whisper_newer"])
def test_odd_sounds_alone_and_as_a_batch(name, folders, odd_sounds, prepared):
    extractor = WhisperFeatureExtractor.from_pretrained(folders[name])
    expected = features_of(extractor, odd_sounds)
    batch = prepared(folders[name], audio=odd_sounds)
    assert set(batch) == set(expected)
    same_features(batch["input_features"], expected["input_features"], name)
    if "attention_mask" in expected:
        assert batch["attention_mask"].tolist() == expected["attention_mask"].tolist()
    for index, path in enumerate(odd_sounds):
        alone = prepared(folders[name], audio=[path])["input_features"]
        same_features(alone, expected["input_features"][index : index + 1], path.name)


def test_a_preset_prepares_the_shipped_sounds_as_the_class_does(prepared):
    expected = features_of(WhisperFeatureExtractor(), SOUNDS)["input_features"]
    ours = prepared("whisper-tiny", audio=SOUNDS)["input_features"]
    assert ours.shape == (3, 80, 3000)
    same_features(ours, expected, "whisper-tiny")


# --- What cannot be prepared ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    """{name: (the flag it is given to, path)}."""
    folder = tmp_path_factory.mktemp("broken")
    jpeg, voice = PICTURES[0].read_bytes(), SOUNDS[0].read_bytes()
    contents = {
        "cut.jpg": ("image", jpeg[: len(jpeg) // 2]),
        "text.png": ("image", b"not a picture\n" * 20),
        "empty.png": ("image", b""),
        "empty.wav": ("audio", b""),
        "no_samples.wav": ("audio", voice[:40] + bytes(4)),
        "cut.flac": ("audio", SOUNDS[2].read_bytes()[:30_000]),
        "text.wav": ("audio", b"not a sound\n" * 20),
        "picture.wav": ("audio", jpeg),
    }
    found = {}
    for name, (flag, content) in contents.items():
        (folder / name).write_bytes(content)
        found[name] = (flag, folder / name)
    (folder / "folder.png").mkdir()
    found["folder.png"] = ("image", folder / "folder.png")
    found["folder.wav"] = ("audio", folder / "folder.png")
    found["missing.jpg"] = ("image", folder / "missing.jpg")
    found["missing.wav"] = ("audio", folder / "missing.wav")
    return found


def test_broken_files_are_refused_by_name(folders, broken, engine, tmp_path):
    outputs = tmp_path / "out.safetensors"
    good = {"image": PICTURES[1], "audio": SOUNDS[0]}
    for name, (flag, path) in broken.items():
        model = folders["vit" if flag == "image" else "whisper"]
        for batch in ([path], [good[flag], path]):
            with pytest.raises(EngineError) as error:
                engine.request("prepare", model=str(model), outputs=str(outputs),
                               **{flag: [str(entry) for entry in batch]})
            assert "\n" not in str(error.value), name
            assert path.name in str(error.value), (name, str(error.value))
            assert list(tmp_path.iterdir()) == [], name


@pytest.mark.parametrize("name", ["cut.jpg", "empty.wav", "folder.png"])
def test_broken_files_end_the_command_in_one_line(name, folders, broken, tmp_path):
    flag, path = broken[name]
    model = folders["vit" if flag == "image" else "whisper"]
    outputs = tmp_path / "out.safetensors"
    done = ridgeline("prepare", model, f"--{flag}", path, "--outputs", outputs, check=False)
    assert_one_clear_line(done, code=2)
    assert path.name in done.stderr and done.stdout == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "model, data, says",
    [
        ("vit-b16", {"audio": [SOUNDS[0]]}, "sound"),
        ("vit-b16", {"text": ["a"]}, "tokenizer"),
        ("whisper-tiny", {"image": [PICTURES[0]]}, "image processor"),
        ("bert-base", {"image": [PICTURES[0]]}, "image processor"),
        ("clip-b32", {"text": ["a"], "image": [PICTURES[0]]}, "tokenizer"),
    ],
)
def test_data_that_a_model_does_not_take_is_refused(model, data, says, engine, tmp_path):
    lists = {name: [str(entry) for entry in entries] for name, entries in data.items()}
    with pytest.raises(EngineError, match=says):
        engine.request("prepare", model=model, outputs=str(tmp_path / "out"), **lists)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "settings, says",
    [
        ("{", "preprocessor_config.json"),
        ('{"size": "large", "image_processor_type": "ViTImageProcessor"}', "size"),
        ('{"image_processor_type": "TarotImageProcessor"}', "TarotImageProcessor"),
    ],
)
def test_broken_settings_are_refused(settings, says, folders, engine, tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text((folders["vit"] / "config.json").read_text())
    (folder / "preprocessor_config.json").write_text(settings)
    outputs = tmp_path / "out.safetensors"
    with pytest.raises(EngineError, match=says):
        engine.request("prepare", model=str(folder), image=[str(PICTURES[0])], outputs=str(outputs))
    assert not outputs.exists()


# --- The command ----------------------------------------------------------------------------------


def test_the_command_does_what_the_request_does(folders, prepared, tmp_path):
    outputs = tmp_path / "out.safetensors"
    flags = [word for path in PICTURES for word in ("--image", path)]
    flags += [word for text in TEXTS for word in ("--text", text)]
    done = ridgeline("prepare", folders["clip"], *flags, "--outputs", outputs)
    assert "pixel_values [3,3,32,32]" in done.stdout
    ours, expected = load_file(outputs), prepared(folders["clip"], text=TEXTS, image=PICTURES)
    assert set(ours) == set(expected)
    assert all(bool((ours[name] == expected[name]).all()) for name in ours)
    relative = [pathlib.Path(path).name for path in SOUNDS]
    flags = [word for name in relative for word in ("--audio", name)]
    done = ridgeline("prepare", "whisper-tiny", *flags, "--outputs", outputs, cwd=INPUTS)
    assert "input_features [3,80,3000]" in done.stdout
