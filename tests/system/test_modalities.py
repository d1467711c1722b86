"""`ridgeline run` end to end for every modality: tiny models in folders, real texts, pictures and
sounds, and the presets."""

import json
import re
import time
import wave

import pytest

from support.program import ROOT, ridgeline, ridgeline_json
from support.schema import validate
from support.scripted import Run, metric, phase, run_to_end

INPUTS = ROOT / "data/inputs"
FAMILIES = ROOT / "tests/oracle/families"
SPHERES, LANDSCAPE = INPUTS / "spheres.jpg", INPUTS / "landscape.webp"
VOICE = INPUTS / "voice.wav"
WINDOW = 1  # seconds of sound that the tiny Whisper hears at once
# One thread and one process: what is tested here is what comes out, not how exact it is.
SHORT = ["--weights", "synthetic", "--threads", 1, "--invocations", 1, "--budget", "1s"]


# --- Folders --------------------------------------------------------------------------------------


def letter_tokenizer(size, begin, end):
    """tokenizer.json of single letters, the last of a word with </w>; `size` entries in all."""
    letters = [chr(c) for c in range(ord("a"), ord("z") + 1)]
    entries = letters + [letter + "</w>" for letter in letters]
    names = {begin: "<|startoftext|>", end: "<|endoftext|>"}
    free = (index for index in range(size) if index not in names)
    vocabulary = {entry: index for entry, index in zip(entries, free)}
    vocabulary |= {name: index for index, name in names.items()}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {"id": index, "content": name, "single_word": False, "lstrip": False, "rstrip": False,
             "normalized": False, "special": True}
            for index, name in sorted(names.items())
        ],
        "normalizer": {"type": "Lowercase"},
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True,
                          "use_regex": True},
        "post_processor": {
            "type": "RobertaProcessing", "sep": [names[end], end], "cls": [names[begin], begin],
            "trim_offsets": False, "add_prefix_space": False,
        },
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True,
                    "use_regex": True},
        "model": {
            "type": "BPE", "dropout": None, "unk_token": names[end], "fuse_unk": False,
            "continuing_subword_prefix": "", "end_of_word_suffix": "</w>", "byte_fallback": False,
            "vocab": vocabulary, "merges": [],
        },
    }  # fmt: skip


def folder_of(root, family, over=None, **files):
    """config.json of the first tiny model of a family, and `files` as NAME.json."""
    table = json.loads((FAMILIES / f"{family}.json").read_text())
    row = table["variants"][0]
    config = {**table["base"], **row["config"], **(over or {})}
    folder = root / family
    folder.mkdir()
    files["config"] = {**config, "architectures": [row["architecture"]]}
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    return folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """{family: a folder as the hub has it, without weights}."""
    root = tmp_path_factory.mktemp("models")
    tokens = {"bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>",
              "unk_token": "<|endoftext|>", "pad_token": "<|endoftext|>"}  # fmt: skip
    template = "{% for m in messages %}{{ m.role }} {{ m.content }}{% endfor %} assistant"
    plain = {"tokenizer_class": "PreTrainedTokenizerFast", **tokens, "padding_side": "left",
             "model_input_names": ["input_ids", "attention_mask"],
             "chat_template": template}  # fmt: skip
    clip = {"tokenizer_class": "CLIPTokenizer", **tokens, "model_max_length": 32}
    return {
        "llama": folder_of(
            root, "llama", {"max_position_embeddings": 128},
            tokenizer=letter_tokenizer(120, 1, 2), tokenizer_config=plain,
        ),
        "vit": folder_of(
            root, "vit",
            preprocessor_config={"image_processor_type": "ViTImageProcessor", "size": 32},
        ),
        "whisper": folder_of(
            root, "whisper", {"max_source_positions": 50 * WINDOW},
            preprocessor_config={"feature_extractor_type": "WhisperFeatureExtractor",
                                 "feature_size": 16, "chunk_length": WINDOW},
        ),
        "clip": folder_of(
            root, "clip",
            preprocessor_config={"image_processor_type": "CLIPImageProcessor", "size": 32,
                                 "crop_size": 32},
            tokenizer=letter_tokenizer(120, 118, 119), tokenizer_config=clip,
        ),
    }  # fmt: skip


def names_of(record):
    return [phase["name"] for phase in record["phases"]]


def items_of(record, name):
    return phase(record, name)["items"]


def measured(tmp_path, *args):
    """The records of a run on the native engine: all valid and done."""
    records = run_to_end(tmp_path, *args, *SHORT, engine=None)
    for record in records:
        assert record["outcome"]["status"] == "ok", record["outcome"]
        assert record["model"]["synthetic"]
        for name in names_of(record):
            assert metric(record, "latency", name)["value"] > 0
        # Nothing is counted for reading files; everything else has its cost.
        assert set(record["cost"]) >= set(names_of(record)) - {"preprocess"}
    return records


