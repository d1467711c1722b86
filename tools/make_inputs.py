#!/usr/bin/env python3
"""Makes the pictures and sounds of data/inputs: `tools/make_inputs.py [FOLDER]`.

All of it is computed here, from formulas and a fixed seed: no photograph and no recording. A second
run gives the same files; with other versions of the libraries, the bytes of the coded ones may
differ. Needs numpy, Pillow and soundfile.
"""

import pathlib
import struct
import sys

import numpy as np
import soundfile
from PIL import Image

SEED = 20240607


# --- noise -----------------------------------------------------------------------------------


def value_noise(x, y, rng_seed):
    """Smooth noise in 0..1 at the points x, y, with one random value per whole coordinate."""
    table = np.random.default_rng(rng_seed).random((256, 256))
    x0, y0 = np.floor(x).astype(int), np.floor(y).astype(int)
    fx, fy = x - x0, y - y0
    fx, fy = fx * fx * (3 - 2 * fx), fy * fy * (3 - 2 * fy)

    def corner(dx, dy):
        return table[(y0 + dy) % 256, (x0 + dx) % 256]

    top = corner(0, 0) * (1 - fx) + corner(1, 0) * fx
    bottom = corner(0, 1) * (1 - fx) + corner(1, 1) * fx
    return top * (1 - fy) + bottom * fy


def layered_noise(x, y, layers, seed=SEED, gain=0.5):
    """Noise of several scales, as textures of nature have it; 0..1."""
    total, weight, sum_of_weights = 0.0, 1.0, 0.0
    for layer in range(layers):
        scale = 2.0**layer
        total = total + weight * value_noise(x * scale, y * scale, seed + layer)
        sum_of_weights += weight
        weight *= gain
    return total / sum_of_weights


def to_image(colour):
    """An image of colours in 0..1, linear light to the usual gamma."""
    return Image.fromarray(np.uint8(np.clip(colour, 0, 1) ** (1 / 2.2) * 255 + 0.5), "RGB")


def unit(v):
    return v / np.linalg.norm(v, axis=-1, keepdims=True)


# --- spheres.jpg -----------------------------------------------------------------------------

SPHERES = [  # centre, radius, colour, how much it shines
    ((-1.5, 0.9, 4.6), 0.9, (0.75, 0.16, 0.10), 0.6),
    ((0.6, 0.6, 3.4), 0.6, (0.12, 0.32, 0.65), 0.9),
    ((2.0, 1.2, 5.8), 1.2, (0.72, 0.55, 0.15), 0.3),
    ((-0.3, 0.35, 2.5), 0.35, (0.20, 0.55, 0.22), 0.4),
    ((1.55, 0.28, 2.6), 0.28, (0.60, 0.60, 0.62), 1.0),
]
SUN = unit(np.array([-0.55, 0.75, -0.35]))


def hit_spheres(origin, direction):
    """The nearest distance along the rays and which sphere it is; infinity and -1 for none."""
    nearest = np.full(direction.shape[:-1], np.inf)
    which = np.full(direction.shape[:-1], -1)
    for i, (centre, radius, _, _) in enumerate(SPHERES):
        offset = origin - np.array(centre)
        b = np.sum(offset * direction, -1)
        root = b * b - (np.sum(offset * offset, -1) - radius * radius)
        distance = -b - np.sqrt(np.maximum(root, 0))
        closer = (root > 0) & (distance > 1e-3) & (distance < nearest)
        nearest, which = np.where(closer, distance, nearest), np.where(closer, i, which)
    return nearest, which


def sky(direction):
    up = np.clip(direction[..., 1:2], 0, 1)
    blue = (1 - up) * np.array([0.75, 0.80, 0.85]) + up * np.array([0.15, 0.32, 0.65])
    haze = direction[..., [0, 2]] / np.maximum(direction[..., 1:2], 0.06)
    clouds = layered_noise(haze[..., 0] * 0.9, haze[..., 1] * 0.9, 5)[..., None]
    return blue + 0.55 * np.clip(clouds - 0.48, 0, 1) * (1.1 - blue) * 3


