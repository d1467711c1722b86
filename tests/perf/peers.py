#!/usr/bin/env python3
"""Compares the native engine with transformers (eager PyTorch, sdpa attention) on this CPU.

Same weights, threads, dtype and shapes. Processes alternate in ABBA order, each side a fresh one
each time; both medians of a pair are over the same number of timed seconds. Results are appended to
a file: run it again to go on where it stopped. RIDGELINE_BIN names the folder of the programs.
"""

import argparse
import os
import pathlib
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import peer_sides  # noqa: E402
import peer_table  # noqa: E402
from peer_setup import (  # noqa: E402
    CASES, STARTED_AT_LOAD, append, read_results, say, set_up, stamp,
)
from peer_statistics import MET, native_first  # noqa: E402
from support.program import ridgeline_json  # noqa: E402


def measure_pair(case, settings, pair, work, sides=peer_sides):
    """Both sides once, in the pair's order."""
    runs = [("native", sides.run_native), ("peer", sides.run_peer)]
    done = {}
    for side, run in runs if native_first(pair) else reversed(runs):
        done[side] = run(case, settings["threads"], settings["seconds"], work)
    done["peer"] = peer_sides.over_equal_time(done["native"], done["peer"])
    return done


def warn_about(case, pair):
    if min(pair["native"]["n"], pair["peer"]["n"]) < 5:
        say(f"warning: {case.name}: fewer than 5 timed calls; give more --seconds")
    if pair["native"]["torch"].split("+")[0] != pair["peer"]["versions"]["torch"].split("+")[0]:
        say(f"warning: the engine runs on torch {pair['native']['torch']}, transformers on "
            f"{pair['peer']['versions']['torch']}")


def measure_case(case, settings, arguments, work, sides=peer_sides):
    """What of the case is not in the results file yet: the outputs, then the pairs."""
    mine = [one for one in read_results(arguments.output) if one["settings"] == settings]
    outputs = next((one for one in mine if one["kind"] == "outputs"), None)
    finished = {one["pair"] for one in mine if one["kind"] == "pair"}
    missing = [pair for pair in range(arguments.pairs) if pair not in finished]
    if outputs is None:
        errors = sides.compare_outputs(case, settings["threads"], work)
        outputs = {"kind": "outputs", **errors, **stamp(settings, arguments.pairs)}
        append(arguments.output, outputs)
    say(f"{case.name}: largest error {outputs['native']:.1e} (transformers {outputs['peer']:.1e}, "
        f"allowed {outputs['limit']:.1e})")
    if not outputs["right"]:
        return  # a fast wrong answer is not worth timing
    for pair in missing:
        done = measure_pair(case, settings, pair, work, sides)
        entry = {"kind": "pair", "pair": pair, **done, **stamp(settings, arguments.pairs)}
        append(arguments.output, entry)
        warn_about(case, done)
        native, peer = done["native"]["median"], done["peer"]["median"]
        say(f"{case.name}: pair {pair + 1} of {arguments.pairs}: native {1e3 * native:.4g} ms, "
            f"transformers {1e3 * peer:.4g} ms, ratio {native / peer:.3f}")


def measure(arguments, cases):
    """Measures what is missing; returns the settings that its lines of the file share."""
    cpus = len(os.sched_getaffinity(0))
    if STARTED_AT_LOAD > 0.3 * cpus:
        say(f"warning: load average {STARTED_AT_LOAD:.2f} on {cpus} CPUs: other work disturbs the "
            "measurement")
    shared = set_up(arguments, ridgeline_json("machine", "--json"))
    with tempfile.TemporaryDirectory(prefix="ridgeline-peers-") as temporary:
        work = arguments.work or pathlib.Path(temporary)
        work.mkdir(parents=True, exist_ok=True)
        for case in cases:
            measure_case(case, {"case": case.name, **shared}, arguments, work)
    return shared


def arguments_of(argv):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Cases: " + "; ".join(f"{i + 1}: {case.name}" for i, case in enumerate(CASES)),
    )
    parser.add_argument("--output", type=pathlib.Path, required=True,
                        help="results file (JSON lines)")
    parser.add_argument("--cases", default="all", help="numbers or parts of names, with commas")
    parser.add_argument("--pairs", type=int, default=8, help="pairs of processes a case (8)")
    parser.add_argument("--seconds", type=float, default=10.0, help="budget of a process (10)")
    parser.add_argument("--threads", type=int, help="of both sides (one a physical core)")
    parser.add_argument("--at-most", type=float, default=1.03,
                        help="bound of the interval's upper end, native / transformers (1.03)")
    parser.add_argument("--work", type=pathlib.Path,
                        help="folder for checkpoints, kept (default: a temporary one)")
    parser.add_argument("--table", action="store_true", help="only print the table of the file")
    return parser.parse_args(argv)


def chosen(text):
    """The cases that `text` names: "all", numbers from 1, or parts of names, with commas."""
    def named(number, case):
        return any(part == str(number) if part.isdigit() else part in case.name
                   for part in text.split(","))

    cases = [case for i, case in enumerate(CASES) if text == "all" or named(i + 1, case)]
    if not cases:
        raise SystemExit(f"peers.py: no case matches '{text}'")
    return cases


def main(argv=None):
    """Exit status: 0 when every case that asserts something is met, 1 when not, 2 on failure."""
    arguments = arguments_of(argv)
    cases = chosen(arguments.cases)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))  # so that children and folders go too
    try:
        here = {} if arguments.table else measure(arguments, cases)
    except KeyboardInterrupt:
        say("peers.py: interrupted; the same command goes on from here")
        return 130
    except (AssertionError, subprocess.SubprocessError, OSError) as problem:
        say(f"peers.py: {problem}")
        return 2
    rows = [row for row in peer_table.rows_of(read_results(arguments.output), CASES)
            if row.case in cases and here.items() <= row.settings.items()]
    if not rows:
        say(f"peers.py: {arguments.output} has no results of these cases")
        return 1
    print(peer_table.table(rows, arguments.at_most))
    fine = (MET, peer_table.REPORTED)
    return 0 if all(row.verdict(arguments.at_most) in fine for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
