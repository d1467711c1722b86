"""Picture files of every kind: those that Pillow writes, and by hand those that it only reads."""

import io
import struct
import warnings
import zlib

import numpy as np
from PIL import Image, PngImagePlugin, features

ORIENTATION = 274  # the EXIF tag


def picture(height, width, channels=3, seed=0):
    """Smooth with some noise, so that lossy formats have something to keep."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    planes = [
        127 + 90 * np.sin(x / (7 + 5 * c) + c) * np.cos(y / (5 + 3 * c))
        + random.normal(0, 12, (height, width))
        for c in range(channels)
    ]
    pixels = np.clip(np.stack(planes, -1), 0, 255).astype(np.uint8)
    return pixels[:, :, 0] if channels == 1 else pixels


# --- Files that Pillow writes -------------------------------------------------------------------


def save(folder, name, image, **options):
    path = folder / name
    image.save(path, **options)
    return path


def palette_image(colors):
    return Image.fromarray(picture(37, 53)).quantize(colors)


def written_files(folder):
    """{name: path}, one for everything a user may have lying around."""
    rgb = Image.fromarray(picture(45, 61))
    rgba = Image.fromarray(picture(45, 61, 4))
    grey = Image.fromarray(picture(45, 61, 1))
    la = Image.merge("LA", (grey, Image.fromarray(picture(45, 61, 1, seed=1))))
    cmyk = Image.fromarray(picture(45, 61, 4, seed=2), "CMYK")
    deep = Image.fromarray(np.arange(45 * 61, dtype=np.uint16).reshape(45, 61) * 23)
    transparency = bytes(range(0, 256, 2))
    images = {
        "rgb.png": (rgb, {}),
        "rgba.png": (rgba, {}),
        "grey.png": (grey, {}),
        "la.png": (la, {}),
        "bits.png": (grey.convert("1"), {}),
        "deep.png": (deep, {}),
        "palette.png": (palette_image(200), {}),
        "palette16.png": (palette_image(16), {"bits": 4}),
        "palette4.png": (palette_image(4), {"bits": 2}),
        "palette2.png": (palette_image(2), {"bits": 1}),
        "palette_one_transparent.png": (palette_image(200), {"transparency": 3}),
        "palette_transparent.png": (palette_image(128), {"transparency": transparency}),
        "rgb_transparent.png": (rgb, {"transparency": (1, 2, 3)}),
        "grey_transparent.png": (grey, {"transparency": 7}),
        "one_pixel.png": (rgb.crop((0, 0, 1, 1)), {}),
        "column.png": (rgb.crop((0, 0, 1, 45)), {}),
        "row.png": (rgb.crop((0, 0, 61, 1)), {}),
        "frames.png": (rgb, {"save_all": True, "append_images": [rgb.rotate(90)]}),
        "frames_default.png": (
            rgb,
            {"save_all": True, "append_images": [rgb.rotate(90)], "default_image": True},
        ),
        "rgb.jpg": (rgb, {}),
        "rgb444.jpg": (rgb, {"subsampling": 0, "quality": 95}),
        "rgb422.jpg": (rgb, {"subsampling": 1, "quality": 40}),
        "grey.jpg": (grey, {}),
        "cmyk.jpg": (cmyk, {}),
        "progressive.jpg": (rgb, {"progressive": True}),
        "progressive_grey.jpg": (grey, {"progressive": True, "quality": 30}),
        "restarts.jpg": (rgb, {"restart_marker_blocks": 2}),
        "kept_rgb.jpg": (rgb, {"keep_rgb": True}),
        "one_pixel.jpg": (rgb.crop((0, 0, 1, 1)), {}),
        "column.jpg": (rgb.crop((0, 0, 1, 45)), {}),
        "lossy.webp": (rgb, {}),
        "lossless.webp": (rgb, {"lossless": True}),
        "alpha.webp": (rgba, {}),
        "alpha_lossless.webp": (rgba, {"lossless": True, "exact": True}),
        "frames.webp": (rgba, {"save_all": True, "append_images": [rgba.rotate(90)]}),
        "one_pixel.webp": (rgb.crop((0, 0, 1, 1)), {"lossless": True}),
        "rgb.bmp": (rgb, {}),
        "rgba.bmp": (rgba, {}),
        "grey.bmp": (grey, {}),
        "bits.bmp": (grey.convert("1"), {}),
        "palette.bmp": (palette_image(200), {}),
        "rgb.ppm": (rgb, {}),
        "grey.pgm": (grey, {}),
        "bits.pbm": (grey.convert("1"), {}),
        "deep.pgm": (deep, {}),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {name: save(folder, name, image, **o) for name, (image, o) in images.items()}


# --- Files that Pillow reads and does not write -------------------------------------------------


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width, height, depth, colour, rows, before=b"", after=b"", interlaced=0):
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    return (
        PngImagePlugin._MAGIC
        + chunk(b"IHDR", header)
        + before
        + chunk(b"IDAT", zlib.compress(rows))
        + after
        + chunk(b"IEND", b"")
    )


def rows_of(height, stride, seed):
    random = np.random.default_rng(seed)
    return [b"\0" + random.bytes(stride) for _ in range(height)]


def interlaced_rows(width, height, bits, seed):
    """Random rows of the seven passes of Adam7."""
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2)]
    data = b""
    for x, y, dx, dy in [*passes, (0, 1, 1, 2)]:
        columns, lines = -(-(width - x) // dx), -(-(height - y) // dy)
        if columns > 0 and lines > 0:
            data += b"".join(rows_of(lines, (columns * bits + 7) // 8, seed))
    return data


def handmade_files():
    """{name: bytes}."""
    files = {}
    palette = chunk(b"PLTE", bytes(range(1, 31)))
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
    for colour, depths in {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16),
                           6: (8, 16)}.items():
        for depth in depths:
            bits = depth * channels[colour]
            before = palette if colour == 3 else b""
            rows = b"".join(rows_of(9, (13 * bits + 7) // 8, seed=bits))
            files[f"png_{colour}_{depth}.png"] = png(13, 9, depth, colour, rows, before)
            rows = interlaced_rows(13, 9, bits, seed=bits)
            files[f"png_{colour}_{depth}_interlaced.png"] = png(
                13, 9, depth, colour, rows, before, interlaced=1
            )
    plain = b"".join(rows_of(9, 13, seed=5))
    wrong_sum = bytearray(png(13, 9, 8, 0, plain))
    wrong_sum[-13] ^= 1
    files["pixels_checksum.png"] = bytes(wrong_sum)
    files["no_end.png"] = png(13, 9, 8, 0, plain)[:-12]
    files["unknown_chunks.png"] = png(
        13, 9, 8, 0, plain, chunk(b"abCd", b"x") + chunk(b"gAMA", b"\0\0\1\0"), chunk(b"zzZz", b"")
    )
    random = np.random.default_rng(3)
    for bits in (1, 4, 8, 16, 24, 32):
        for height in (7, -7):
            files[f"bmp_{bits}_{height}.bmp"] = bmp(11, height, bits, random)
    files["bmp_short_palette.bmp"] = bmp(11, 7, 8, random, colours=40)
    files["bmp_grey_palette.bmp"] = bmp(11, 7, 8, random, colours=40, grey=True)
    files["bmp_no_fill.bmp"] = bmp(11, 7, 24, random)[:-3]
    files["bmp_565.bmp"] = bmp(11, 7, 16, random, masks=(0xF800, 0x7E0, 0x1F))
    files["bmp_555.bmp"] = bmp(11, 7, 16, random, masks=(0x7C00, 0x3E0, 0x1F))
    files["bmp_xbgr.bmp"] = bmp(11, 7, 32, random, masks=(0xFF000000, 0xFF0000, 0xFF00))
    files["bmp_no_masks.bmp"] = bmp(11, 7, 32, random, masks=(0, 0, 0))
    for top in (1, 7, 100, 255, 256, 1000, 65535):
        values = random.integers(0, top + 1, 5 * 4 * 3)
        words = " ".join(map(str, values)).encode()
        packed = values.astype(np.uint8 if top < 256 else ">u2").tobytes()
        head = b"# a comment\n5 4 %d\n" % top
        files[f"ppm_{top}.ppm"] = b"P6\n" + head + packed
        files[f"ppm_plain_{top}.ppm"] = b"P3\n" + head + words + b"\n"
        files[f"pgm_{top}.pgm"] = b"P5\n" + head + packed
        files[f"pgm_plain_{top}.pgm"] = b"P2\n" + head + words + b"\n"
    files["plain.pbm"] = b"P1\n5 4\n01101 1 0#c\n0111\n0 1 0 1 1 0 0 0 1\n"
    return files


def bmp(width, height, bits, random, colours=0, grey=False, masks=None):
    entries = (colours or 1 << bits) if bits <= 8 else 0
    ramp = b"".join(bytes([i, i, i, 0]) for i in range(entries))
    palette = ramp if grey else random.bytes(4 * entries)
    extra = b"" if masks is None else struct.pack("<3I", *masks)
    stride = (width * bits + 31) // 32 * 4
    pixels = random.bytes(stride * abs(height))
    offset = 14 + 40 + len(extra) + len(palette)
    info = struct.pack(
        "<IiiHHIIiiII", 40, width, height, 1, bits, 0 if masks is None else 3, len(pixels), 0, 0,
        colours, 0,
    )
    return (
        struct.pack("<2sIHHI", b"BM", offset + len(pixels), 0, 0, offset)
        + info + extra + palette + pixels
    )


# --- Metadata -------------------------------------------------------------------------------------


def exif(orientation, order="<", kind=3, count=1, before=b""):
    """EXIF with one directory: the entries `before`, then the orientation."""
    codes = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 16: "Q"}
    value = struct.pack(order + codes[kind] * count, *[orientation] * count)
    entries = before + struct.pack(order + "HHI", ORIENTATION, kind, count)
    rest = b""
    number = len(before) // 12 + 1
    if len(value) > 4:
        rest, value = value, struct.pack(order + "I", 8 + 2 + 12 * number + 4)
    mark = b"II*\0" if order == "<" else b"MM\0*"
    return (
        b"Exif\0\0" + mark + struct.pack(order + "IH", 8, number) + entries + value.ljust(4, b"\0")
        + b"\0" * 4 + rest
    )


# --- What cannot be read --------------------------------------------------------------------------


def encoded(image, **options):
    stream = io.BytesIO()
    image.save(stream, **options)
    return stream.getvalue()


def broken_files():
    rgb = Image.fromarray(picture(40, 50))
    grey = b"".join(rows_of(9, 13, seed=5))
    files = {
        "empty.png": b"",
        "text.jpg": b"hello, this is not a picture\n",
        "huge.png": png(20000, 20000, 8, 0, grey),
        "long.png": png(1, 1_000_001, 8, 0, grey),
        "nothing.png": png(0, 9, 8, 0, grey),
        "too_little.png": png(13, 200, 8, 0, grey),
        "far_too_little.png": png(13000, 13000, 8, 0, grey),
        "colour.png": png(13, 9, 8, 5, grey),
        "no_palette.png": png(13, 9, 8, 3, grey),
        "checksum.png": png(13, 9, 8, 0, grey, chunk(b"tEXt", b"a\0b")[:-1] + b"\1"),
        "huge.bmp": struct.pack("<2sIHHIIiiHHIIiiII", b"BM", 0, 0, 0, 54, 40, 65535, 65535, 1, 24,
                                0, 0, 0, 0, 0, 0),
        "short.bmp": bmp(11, 7, 24, np.random.default_rng(0))[:-4],
        "short.ppm": b"P6 4 4 255\n" + b"x" * 47,
        "huge.ppm": b"P6 99999 99999 255\n",
        "letters.pgm": b"P2 2 2 255\n1 2 x 4\n",
        "above.pgm": b"P2 2 2 255\n1 2 256 4\n",
        "header.jpg": b"\xff\xd8\xff",
    }
    whole = {
        "png": encoded(rgb, format="PNG"),
        "jpg": encoded(rgb, format="JPEG"),
        "progressive.jpg": encoded(rgb, format="JPEG", progressive=True),
        "webp": encoded(rgb, format="WEBP"),
    }
    for name, content in whole.items():
        for share in (0.1, 0.5, 0.9):
            files[f"cut_{share}.{name}"] = content[: int(len(content) * share)]
    optional = {"JPEG2000": "jpg_2000", "AVIF": "avif"}
    for name in ("GIF", "TIFF", "ICO", "JPEG2000", "AVIF"):
        if name not in optional or features.check(optional[name]):
            files[f"unsupported.{name}"] = encoded(rgb, format=name)
    return files
