#!/usr/bin/env python3
"""How often does `ridgeline compare` call two equal runs different on this machine?

Measures the same model again and again, and compares sides that did the same: every FASTER or
SLOWER is false. A side is a folder of short runs, measured in turns with those of the other side
(ABBA), as docs/comparing.md advises; with --turns 1 it is one run, the other side behind it. The
same command goes on where it stopped: runs that are whole are not made again. RIDGELINE_BIN names
the folder of the programs. Not a test: it takes minutes, and a machine that does nothing else.

    tests/perf/real_aa.py --pairs 20 --output /tmp/aa
"""

import argparse
import collections
import json
import pathlib
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.program import ridgeline, ridgeline_json  # noqa: E402


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--output", type=pathlib.Path, required=True, help="folder of the runs")
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--model", default="minilm-l6")
    parser.add_argument("--turns", type=int, default=4, help="runs of each side")
    parser.add_argument("--budget", default="4s", help="of each run")
    parser.add_argument("--invocations", default="2", help="of each run")
    parser.add_argument("--margin", default="1%")
    parser.add_argument("more", nargs="*", help="further words for `ridgeline run`, behind --")
    return parser.parse_args()


def is_whole(folder):
    """Whether a run has a record that nothing is missing of."""
    try:
        lines = (folder / "records.jsonl").read_text().splitlines()
        return bool(lines) and all(json.loads(line)["outcome"]["status"] == "ok" for line in lines)
    except (OSError, ValueError, KeyError):
        return False


def measure(options, pair, side, turn):
    """Makes a run unless it is there."""
    folder = options.output / f"pair-{pair:03d}" / side / f"run-{turn:03d}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    if not is_whole(folder):
        shutil.rmtree(folder, ignore_errors=True)
        ridgeline("run", options.model, "--budget", options.budget, "--invocations",
                  options.invocations, "--metrics", "time", "--quiet", "--output", folder,
                  "--report", "none", *options.more, timeout=3600)


def measure_pair(options, pair):
    """The folders of two sides whose runs alternate: AB BA AB …"""
    for turn in range(options.turns):
        for side in ("base", "new") if turn % 2 == 0 else ("new", "base"):
            measure(options, pair, side, turn)
    folder = options.output / f"pair-{pair:03d}"
    return folder / "base", folder / "new"


def line_of(pair, case, one):
    """One comparison as a line."""
    low, high = one["interval"] or (float("nan"),) * 2
    finds = "" if one["finds"] is None else f", finds {100 * one['finds']:.1f} %"
    return (f"{pair:3d}  {case['name']} {one['phase'] or ''} {one['metric']}: {one['verdict']}  "
            f"{100 * one['effect']:+.2f} % [{100 * low:+.2f}, {100 * high:+.2f}]{finds}")


def compare(options, pair, base, new):
    """Prints what came of a pair; returns its verdicts."""
    comparison = ridgeline_json("compare", base, new, "--margin", options.margin, "--json")
    verdicts = []
    for case in comparison["cases"]:
        for one in case["comparisons"]:
            print(line_of(pair, case, one), flush=True)
            verdicts.append(one["verdict"])
        for note in case["notes"]:
            print(f"     {note}", flush=True)
    return verdicts


def main():
    options = arguments()
    options.output.mkdir(parents=True, exist_ok=True)
    counts = collections.Counter()
    wrong_pairs = 0
    for pair in range(options.pairs):
        base, new = measure_pair(options, pair)
        verdicts = compare(options, pair, base, new)
        counts.update(verdicts)
        wrong_pairs += any(verdict in ("FASTER", "SLOWER") for verdict in verdicts)
    wrong = counts["FASTER"] + counts["SLOWER"]
    print(f"{options.pairs} pairs of equal runs, {sum(counts.values())} verdicts: "
          f"{counts['SAME']} SAME, {counts['UNDECIDED']} UNDECIDED, {wrong} false "
          f"(in {wrong_pairs} pairs)")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
