#!/usr/bin/env python3
"""Writes engines/native/inputs/text/regex_tables.cpp by asking the `tokenizers` library.

Its regular expressions are Oniguruma's, whose Unicode tables are of another age than those of the
PCRE2 that a machine has. A pattern sees only classes of characters, so that a code point which the
two may put into different classes can be stood in for by an old one of the right class and the same
length in UTF-8. This script finds those stand-ins. It also lists what Rust calls numeric.

Needs a Python whose unicodedata is of Unicode 14 (3.11), the oldest tables that PCRE2 is used with.

Usage: make_regex_tables.py [output.cpp]
"""

import pathlib
import sys
import unicodedata

import tokenizers
from make_unicode_tables import array, ranges
from tokenizers import Regex, pre_tokenizers

OUTPUT = pathlib.Path(__file__).parent.parent / "engines/native/inputs/text/regex_tables.cpp"
CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]
CATEGORIES = (
    "Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cc Cf Co Cn"
).split()
# The scripts that patterns may name; regex_properties.cpp has the same list. Others have young
# marks for which there is no older one of the same script and length.
SCRIPTS = "Bengali Greek Han Hangul Hebrew Hiragana Katakana Latin Thai".split()
# PCRE2 counts it as horizontal white space; nobody else does.
MONGOLIAN_VOWEL_SEPARATOR = 0x180E


def members(pattern):
    split = pre_tokenizers.Split(Regex(pattern), "removed", invert=True)
    text = "".join(map(chr, CODE_POINTS))
    return {ord(c) for piece, _ in split.pre_tokenize_str(text) for c in piece}


def length(code):
    return len(chr(code).encode())


def classes():
    """{code point: (category, script)} as Oniguruma sees it."""
    category = {c: name for name in CATEGORIES for c in members(rf"\p{{{name}}}")}
    script = {c: name for name in SCRIPTS for c in members(rf"\p{{{name}}}")}
    return {c: (category[c], script.get(c, "")) for c in CODE_POINTS}


def stand_ins():
    """(first, last, code point to see instead)."""
    assert unicodedata.unidata_version == "14.0.0", unicodedata.unidata_version
    seen = classes()
    doubtful = {
        c
        for c in CODE_POINTS
        if unicodedata.category(chr(c)) == "Cn" or unicodedata.category(chr(c)) != seen[c][0]
    }
    doubtful.add(MONGOLIAN_VOWEL_SEPARATOR)
    # What stays unassigned for good: the noncharacters.
    unassigned = {3: 0xFDD0, 4: 0x1FFFE}
    known = {}
    for c in CODE_POINTS:
        if c not in doubtful:
            known.setdefault((length(c), *seen[c]), c)
    out = []
    for c in sorted(doubtful):
        if seen[c][0] == "Cn":
            instead = unassigned.get(length(c), c)
        else:
            instead = known[(length(c), *seen[c])]
        if instead == c:
            continue
        if out and out[-1][1] == c - 1 and out[-1][2] == instead:
            out[-1][1] = c
        else:
            out.append([c, c, instead])
    return out


def numeric():
    split = pre_tokenizers.Digits(individual_digits=True)
    return ranges([c for c in CODE_POINTS if len(split.pre_tokenize_str(f"a{chr(c)}a")) == 3])


def main():
    output = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else OUTPUT
    replaced = stand_ins()
    digits = numeric()
    body = "\n\n".join(
        [
            array(
                "StandIn",
                "kStandIns",
                [f"{{0x{a:x}, 0x{b:x}, 0x{c:x}}}" for a, b, c in replaced],
                3,
            ),
            array("CodePointRange", "kNumeric", [f"{{0x{a:x}, 0x{b:x}}}" for a, b in digits], 4),
        ]
    )
    output.write_text(
        f"""// How the tokenizers library's patterns see young code points, and what is numeric.
// Generated: do not edit. By tools/make_regex_tables.py, from tokenizers {tokenizers.__version__}.
#include "engines/native/inputs/text/regex_tables.hpp"

namespace ridgeline::native {{
namespace {{

// clang-format off
{body}
// clang-format on

}}  // namespace

std::span<const StandIn> stand_ins() {{
  return kStandIns;
}}

std::span<const CodePointRange> numeric_ranges() {{
  return kNumeric;
}}

}}  // namespace ridgeline::native
"""
    )
    print(f"{output}: {len(replaced)} ranges of stand-ins, {len(digits)} of numeric characters")


if __name__ == "__main__":
    main()
