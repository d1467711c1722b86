"""Pictures against Pillow and the PIL image processors of transformers."""

import json
import struct
import subprocess
import warnings

import numpy as np
import pytest
from PIL import Image, PngImagePlugin
from transformers import AutoImageProcessor
from transformers.image_utils import load_image

from support.pictures import (
    ORIENTATION,
    broken_files,
    exif,
    handmade_files,
    palette_image,
    picture,
    save,
    written_files,
)
from support.program import BIN

DRIVER = BIN / "ridgeline-image-driver"
FILTERS = ("nearest", "lanczos", "bilinear", "bicubic", "box", "hamming")


def drive(*args):
    return subprocess.run([DRIVER, *map(str, args)], capture_output=True, text=True, timeout=60)


def result(args, out, dtype):
    done = drive(*args)
    assert done.returncode == 0, done.stderr
    shape, _, values = out.read_bytes().partition(b"\n")
    out.unlink()
    return np.frombuffer(values, dtype).reshape([int(size) for size in shape.split()])


def decoded(path):
    out = path.with_suffix(".decoded")
    return result(["--decode", out, path], out, np.uint8)


def loaded(path):
    """What transformers loads; Pillow warns of odd metadata."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.array(load_image(str(path)))


def assert_one_line(done):
    assert done.returncode == 1, (done.returncode, done.stderr)
    assert done.stderr.startswith("ridgeline: ") and done.stderr.count("\n") == 1, done.stderr


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    found = written_files(folder)
    for name, content in handmade_files().items():
        found[name] = folder / name
        found[name].write_bytes(content)
    return found


def test_every_kind_of_file_decodes_as_pillow_does(files):
    for name, path in files.items():
        np.testing.assert_array_equal(decoded(path), loaded(path), name)


# --- Orientation --------------------------------------------------------------------------------


def check_orientation(folder, image, name, **options):
    path = save(folder, name, image, **options)
    expected = loaded(path)
    np.testing.assert_array_equal(decoded(path), expected, f"{name} {options}")
    return expected


@pytest.mark.parametrize("orientation", range(10))
def test_exif_orientations_turn_the_picture(orientation, tmp_path):
    image = Image.fromarray(picture(24, 40))
    for ending in ("jpg", "png", "webp"):
        for order in "<>":
            name = f"turned.{ending}"
            turned = check_orientation(tmp_path, image, name, exif=exif(orientation, order))
            assert turned.shape == ((40, 24, 3) if 5 <= orientation <= 8 else (24, 40, 3))
    for mode in ("P", "L", "RGBA", "1"):
        check_orientation(tmp_path, image.convert(mode), "mode.png", exif=exif(orientation))


def test_odd_exif_is_read_as_pillow_reads_it(tmp_path):
    image = Image.fromarray(picture(24, 40))
    entry = struct.pack("<HHII", 271, 2, 50, 8)  # a maker of 50 bytes, more than there are
    soon_over = struct.pack("<HHII", 271, 2, 10, 4000)
    unknown = struct.pack("<HHII", 272, 77, 1, 8)
    for kind in (1, 3, 4, 6, 8, 9, 16):
        check_orientation(tmp_path, image, "kind.png", exif=exif(6, kind=kind))
    check_orientation(tmp_path, image, "two.png", exif=exif(6, count=2))
    check_orientation(tmp_path, image, "many.png", exif=exif(6, count=9))
    for before in (entry, soon_over, unknown):
        check_orientation(tmp_path, image, "before.png", exif=exif(6, before=before))
    twice = exif(6, before=exif(3)[16:28])
    check_orientation(tmp_path, image, "twice.png", exif=twice)
    for end in range(8, len(exif(6))):
        check_orientation(tmp_path, image, "short.jpg", exif=exif(6)[: 6 + end])


def test_orientation_in_xmp_and_in_text_counts_where_exif_has_none(tmp_path):
    image = Image.fromarray(picture(24, 40))
    packets = [
        b'<x tiff:Orientation="6"/>',
        b"<tiff:Orientation>8</tiff:Orientation>",
        b'tiff:Orientation tiff:Orientation="x" tiff:Orientation="3"',
        b'tiff:Orientation="9"',
        b"nothing",
    ]
    other_tag = exif(6).replace(struct.pack("<H", ORIENTATION), struct.pack("<H", 270))
    for packet in packets:
        for ending in ("jpg", "webp"):
            name = f"xmp.{ending}"
            check_orientation(tmp_path, image, name, xmp=packet)
            check_orientation(tmp_path, image, name, xmp=packet, exif=exif(3))
            check_orientation(tmp_path, image, name, xmp=packet, exif=other_tag)
        for packed in (False, True):
            info = PngImagePlugin.PngInfo()
            info.add_itxt("XML:com.adobe.xmp", packet.decode(), zip=packed)
            check_orientation(tmp_path, image, "xmp.png", pnginfo=info)
    profile = exif(5)
    text = f"\nexif\n{len(profile):8}\n{profile.hex()}\n"
    for packed in (False, True):
        info = PngImagePlugin.PngInfo()
        info.add_text("Raw profile type exif", text, zip=packed)
        turned = check_orientation(tmp_path, image, "text.png", pnginfo=info)
        assert turned.shape == (40, 24, 3)
    late = PngImagePlugin.PngInfo()
    late.add(b"eXIf", exif(6)[6:], after_idat=True)
    check_orientation(tmp_path, image, "late.png", pnginfo=late)


# --- Resizing -----------------------------------------------------------------------------------


def test_resize_is_pillows_bit_for_bit(tmp_path):
    random = np.random.default_rng(7)
    sizes = [(1, 1), (1, 9), (9, 1), (2, 3), (64, 64)]
    sizes += [tuple(random.integers(1, 90, 2)) for _ in range(7)]
    out = tmp_path / "out"
    for number, (height, width) in enumerate(sizes):
        image = Image.fromarray(random.integers(0, 256, (height, width, 3), dtype=np.uint8))
        path = save(tmp_path, "in.ppm", image)
        for kind, name in enumerate(FILTERS):
            to_height, to_width = random.integers(1, 120, 2)
            if number % 4 == 1:
                to_height = height  # one pass only
            if number % 4 == 2:
                to_width = width
            expected = np.array(image.resize((int(to_width), int(to_height)), kind))
            ours = result(["--resize", kind, to_height, to_width, out, path], out, np.uint8)
            np.testing.assert_array_equal(ours, expected, f"{name} {height}x{width}")


def test_resize_of_a_large_picture_is_pillows(tmp_path):
    image = Image.fromarray(np.tile(picture(150, 400), (10, 10, 1)))
    path = save(tmp_path, "large.ppm", image)
    out = tmp_path / "out"
    for kind, size in ((2, (224, 224)), (3, (224, 597)), (1, (100, 1000)), (3, (1600, 50))):
        expected = np.array(image.resize((size[1], size[0]), kind))
        ours = result(["--resize", kind, *size, out, path], out, np.uint8)
        np.testing.assert_array_equal(ours, expected, f"{kind} {size}")


# --- Processors ---------------------------------------------------------------------------------

VIT = {"image_processor_type": "ViTImageProcessor"}
CLIP = {"image_processor_type": "CLIPImageProcessor"}
CLIP_OLD = {"feature_extractor_type": "CLIPFeatureExtractor", "size": 64, "crop_size": 48}
MEAN = [0.485, 0.456, 0.406]
STD = [0.229, 0.224, 0.225]
CONFIGS = {
    # As google/vit-base-patch16-224 and openai/clip-vit-base-patch32 have them, but smaller.
    "vit": {
        "do_normalize": True, "do_resize": True, "image_mean": [0.5] * 3, "image_std": [0.5] * 3,
        "size": 56, "feature_extractor_type": "ViTFeatureExtractor",
    },
    "vit_new": VIT | {"size": {"height": 60, "width": 40}, "resample": 3, "do_convert_rgb": True},
    "vit_fast": {
        "image_processor_type": "ViTImageProcessorFast", "size": {"height": 9, "width": 7},
    },
    "vit_raw": VIT | {"do_rescale": False, "size": [33, 21], "image_mean": MEAN, "image_std": STD},
    "vit_levels": VIT | {"do_normalize": False, "rescale_factor": 0.01, "size": 32},
    "vit_bytes": VIT | {"do_normalize": False, "do_rescale": False, "size": 32},
    "vit_one_mean": VIT | {"image_mean": 0.3, "image_std": 0.7, "size": 16},
    "vit_crop": VIT | {"size": {"shortest_edge": 40}, "do_center_crop": True, "crop_size": 50},
    "vit_both_edges": VIT | {
        "size": {"shortest_edge": 40, "longest_edge": 70}, "do_pad": True, "pad_size": 80,
    },
    "vit_within": VIT | {
        "size": {"max_height": 50, "max_width": 44}, "do_pad": True,
        "pad_size": {"height": 50, "width": 60},
    },
    "vit_edge": VIT | {
        "size": 30, "default_to_square": False, "do_center_crop": True,
        "crop_size": {"height": 21, "width": 44},
    },
    "clip": CLIP_OLD | {"do_center_crop": True, "resample": 3, "do_resize": True},
    "clip_new": CLIP | {
        "size": {"shortest_edge": 64}, "crop_size": {"height": 64, "width": 64},
        "image_mean": MEAN, "image_std": STD, "do_convert_rgb": True, "rescale_factor": 1 / 255,
    },
    "clip_fast": {
        "image_processor_type": "CLIPImageProcessorFast", "size": {"shortest_edge": 41},
        "crop_size": {"height": 37, "width": 36}, "data_format": "channels_first",
        "input_data_format": None,
    },
    "clip_nulls": CLIP | {
        "do_resize": None, "size": None, "do_pad": None, "pad_size": None, "device": None,
        "crop_size": 40,
    },
    "vit_nulls": VIT | {
        "do_normalize": None, "image_mean": None, "do_rescale": None, "rescale_factor": None,
        "default_to_square": None, "size": 20, "do_center_crop": True, "crop_size": 15,
    },
    "clip_large_crop": CLIP | {
        "size": {"shortest_edge": 30}, "crop_size": {"height": 71, "width": 68},
    },
    "clip_lanczos": CLIP | {"resample": 1, "size": 40, "crop_size": 40},
    "clip_square": CLIP | {"use_square_size": True},
    "clip_default": {"image_processor_type": "CLIPImageProcessor"},
    "vit_default": {"feature_extractor_type": "ViTFeatureExtractor"},
}


def processor_folder(path, config, name="preprocessor_config.json"):
    path.mkdir()
    (path / name).write_text(json.dumps(config))
    return path


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("to_prepare")
    rotated = {"exif": exif(6)}
    return [
        save(folder, "wide.jpg", Image.fromarray(picture(90, 131))),
        save(folder, "tall.png", Image.fromarray(picture(131, 90, 4))),
        save(folder, "grey.png", Image.fromarray(picture(63, 64, 1))),
        save(folder, "turned.jpg", Image.fromarray(picture(50, 77)), **rotated),
        save(folder, "tiny.png", Image.fromarray(picture(1, 1))),
        save(folder, "thin.png", Image.fromarray(picture(3, 2))),
        save(folder, "palette.png", palette_image(20)),
        save(folder, "exact.webp", Image.fromarray(picture(56, 56)), lossless=True),
    ]


def check_processor(folder, paths, out):
    processor = AutoImageProcessor.from_pretrained(folder, backend="pil")
    images = [load_image(str(path)) for path in paths]
    expected = processor(images, return_tensors="np")["pixel_values"]
    ours = result([folder, "", out, *paths], out, np.float32)
    # Bit for bit, although one grey level at most and 1e-3 on average would do.
    np.testing.assert_array_equal(ours, expected.astype(np.float32), str(paths))


@pytest.mark.parametrize("name", CONFIGS)
def test_processors_give_the_same_values(name, pictures, tmp_path):
    folder = processor_folder(tmp_path / name, CONFIGS[name])
    for path in pictures:
        check_processor(folder, [path], tmp_path / "out")


def test_processors_take_batches(pictures, tmp_path):
    for name in ("vit_new", "clip_new", "vit_within"):
        folder = processor_folder(tmp_path / name, CONFIGS[name])
        check_processor(folder, pictures[:5], tmp_path / "out")
    padded = processor_folder(
        tmp_path / "padded", VIT | {"do_pad": True, "size": {"shortest_edge": 30}}
    )
    check_processor(padded, pictures[:4], tmp_path / "out")
    uneven = processor_folder(tmp_path / "uneven", VIT | {"size": {"shortest_edge": 30}})
    assert_one_line(drive(uneven, "", tmp_path / "out", *pictures[:2]))


def test_a_large_picture_and_a_very_long_one(tmp_path):
    tiled = Image.fromarray(np.tile(picture(300, 400), (10, 10, 1)))
    large = save(tmp_path, "large.jpg", tiled, quality=90)
    column = save(tmp_path, "column.png", Image.fromarray(picture(100, 1)))
    for name in ("vit_default", "clip_default"):
        folder = processor_folder(tmp_path / name, CONFIGS[name])
        check_processor(folder, [large], tmp_path / "out")
        check_processor(folder, [column], tmp_path / "out")


def test_settings_saved_with_other_processors_come_first(pictures, tmp_path):
    folder = processor_folder(tmp_path / "both", CONFIGS["clip_new"])
    nested = {"image_processor": CONFIGS["vit_new"], "processor_class": "XProcessor"}
    (folder / "processor_config.json").write_text(json.dumps(nested))
    check_processor(folder, pictures[:3], tmp_path / "out")
    (folder / "processor_config.json").write_text(json.dumps({"processor_class": "XProcessor"}))
    check_processor(folder, pictures[:3], tmp_path / "out")


def test_settings_that_transformers_saves_are_read_back(pictures, tmp_path):
    for name in ("vit_edge", "clip_new"):
        folder = processor_folder(tmp_path / name, CONFIGS[name])
        again = tmp_path / f"{name}_again"
        AutoImageProcessor.from_pretrained(folder, backend="pil").save_pretrained(again)
        check_processor(again, pictures[:1], tmp_path / "out")


def test_the_family_names_the_processor_when_the_file_does_not(pictures, tmp_path):
    out = tmp_path / "out"
    for family, kind in (("vit", VIT), ("clip", CLIP)):
        named = processor_folder(tmp_path / f"{family}_named", kind | {"size": 24})
        nameless = processor_folder(tmp_path / family, {"size": 24})
        expected = result([named, "", out, pictures[0]], out, np.float32)
        ours = result([nameless, family, out, pictures[0]], out, np.float32)
        np.testing.assert_array_equal(ours, expected)
        assert_one_line(drive(nameless, "", out, pictures[0]))


# --- What cannot be read ------------------------------------------------------------------------


def test_files_that_cannot_be_read_end_in_one_line(tmp_path):
    for name, content in broken_files().items():
        path = tmp_path / name
        path.write_bytes(content)
        done = drive("--decode", tmp_path / "out", path)
        assert_one_line(done)
        assert name in done.stderr
        if name.startswith("unsupported"):
            assert "convert it to PNG" in done.stderr, done.stderr
        elif name != "no_palette.png" and name != "too_little.png":  # black for Pillow
            with pytest.raises(Exception):
                loaded(path)
    assert_one_line(drive("--decode", tmp_path / "out", tmp_path))
    assert_one_line(drive("--decode", tmp_path / "out", tmp_path / "missing.png"))


def test_settings_that_make_no_sense_end_in_one_line(pictures, tmp_path):
    bad = [
        VIT | {"size": {"longest_edge": 30}},
        VIT | {"size": {"height": 3}},
        VIT | {"size": 0},
        VIT | {"size": 2**40},
        VIT | {"size": "big"},
        VIT | {"do_center_crop": True},
        VIT | {"resample": 9},
        VIT | {"image_mean": [0.5]},
        VIT | {"image_std": [1, 0, 1]},
        VIT | {"do_resize": "yes"},
        VIT | {"size": None},
        VIT | {"resample": None},
        VIT | {"rescale_factor": None},
        VIT | {"image_std": None},
        CLIP | {"crop_size": None},
        VIT | {"size": 32, "do_pad": True, "pad_size": 20},
        {"image_processor_type": "DonutImageProcessor"},
        [],
    ]
    for number, config in enumerate(bad):
        folder = processor_folder(tmp_path / str(number), config)
        assert_one_line(drive(folder, "", tmp_path / "out", pictures[0]))
    assert_one_line(drive(tmp_path, "vit", tmp_path / "out", pictures[0]))