def ground(point):
    """Wooden boards: a colour per board, and its grain."""
    board = np.floor(point[..., 0] / 0.45)
    tone = value_noise(board * 7.3, board * 0 + 0.5, SEED + 40)
    grain = layered_noise(point[..., 0] * 22 + board * 31, point[..., 2] * 1.6, 4, SEED + 50)
    edge = np.abs(point[..., 0] / 0.45 - board - 0.5) > 0.485
    shade = (0.35 + 0.45 * tone + 0.5 * (grain - 0.5)) * np.where(edge, 0.35, 1.0)
    return shade[..., None] * np.array([0.62, 0.40, 0.23])


def surface(point, direction, which, on_ground):
    """Colour, normal and shine of what the rays hit."""
    colour = np.where(on_ground[..., None], ground(point), 0.0)
    normal = np.broadcast_to(np.array([0.0, 1.0, 0.0]), point.shape).copy()
    shine = np.where(on_ground, 0.05, 0.0)
    for i, (centre, radius, own, own_shine) in enumerate(SPHERES):
        mine = which == i
        out = (point - np.array(centre)) / radius
        spots = layered_noise(out[..., 0] * 4 + 9, out[..., 1] * 4 + out[..., 2] * 3, 4, SEED + i)
        textured = np.array(own) * (0.55 + 0.9 * spots[..., None])
        colour = np.where(mine[..., None], textured, colour)
        normal = np.where(mine[..., None], out, normal)
        shine = np.where(mine, own_shine, shine)
    return colour, normal, shine


def trace(origin, direction, bounces):
    distance, which = hit_spheres(origin, direction)
    down = np.minimum(direction[..., 1], -1e-9)
    to_ground = np.where(direction[..., 1] < 0, -origin[..., 1] / down, np.inf)
    on_ground = to_ground < distance
    distance = np.where(on_ground, to_ground, distance)
    which = np.where(on_ground, -1, which)
    seen = np.isfinite(distance)
    point = origin + np.where(seen, distance, 0)[..., None] * direction
    colour, normal, shine = surface(point, direction, which, on_ground)

    towards_sun = np.broadcast_to(SUN, point.shape)
    shadow = np.isfinite(hit_spheres(point + 1e-3 * normal, towards_sun)[0])
    lambert = np.clip(np.sum(normal * SUN, -1), 0, 1) * np.where(shadow, 0.0, 1.0)
    ambient = 0.22 + 0.12 * normal[..., 1]
    light = ambient[..., None] * np.array([0.8, 0.9, 1.1])
    light = light + lambert[..., None] * np.array([1.25, 1.15, 0.95])
    mirrored = direction - 2 * np.sum(direction * normal, -1, keepdims=True) * normal
    glint = np.clip(np.sum(mirrored * SUN, -1), 0, 1) ** 60 * np.where(shadow, 0.0, 1.0)
    lit = colour * light + (shine * glint)[..., None]
    if bounces > 0:
        reflected = trace(point + 1e-3 * normal, mirrored, bounces - 1)
        facing = np.clip(1 + np.sum(direction * normal, -1), 0, 1)
        share = (shine * (0.12 + 0.5 * facing**3))[..., None]
        lit = lit * (1 - share) + reflected * share
    fog = np.clip(np.where(seen, distance, 0) / 60, 0, 1)[..., None]
    return np.where(seen[..., None], lit * (1 - fog) + sky(direction) * fog, sky(direction))


def spheres(width=640, height=480):
    """Balls on a wooden floor, ray traced with shadows and reflections, four rays a pixel."""
    total = 0.0
    for dx, dy in ((0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)):
        x = (np.arange(width) + dx - width / 2) / height
        y = (height / 2 - np.arange(height) - dy) / height - 0.12
        direction = unit(np.stack(np.broadcast_arrays(x[None], y[:, None], 0.95), -1))
        origin = np.broadcast_to(np.array([0.1, 1.35, -0.9]), direction.shape)
        total = total + np.clip(trace(origin, direction, 2), 0, 1)
    return to_image(total / 4)


# --- landscape.webp --------------------------------------------------------------------------