def check_token_times(record):
    """Time to the first token, then per token: parts of the whole, timed, in seconds."""
    for name in ("ttft", "tpot", "itl"):
        found = metric(record, name, "generate")
        assert found["value"] > 0 and found["unit"] == "s" and found["source"] == "timed"
    whole = metric(record, "latency.max", "generate")["value"]
    assert metric(record, "ttft", "generate")["value"] < whole
    for name in ("prefill", "decode"):
        assert "ttft" not in phase(record, name)["metrics"]


# --- Text -----------------------------------------------------------------------------------------


def test_a_decoder_is_measured_at_every_depth(folders, tmp_path):
    flags = ["--sequence", 16, "--depth", "8,32", "--new-tokens", 4, "--batch", 2]
    records = measured(tmp_path, folders["llama"], *flags)
    by_depth = {record["workload"]["depth"]: record for record in records}
    assert set(by_depth) == {8, 32} and len(records) == 2
    for record in records:
        assert names_of(record) == ["prefill", "decode", "generate"]
        assert items_of(record, "prefill") == {"token": 32}
        assert items_of(record, "decode") == {"token": 2}
        assert items_of(record, "generate") == {"token": 8, "sequence": 2}
        assert record["workload"]["sequence"] == 16 and record["workload"]["new_tokens"] == 4
        assert record["workload"]["inputs"]["synthetic"]
        check_token_times(record)
    shallow, deep = (by_depth[depth]["cost"] for depth in (8, 32))
    for key in ("flops", "bytes"):
        assert deep["decode"][key] > shallow["decode"][key]
        assert deep["prefill"][key] == shallow["prefill"][key]


def test_texts_go_through_tokenizer_and_chat_template(folders, tmp_path):
    texts = ["ab cd", "abc"]  # five letters and three
    flags = [word for text in texts for word in ("--text", text)]
    (record,) = measured(tmp_path, folders["llama"], *flags, "--chat", "--new-tokens", 2)
    assert names_of(record) == ["preprocess", "prefill", "decode", "generate"]
    workload = record["workload"]
    assert workload["text"] == texts and workload["chat"] is True
    assert not workload["inputs"]["synthetic"]
    # "user " + the text + " assistant", one token a character, padded to the longer text; blanks
    # are byte-level's "Ġ", which this vocabulary has not, and an unknown token all the same.
    assert workload["batch"] == 2
    assert workload["sequence"] == len("user " + texts[0] + " assistant")
    rendered = sum(len("user " + text + " assistant") for text in texts)
    assert items_of(record, "prefill") == {"token": rendered}
    check_token_times(record)


# --- Sound ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def heard(folders, tmp_path_factory):
    """(record, real seconds) of a sound longer than a window."""
    with wave.open(str(VOICE)) as sound:
        seconds = sound.getnframes() / sound.getframerate()
    folder = tmp_path_factory.mktemp("heard")
    flags = ["--audio", VOICE, "--new-tokens", 3, "--depth", 5]
    (record,) = measured(folder, folders["whisper"], *flags)
    return record, seconds


