#!/usr/bin/env python3
"""Writes engines/native/inputs/text/unicode_tables.cpp by asking the `tokenizers` library.

Hugging Face's Rust library carries Unicode tables of several ages (general categories,
normalization, case), so no Unicode library of one version agrees with it. This script asks it about
every code point and writes what it answered as sorted ranges.

Usage: make_unicode_tables.py [output.cpp]
"""

import pathlib
import sys

import tokenizers
from tokenizers import normalizers, pre_tokenizers

OUTPUT = pathlib.Path(__file__).parent.parent / "engines/native/inputs/text/unicode_tables.cpp"
CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]
HANGUL_SYLLABLES = range(0xAC00, 0xD7A4)

# The bits, as in unicode.hpp.
WHITESPACE, REMOVED, NONSPACING, MARK, PUNCTUATION, WORD, NORMALIZES = (1 << b for b in range(7))


def bert(**options):
    off = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    return normalizers.BertNormalizer(**{**off, **options}).normalize_str


clean = bert(clean_text=True)
strip_nonspacing = bert(strip_accents=True)
strip_marks = normalizers.StripAccents().normalize_str
lower = normalizers.Lowercase().normalize_str
nfc = normalizers.NFC().normalize_str
nfd = normalizers.NFD().normalize_str
nfkd = normalizers.NFKD().normalize_str
bert_split = pre_tokenizers.BertPreTokenizer().pre_tokenize_str
word_split = pre_tokenizers.Whitespace().pre_tokenize_str
space_split = pre_tokenizers.WhitespaceSplit().pre_tokenize_str


def reorders(c):
    """Whether the library gives the character a canonical combining class other than 0."""
    low, high = "\u0334", "\u0345"  # classes 1 and 240
    return nfd("a" + high + c) != "a" + high + nfd(c) or nfd("a" + c + low) != "a" + nfd(c) + low


def properties(code):
    c = chr(code)
    bits = 0
    if len(space_split("a" + c + "b")) == 2:
        bits |= WHITESPACE
    if clean("a" + c + "b") == "ab":
        bits |= REMOVED
    if strip_nonspacing(c) == "" and nfd(c) == c:
        bits |= NONSPACING
    if strip_marks(c) == "":
        bits |= MARK
    pieces = len(bert_split("a" + c + "b"))
    if pieces == 3:
        bits |= PUNCTUATION
    assert (pieces == 2) == bool(bits & WHITESPACE), hex(code)
    if len(word_split("a" + c + "b")) == 1:
        bits |= WORD
    if nfkd(c) != c or reorders(c):
        bits |= NORMALIZES
    return bits


def property_runs(bits):
    """(first code point, bits) wherever the bits change; surrogates take what is before them."""
    runs, last = [], None
    for code in CODE_POINTS:
        if bits[code] != last:
            runs.append((code, bits[code]))
            last = bits[code]
    return runs


def lowercase_runs():
    """(first, last, stride, distance) for single results; {code: text} for longer ones."""
    singles, longer = [], {}
    for code in CODE_POINTS:
        text = lower(chr(code))
        if text != chr(code):
            if len(text) == 1:
                singles.append((code, ord(text) - code))
            else:
                longer[code] = text
    runs = []
    for code, distance in singles:
        if runs:
            first, last, stride, same = runs[-1]
            step = code - last
            if same == distance and step <= 2 and (stride == step or first == last):
                runs[-1] = (first, code, step, distance)
                continue
        runs.append((code, code, 1, distance))
    return runs, longer


def composites():
    """Code points that NFC makes of two others; Hangul syllables are composed by arithmetic."""
    found = [
        c
        for c in CODE_POINTS
        if c not in HANGUL_SYLLABLES and nfd(chr(c)) != chr(c) and nfc(nfd(chr(c))) == chr(c)
    ]
    for c in found:  # what is left of the last character must compose by itself
        text = nfd(chr(c))
        assert len(nfc(text[:-1])) == 1, hex(c)
    return found


def ranges(codes):
    out = []
    for code in codes:
        if out and code == out[-1][1] + 1:
            out[-1][1] = code
        else:
            out.append([code, code])
    return out


def array(kind, name, items, per_line):
    lines = [f"constexpr {kind} {name}[] = {{"]
    for i in range(0, len(items), per_line):
        lines.append("    " + " ".join(item + "," for item in items[i : i + per_line]))
    return "\n".join(lines + ["};"])


def main():
    output = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else OUTPUT
    bits = {code: properties(code) for code in CODE_POINTS}
    made = composites()
    for code in made:  # composition must see the second halves, even those of class 0
        bits[ord(nfd(chr(code))[-1])] |= NORMALIZES
    for jamo in (*range(0x1161, 0x1176), *range(0x11A8, 0x11C3)):
        bits[jamo] |= NORMALIZES
    lowered, longer = lowercase_runs()
    assert all(len(text) == 2 for text in longer.values())

    parts = [
        array(
            "std::uint32_t",
            "kProperties",
            [f"0x{c:x}{b:02x}" for c, b in property_runs(bits)],
            8,
        ),
        array(
            "LowercaseRun",
            "kLowercase",
            [f"{{0x{a:x}, 0x{b:x}, {s}, {d}}}" for a, b, s, d in lowered],
            3,
        ),
        array(
            "LowercasePair",
            "kLowercasePairs",
            [f"{{0x{c:x}, 0x{ord(t[0]):x}, 0x{ord(t[1]):x}}}" for c, t in longer.items()],
            4,
        ),
        array(
            "CodePointRange",
            "kComposites",
            [f"{{0x{a:x}, 0x{b:x}}}" for a, b in ranges(made)],
            4,
        ),
    ]
    names = ("kProperties", "kLowercase", "kLowercasePairs", "kComposites")
    accessors = ("property_runs", "lowercase_runs", "lowercase_pairs", "composite_ranges")
    kinds = ("std::uint32_t", "LowercaseRun", "LowercasePair", "CodePointRange")
    body = "\n\n".join(parts)
    functions = "\n\n".join(
        f"std::span<const {kind}> {accessor}() {{\n  return {name};\n}}"
        for kind, accessor, name in zip(kinds, accessors, names)
    )
    output.write_text(
        f"""// What the tokenizers library knows of every code point. Generated: do not edit.
// By tools/make_unicode_tables.py, from tokenizers {tokenizers.__version__}.
#include "engines/native/inputs/text/unicode_tables.hpp"

namespace ridgeline::native {{
namespace {{

// clang-format off
{body}
// clang-format on

}}  // namespace

{functions}

}}  // namespace ridgeline::native
"""
    )
    print(
        f"{output}: {len(property_runs(bits))} runs of properties, {len(lowered)} of lowercase, "
        f"{len(ranges(made))} of composites"
    )


if __name__ == "__main__":
    main()