def landscape(width=768, height=512):
    """Ridge lines one behind the other in the mist of an evening, over a lake."""
    x = np.linspace(0, 6, width)[None]
    y = np.linspace(1, 0, height)[:, None]
    glow = np.exp(-(((x - 4.2) / 1.6) ** 2) - ((y - 0.55) / 0.22) ** 2)
    colour = np.stack([0.25 + 0.55 * (1 - y) + 0 * x, 0.32 + 0.22 * (1 - y) + 0 * x,
                       0.55 - 0.12 * (1 - y) + 0 * x], -1)
    colour = colour + glow[..., None] * np.array([0.55, 0.30, 0.05])
    wisps = layered_noise(x * 1.4 + 0 * y, y * 9 + 0 * x, 5, SEED + 7)
    wisps = np.clip(wisps - 0.52, 0, 1) * y
    colour = colour + wisps[..., None] * np.array([0.9, 0.6, 0.5])
    ridges = 6
    for i in range(ridges):
        depth = 1 - i / (ridges - 1)  # 1 is farthest
        line = 0.22 + 0.36 * depth
        line = line + (0.10 + 0.10 * (1 - depth)) * (
            layered_noise(x * (0.9 + 0.5 * i) + 17 * i, 0 * x + i, 7, SEED + 100 + i) - 0.5
        )
        rock = layered_noise(x * 14 + 5 * i + 0 * y, y * 40 + 0 * x, 4, SEED + 200 + i)
        trees = layered_noise(x * 60 + 0 * y, y * 20 + 0 * x, 3, SEED + 300 + i)
        texture = (0.5 + rock) * (0.6 + 0.8 * trees)
        body = np.array([0.05, 0.09, 0.08]) * texture[..., None]
        mist = np.array([0.58, 0.50, 0.52]) * depth**0.8
        thickness = 0.55 + 0.45 * (1 - np.clip((line - y) * 4, 0, 1))
        shade = body * (1 - 0.85 * depth) + mist * thickness[..., None]
        edge = np.clip((line - y) * height, 0, 1)[..., None]
        colour = colour * (1 - edge) + shade * edge
    # The lower part is water: what is above it, upside down, broken by waves.
    shore = int(height * 0.80)
    rows = np.arange(shore, height)
    far = (rows - shore) / (height - shore)
    near = far[:, None]
    wave = layered_noise(x * 9 + 0 * near, 40 / (near + 0.25) + 0 * x, 3, SEED + 8) - 0.5
    mirrored = 2 * shore - rows[:, None] - 1 + (wave * 40 * (0.2 + near)).astype(int)
    source = np.clip(mirrored, 0, shore - 1)
    columns = np.broadcast_to(np.arange(width)[None], source.shape)
    water = colour[source, columns] * (0.75 - 0.25 * near[..., None])
    colour[shore:] = water + 0.02 + 0.10 * wave[..., None]
    grain = np.random.default_rng(SEED).normal(0, 0.006, (height, width, 1))
    return to_image(colour + grain)


# --- document.png ----------------------------------------------------------------------------