def test_a_sound_is_prepared_encoded_and_transcribed(heard):
    record, seconds = heard
    assert names_of(record) == ["preprocess", "encode", "prefill", "decode", "generate"]
    windows = -(-seconds // WINDOW)
    assert phase(record, "encode")["unit"] == "window"
    assert items_of(record, "encode")["window"] == windows > 1
    assert items_of(record, "decode") == {"token": windows}
    assert items_of(record, "generate")["token"] == 3 * windows
    workload = record["workload"]
    assert workload["audio"] == [str(VOICE)] and workload["depth"] == 5
    assert workload["audio_seconds"] == pytest.approx(seconds)
    assert not workload["inputs"]["synthetic"]
    check_token_times(record)


def test_the_real_time_factor_is_of_the_real_seconds(heard):
    record, seconds = heard
    for name in ("preprocess", "encode", "generate"):
        factor = metric(record, "real_time_factor", name)
        assert factor["unit"] == "1" and factor["inputs"] == [f"{name}.latency"]
        latency = metric(record, "latency", name)["value"]
        assert factor["value"] == pytest.approx(latency / seconds)
        rate = metric(record, "throughput.audio_second", name)["value"]
        assert rate == pytest.approx(seconds / latency)
    for name in ("prefill", "decode"):
        assert "real_time_factor" not in phase(record, name)["metrics"]


def test_the_items_are_the_real_seconds(heard):
    record, seconds = heard
    for name in ("preprocess", "encode", "generate"):
        assert items_of(record, name)["audio_second"] == pytest.approx(seconds)


# --- Pictures, and texts with pictures ------------------------------------------------------------


def test_pictures_of_several_sizes(folders, tmp_path):
    flags = ["--image", SPHERES, "--image", LANDSCAPE, "--image-size", "32,48"]
    records = measured(tmp_path, folders["vit"], *flags)
    by_size = {record["workload"]["image_size"]: record for record in records}
    assert set(by_size) == {32, 48} and len(records) == 2
    for record in records:
        assert names_of(record) == ["preprocess", "forward"]
        assert items_of(record, "forward")["image"] == 2
        workload = record["workload"]
        assert workload["image"] == [str(SPHERES), str(LANDSCAPE)] and workload["batch"] == 2
        assert workload["sequence"] is None and not workload["inputs"]["synthetic"]
    small, large = (by_size[size]["cost"]["forward"]["flops"] for size in (32, 48))
    assert large > small


def test_texts_with_pictures(folders, tmp_path):
    flags = ["--text", "a ridge", "--text", "a lake in the mist"]
    flags += ["--image", SPHERES, "--image", LANDSCAPE]
    (record,) = measured(tmp_path, folders["clip"], *flags)
    assert names_of(record) == ["preprocess", "encode_text", "encode_image", "forward"]
    assert items_of(record, "encode_image")["image"] == 2
    # Start and end, and a token a letter: CLIP's tokenizer drops the blanks.
    assert record["workload"]["sequence"] == 2 + len("alakeinthemist")
    assert record["workload"]["image_size"] == 32
    assert not record["workload"]["inputs"]["synthetic"]
    whole, *towers = (
        record["cost"][name]["flops"] for name in ("forward", "encode_text", "encode_image")
    )
    assert whole == pytest.approx(sum(towers), rel=0.01)  # the similarities come on top


def test_what_a_model_does_not_take_is_a_failed_record(folders, tmp_path):
    cases = {
        "sound": [folders["vit"], "--audio", VOICE],
        "preprocessor_config.json": [folders["llama"], "--image", SPHERES],
        "tokenizer": [folders["vit"], "--text", "a"],
    }
    for number, (says, words) in enumerate(cases.items()):
        words += [*SHORT[:-1], "5s", "--json", "--output", tmp_path / str(number)]
        done = ridgeline("run", *words, check=False)
        assert done.returncode == 1, done.stderr
        (record,) = [json.loads(line) for line in done.stdout.splitlines()]
        validate(record)
        assert record["outcome"]["status"] == "failed"
        assert record["outcome"]["class"] in ("bad_input", "unsupported")
        assert says in record["outcome"]["reason"] + (record["outcome"]["remedy"] or "")


# --- Presets --------------------------------------------------------------------------------------


def memory_bytes():
    with open("/proc/meminfo") as lines:
        return 1024 * int(next(line for line in lines if line.startswith("MemTotal")).split()[1])


def test_a_model_too_large_for_the_machine_is_a_record(tmp_path):
    parameters = 8_030_261_248  # meta-llama/Meta-Llama-3-8B
    if memory_bytes() > 40e9:
        pytest.skip("this machine has the memory")
    begin = time.monotonic()
    with Run("llama-3-8b", "--json", "--output", tmp_path / "run", engine=None) as run:
        assert run.finish() == 1
        run.assert_left_nothing()
    assert time.monotonic() - begin < 3
    (record,) = [json.loads(line) for line in run.stdout.splitlines()]
    validate(record)
    outcome = record["outcome"]
    assert outcome["status"] == "failed" and outcome["class"] == "oom.host"
    needed, left = map(float, re.findall(r"([\d.]+) GB", outcome["reason"]))
    assert needed == pytest.approx(4 * parameters / 1e9, abs=0.1)
    assert left < needed
    assert "dtype" in outcome["remedy"]
    # Another process would find the same.
    assert len(record["invocations"]) == 1
    assert outcome["reason"] in run.stderr


PRESETS = {
    "text": ["bert-base", "bert-large", "minilm-l6", "tinyllama-1.1b", "llama-3.2-1b",
             "llama-3-8b", "llama-124m", "mistral-7b"],
    "vision": ["vit-b16", "vit-l16"],
    "speech": ["whisper-tiny", "whisper-small", "whisper-large-v3"],
    "multimodal": ["clip-b32", "clip-l14"],
}  # fmt: skip
ALL = sum(PRESETS.values(), [])


def test_the_presets_are_there():
    rows = {row["preset"]: row for row in ridgeline_json("list", "presets", "--json")}
    assert set(ALL) <= set(rows)
    families = {row["architecture"]: row for row in ridgeline_json("list", "families", "--json")}
    for modality, names in PRESETS.items():
        for name in names:
            assert families[rows[name]["architecture"]]["modality"] == modality, name


@pytest.mark.parametrize("suite", [*PRESETS, "all", "quick"])
def test_a_suite_runs_the_presets_of_its_modality(suite, tmp_path):
    done = ridgeline("run", "--suite", suite, "--dry-run", cwd=tmp_path)
    *cases, last = done.stdout.splitlines()
    models = [line.split()[2] for line in cases]
    assert last.startswith(f"{len(models)} cases of ")
    assert len(set(models)) == len(models)
    if suite == "quick":
        modalities = [m for model in models for m, names in PRESETS.items() if model in names]
        assert sorted(modalities) == sorted(PRESETS)
    else:
        assert set(ALL if suite == "all" else PRESETS[suite]) <= set(models)
    assert list(tmp_path.iterdir()) == []