# Letters as strokes on a grid of 4 by 5: lines between points, drawn with a round pen.
STROKES = {
    "a": [((0, 5), (2, 0)), ((2, 0), (4, 5)), ((1, 3), (3, 3))],
    "b": [((0, 0), (0, 5)), ((0, 5), (3, 5)), ((3, 5), (4, 4)), ((4, 4), (3, 2)), ((3, 2), (0, 2)),
          ((3, 2), (3, 0)), ((3, 0), (0, 0))],
    "c": [((4, 1), (2, 0)), ((2, 0), (0, 2)), ((0, 2), (0, 4)), ((0, 4), (2, 5)), ((2, 5), (4, 4))],
    "d": [((0, 0), (0, 5)), ((0, 5), (2, 5)), ((2, 5), (4, 3)), ((4, 3), (4, 2)), ((4, 2), (2, 0)),
          ((2, 0), (0, 0))],
    "e": [((4, 0), (0, 0)), ((0, 0), (0, 5)), ((0, 5), (4, 5)), ((0, 2), (3, 2))],
    "g": [((4, 1), (2, 0)), ((2, 0), (0, 2)), ((0, 2), (0, 4)), ((0, 4), (2, 5)), ((2, 5), (4, 5)),
          ((4, 5), (4, 3)), ((4, 3), (2, 3))],
    "h": [((0, 0), (0, 5)), ((4, 0), (4, 5)), ((0, 2), (4, 2))],
    "i": [((2, 0), (2, 5))],
    "k": [((0, 0), (0, 5)), ((4, 0), (0, 3)), ((1, 2), (4, 5))],
    "l": [((0, 0), (0, 5)), ((0, 5), (4, 5))],
    "m": [((0, 5), (0, 0)), ((0, 0), (2, 3)), ((2, 3), (4, 0)), ((4, 0), (4, 5))],
    "n": [((0, 5), (0, 0)), ((0, 0), (4, 5)), ((4, 5), (4, 0))],
    "o": [((1, 0), (3, 0)), ((3, 0), (4, 2)), ((4, 2), (4, 3)), ((4, 3), (3, 5)), ((3, 5), (1, 5)),
          ((1, 5), (0, 3)), ((0, 3), (0, 2)), ((0, 2), (1, 0))],
    "p": [((0, 5), (0, 0)), ((0, 0), (3, 0)), ((3, 0), (4, 1)), ((4, 1), (3, 3)), ((3, 3), (0, 3))],
    "r": [((0, 5), (0, 0)), ((0, 0), (3, 0)), ((3, 0), (4, 1)), ((4, 1), (3, 2)), ((3, 2), (0, 2)),
          ((2, 2), (4, 5))],
    "s": [((4, 0), (1, 0)), ((1, 0), (0, 1)), ((0, 1), (4, 4)), ((4, 4), (3, 5)), ((3, 5), (0, 5))],
    "t": [((0, 0), (4, 0)), ((2, 0), (2, 5))],
    "u": [((0, 0), (0, 4)), ((0, 4), (1, 5)), ((1, 5), (3, 5)), ((3, 5), (4, 4)), ((4, 4), (4, 0))],
    "v": [((0, 0), (2, 5)), ((2, 5), (4, 0))],
    "w": [((0, 0), (1, 5)), ((1, 5), (2, 2)), ((2, 2), (3, 5)), ((3, 5), (4, 0))],
    "y": [((0, 0), (2, 3)), ((4, 0), (2, 3)), ((2, 3), (2, 5))],
}
TEXT = """
a trail on the ridge
reaches the valley at noon

the line that visits
all the stones in the mist
is marked with thin sticks

ski to the last motel
note the sea in the east
remark the kiln and the mill
on the other side
no train stops here
it stalls in the tunnel

in the morning the snow is thin
on the slants it melts
the trees are tall and still
"""


def ink(width, height, x, y, size, pen):
    """How dark the strokes of TEXT make each pixel, 0 to 1."""
    strokes = []
    for row, line in enumerate(TEXT.strip().split("\n")):
        place = x
        for letter in line:
            for start, end in STROKES[letter] if letter != " " else ():
                strokes.append([(place + start[0] * size, y + start[1] * size),
                                (place + end[0] * size, y + end[1] * size)])
            place += 5.6 * size
        y += 12.5 * size
    dark = np.zeros((height, width))
    rows, columns = np.mgrid[0:height, 0:width]
    for (x0, y0), (x1, y1) in strokes:
        box = (slice(max(int(min(y0, y1)) - 4, 0), int(max(y0, y1)) + 5),
               slice(max(int(min(x0, x1)) - 4, 0), int(max(x0, x1)) + 5))
        px, py = columns[box] + 0.5, rows[box] + 0.5
        length = max((x1 - x0) ** 2 + (y1 - y0) ** 2, 1e-9)
        along = np.clip(((px - x0) * (x1 - x0) + (py - y0) * (y1 - y0)) / length, 0, 1)
        away = np.hypot(px - x0 - along * (x1 - x0), py - y0 - along * (y1 - y0))
        dark[box] = np.maximum(dark[box], np.clip(pen + 0.5 - away, 0, 1))
    return dark


def document(width=480, height=640):
    """A page of stroke letters with a ruled table and a curve, on paper lit from one side."""
    dark = ink(width, height, 46, 84, 2.05, 0.8)
    rows, columns = np.mgrid[0:height, 0:width]
    dark[52:55, 46:434] = 0.9
    table = (rows >= 520) & (rows <= 600) & (columns >= 46) & (columns <= 250)
    ruled = ((rows - 520) % 20 == 0) | ((columns - 46) % 51 == 0)
    dark = np.where(table & ruled, 0.7, dark)
    t = np.linspace(0, 1, 2000)
    curve_x = 280 + 150 * t
    curve_y = 595 - 70 * (1 - np.exp(-4 * t)) * (1 + 0.12 * np.sin(26 * t))
    dark[curve_y.astype(int), curve_x.astype(int)] = 0.9
    dark[596:598, 278:434] = 0.8
    dark[520:598, 278:280] = 0.8
    fibres = layered_noise(columns / 3.0, rows / 5.0, 4, SEED + 60)
    light = 1.02 - 0.22 * columns / width - 0.10 * rows / height
    paper = (0.86 + 0.05 * (fibres - 0.5)) * light
    grey = paper * (1 - 0.9 * dark * (0.85 + 0.3 * fibres))
    # 64 grey levels: what a page needs, and half the size.
    levels = np.round(np.clip(grey, 0, 1) ** (1 / 2.2) * 63) * (255 / 63)
    return Image.fromarray(np.uint8(levels + 0.5), "L")


# --- sounds ----------------------------------------------------------------------------------


def resonator(signal, frequency, bandwidth, rate):
    """A two-pole filter whose parameters change sample by sample, as a formant does."""
    radius = np.exp(-np.pi * np.broadcast_to(bandwidth, frequency.shape) / rate)
    a1, a2 = 2 * radius * np.cos(2 * np.pi * frequency / rate), -radius * radius
    gain = 1 - a1 - a2
    out = np.zeros(len(signal))
    y1 = y2 = 0.0
    for i in range(len(signal)):
        y = gain[i] * signal[i] + a1[i] * y1 + a2[i] * y2
        out[i] = y
        y2, y1 = y1, y
    return out


# The first three formants of vowels, and of a nasal, in Hz (textbook values of an adult voice).
VOWELS = {
    "a": (730, 1090, 2440), "e": (530, 1840, 2480), "i": (270, 2290, 3010), "o": (570, 840, 2410),
    "u": (300, 870, 2240), "y": (440, 1020, 2240), "n": (280, 1300, 2300), "_": (500, 1500, 2500),
}


def speak(syllables, rate, pitch, seed):
    """A voice-like sound: pulses and breath through three moving formants.

    A syllable is a text of letters: "s" hisses, "t" stops and bursts, "_" is a pause, the others
    are VOWELS.
    """
    rng = np.random.default_rng(seed)
    lengths = {"s": 0.11, "t": 0.07, "_": 0.16, "n": 0.09}
    letters = [letter for syllable in syllables for letter in syllable]
    counts = [int(rate * lengths.get(letter, 0.17)) for letter in letters]
    total = sum(counts)
    targets = np.zeros((3, total))
    voiced, hiss = np.zeros(total), np.zeros(total)
    at = 0
    for letter, count in zip(letters, counts):
        here = slice(at, at + count)
        targets[:, here] = np.array(VOWELS.get(letter, VOWELS["_"]))[:, None]
        voiced[here] = {"s": 0, "t": 0, "_": 0, "n": 0.5}.get(letter, 1.0)
        hiss[here] = 0.5 if letter == "s" else 0.0
        if letter == "t":
            hiss[at + count * 6 // 10 : at + count * 8 // 10] = 0.9
        at += count

    def smooth(values, seconds):
        width = max(int(seconds * rate), 1)
        window = np.hanning(width + 2)[1:-1]
        padded = np.pad(values, (width // 2, width - 1 - width // 2), mode="edge")
        return np.convolve(padded, window / window.sum(), mode="valid")

    targets = np.stack([smooth(row, 0.06) for row in targets])
    voiced, hiss = smooth(voiced, 0.03), smooth(hiss, 0.015)
    time = np.arange(total) / rate
    falling = 1.12 - 0.22 * time / time[-1]
    tune = 1 + 0.06 * np.sin(2 * np.pi * 0.9 * time) + 0.012 * np.sin(2 * np.pi * 5.2 * time)
    frequency = pitch * falling * tune * (1 + 0.01 * smooth(rng.normal(size=total), 0.02))
    phase = np.cumsum(frequency / rate) % 1.0
    # A glottal pulse: it opens slowly, closes fast, and rests; its derivative is what is heard.
    flow = np.where(phase < 0.6, np.sin(np.pi * phase / 1.2) ** 2, 0.0)
    flow = np.where((phase >= 0.6) & (phase < 0.72), np.cos(np.pi * (phase - 0.6) / 0.24), flow)
    source = np.diff(flow, prepend=flow[0]) * rate / 4000 * voiced
    source += 0.02 * rng.normal(size=total) * voiced
    voice = source
    for row, bandwidth in zip(targets, (80, 100, 140)):
        voice = resonator(voice, row, bandwidth, rate) * 1.6
    breath = rng.normal(size=total) * hiss
    breath = resonator(breath, np.full(total, min(5200.0, rate * 0.4)), 1800, rate)
    room = rng.normal(size=total) * 0.0008
    sound = voice / np.max(np.abs(voice)) + 0.35 * breath / max(np.max(np.abs(breath)), 1e-9)
    return 0.6 * sound / np.max(np.abs(sound)) + room


def chords(rate, seconds=5.0):
    """Plucked strings (Karplus and Strong) playing four chords, in stereo, with some echo."""
    rng = np.random.default_rng(SEED + 1)
    total = int(rate * seconds)
    left, right = np.zeros(total), np.zeros(total)
    progression = [(220.0, 261.63, 329.63), (174.61, 220.0, 261.63), (196.0, 246.94, 293.66),
                   (220.0, 277.18, 329.63, 440.0)]
    for i, chord in enumerate(progression):
        for j, pitch in enumerate(chord):
            start = int(rate * (i * seconds / 4.2 + 0.045 * j))
            length = min(total - start, int(rate * 1.9))
            period = int(rate / pitch)
            string = rng.uniform(-1, 1, period)
            note = np.zeros(length)
            for k in range(0, length, period):
                part = string[: min(period, length - k)]
                note[k : k + len(part)] = part
                string = 0.4985 * (string + np.roll(string, 1))
            share = 0.3 + 0.4 * j / max(len(chord) - 1, 1)
            left[start : start + length] += note * (1 - share)
            right[start : start + length] += note * share
    both = np.stack([left, right], 1)
    for delay, level in ((0.031, 0.25), (0.047, 0.2), (0.083, 0.12)):
        shift = int(delay * rate)
        both[shift:] += level * both[:-shift, ::-1]
    both *= np.minimum(1, np.arange(total)[::-1] / (0.4 * rate))[:, None]
    return 0.5 * both / np.max(np.abs(both))


def ogg_checksum(page):
    """The CRC of Ogg pages: polynomial 0x04C11DB7, from the highest bit, starting at 0."""
    crc = 0
    for byte in page:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1) ^ (0x104C11DB7 if crc & 0x80000000 else 0)
    return crc


def fix_ogg_serial(path, serial=1):
    """Gives an Ogg stream a serial number of ours: the library draws it at random."""
    data = bytearray(path.read_bytes())
    at = 0
    while at < len(data):
        segments = data[at + 26]
        size = 27 + segments + sum(data[at + 27 : at + 27 + segments])
        data[at + 14 : at + 18] = struct.pack("<I", serial)
        data[at + 22 : at + 26] = bytes(4)
        data[at + 22 : at + 26] = struct.pack("<I", ogg_checksum(data[at : at + size]))
        at += size
    path.write_bytes(data)


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    spheres().save(folder / "spheres.jpg", quality=85)
    landscape().save(folder / "landscape.webp", quality=80, method=6)
    document().save(folder / "document.png", optimize=True)
    voice = speak("na to _ sin te la _ mu si ny ta _".split(), 16000, 118, 1)
    soundfile.write(folder / "voice.wav", voice, 16000, subtype="PCM_16")
    text = "si no ta _ ne tu sa ni _ yo te na _ sy tan o _ nu se ti an _ to nes a _"
    speech = speak(text.split(), 16000, 196, 2)
    soundfile.write(folder / "speech.ogg", speech, 16000, format="OGG", subtype="VORBIS")
    fix_ogg_serial(folder / "speech.ogg")
    soundfile.write(folder / "tone.flac", chords(44100), 44100, subtype="PCM_16")


if __name__ == "__main__":
    default = pathlib.Path(__file__).resolve().parents[1] / "data/inputs"
    main(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default)
