#!/usr/bin/env python3
"""Compares the native engine with Hugging Face transformers, eager and compiled, on CPU and GPU.

Drives `ridgeline run --engine native,transformers,…`, which interleaves the engines by process
(ABBA), and reads its records and comparisons. Outputs are compared first: a wrong answer is not
timed. Results are appended to a file after each run: the same command goes on where it stopped, and
what was cut off is one model. RIDGELINE_BIN names the folder of the programs,
RIDGELINE_ENGINE_PYTHON the Python of transformers.
"""

import argparse
import concurrent.futures
import dataclasses
import datetime
import os
import pathlib
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import peer_floors  # noqa: E402
import peer_runs  # noqa: E402
import peer_table  # noqa: E402
import peer_verdicts  # noqa: E402
from peer_cases import EAGER, GROUPS, selected  # noqa: E402
from peer_setup import (  # noqa: E402
    DATE, STARTED_AT_LOAD, append, caches, now, peer_engine, read_results, say, set_up, stamp,
)
from support.program import ridgeline, ridgeline_json  # noqa: E402

PEAKS_AGE = datetime.timedelta(hours=1)  # ceilings of the same run: no older than this


@dataclasses.dataclass
class Session:
    """What all groups of one call of this script share."""

    output: pathlib.Path
    work: pathlib.Path
    settings: dict
    program: object
    cache: str  # identity of the folder with the caches
    peer: str  # name or path of the transformers engine
    threads: int | None = None
    verifies: bool = True
    launches: bool = True  # starts are timed apart

    def entries(self, kind, **fields):
        """Lines of the results file that belong to this set-up and have these values."""
        wanted = {"kind": kind, "settings": self.settings, **fields}
        return [one for one in read_results(self.output)
                if all(one.get(key) == value for key, value in wanted.items())]

    def add(self, kind, **fields):
        entry = {"kind": kind, **fields, "settings": self.settings, **stamp()}
        append(self.output, entry)
        return entry


def ceilings(session, device):
    """The newest of this run, or measured now."""
    oldest = (now() - PEAKS_AGE).strftime(DATE)
    known = [one for one in session.entries("peaks", device=device) if one["date"] >= oldest]
    if known:
        return known[-1]
    say(f"{device}: measuring the read bandwidth")
    return session.add("peaks", **peer_runs.measure_peaks(session.program, device, session.threads))


def is_right(session, group):
    """False when the outputs are wrong. Remembered by what was compared: groups share it."""
    what = [group.model, group.dtype, group.device, group.optimize, group.batch[0]]
    # What could not be compared is tried again; what differed once stays wrong for this build.
    same = [one for one in session.entries("verify", what=what) if one["passed"] is not None]
    if group.why_not_verified or not session.verifies:
        outcome = {"passed": None,
                   "text": group.why_not_verified or "outputs not compared (--no-verify)"}
    elif same:
        outcome = {key: same[-1][key] for key in ("passed", "text")}
        if same[-1]["group"] == group.name:
            return outcome["passed"]
    else:
        say(f"{group.name}: comparing outputs")
        outcome = peer_runs.verify(session.program, group, session.peer, session.threads)
    say(f"{group.name}: {outcome['text']}")
    session.add("verify", group=group.name, what=what, **outcome)
    return outcome["passed"] is not False


def launches(session, group):
    """Launches of the group that are not in the file yet; returns the engines that do not start."""
    names = peer_runs.engine_names(group.peers, session.peer)
    texts = {name: text for text, name in names.items()}
    owner = group.launched_by if group.launched_by and session.entries(
        "launch", group=group.launched_by, cache=session.cache) else group.name
    done = session.entries("launch", group=owner, cache=session.cache)
    if owner == group.name and session.launches:
        for number, (engine, scope) in enumerate(group.plan_of_launches()):
            if number < len(done):
                continue
            say(f"{group.name}: launch of {engine} ({scope})")
            launched = peer_runs.launch(session.program, group, texts[engine], scope,
                                        session.work / "launch", session.threads)
            done.append(session.add("launch", group=group.name, engine=engine, scope=scope,
                                    number=number, cache=session.cache, **launched))
            say(f"{group.name}: {launched['wall']:.1f} s"
                + (f": {launched['reason']}" if launched["reason"] else ""))
    last = {one["engine"]: one for one in done}
    left_out = {engine: one["reason"] for engine, one in last.items()
                if one["reason"] and engine != "native"}
    return left_out


def warm(session, groups):
    """Fills the compile caches of all groups and compares their outputs, side by side.

    For a machine that is there for minutes: nothing is timed meanwhile.
    """
    jobs, compared = [], set()
    with concurrent.futures.ThreadPoolExecutor(max_workers=32) as pool:
        for group in groups:
            what = (group.model, group.dtype, group.device, group.optimize)
            if session.verifies and not group.why_not_verified and what not in compared:
                compared.add(what)
                jobs.append(pool.submit(is_right, session, group))
            if group.launched_by in {one.name for one in groups}:
                continue
            names = peer_runs.engine_names(group.peers, session.peer)
            for text, name in names.items():
                if name in ("native", EAGER):
                    continue
                say(f"{group.name}: compiling for {name}")
                jobs.append(pool.submit(peer_runs.launch, session.program, group, text, "all",
                                        session.work / f"warm-{group.name}", session.threads))
    for job in jobs:
        job.result()


def measure_group(session, group, options):
    """What of the group is not in the results file yet. Returns whether it was timed."""
    group = dataclasses.replace(
        group, invocations=options.invocations or group.invocations,
        seconds=options.seconds or group.seconds)
    how = {"invocations": group.invocations, "seconds": group.seconds, "threads": session.threads}
    if session.entries("group", group=group.name, how=how) and not options.again:
        say(f"{group.name}: is in the file")
        return True
    if not is_right(session, group):
        return False
    read = ceilings(session, group.device)
    left_out = launches(session, group)
    peers = [peer for peer in group.peers if peer not in left_out]
    names = peer_runs.engine_names(peers, session.peer)
    say(f"{group.name}: {', '.join(names.values())}")
    measured = peer_runs.measure(session.program, group, names, session.threads,
                                 session.work / "runs" / group.name)
    for case, result in zip(group.cases, measured["cases"], strict=True):
        if case.floor and group.device == "cpu" and not group.energy:
            say(f"{group.name}: {result['shape']} {result['phase']} and its floor, in turns")
            result["floor"] = peer_floors.in_turns(
                group, case, result["engines"]["native"]["bytes"], session.threads)
    session.add("group", group=group.name, how=how, read=read["read"], left_out=left_out,
                **measured)
    for result in measured["cases"]:
        engines = result["engines"]
        times = [f"{name} {peer_table.milliseconds(engines[name])} ms" for name in engines]
        say(f"{group.name}: {result['shape']} {result['phase']}: {', '.join(times)}")
    return True


def measure(options, groups):
    """Measures what is missing; returns the settings that its lines of the file share."""
    cpus = len(os.sched_getaffinity(0))
    if STARTED_AT_LOAD > 0.3 * cpus:
        say(f"warning: load average {STARTED_AT_LOAD:.2f} on {cpus} CPUs: other work disturbs the "
            "measurement")
    work = options.work or options.output.with_suffix(".work")
    environment, cache = caches(work)
    settings = set_up(ridgeline_json("machine", "--json"), ridgeline("--version").stdout.strip())
    session = Session(options.output, work, settings, peer_runs.Program(environment), cache,
                      peer_engine(), options.threads, not options.no_verify,
                      not (options.no_launch or options.warm))
    if options.warm:
        begin = time.monotonic()
        warm(session, groups)
        say(f"caches are full, outputs compared: {time.monotonic() - begin:.0f} s")
        return settings
    end = time.monotonic() + options.within if options.within else None
    for group in groups:
        if end is not None and time.monotonic() > end:
            say(f"{group.name}: not begun: {options.within:g} s are over; the same command goes on")
            break
        try:
            measure_group(session, group, options)
        except peer_runs.Trouble as problem:  # the others go on, and a repetition tries it again
            say(f"peers.py: {problem}")
    return settings


def list_of(groups):
    return "\n".join(f"{group.name:24} {group.slice:16} about {group.minutes:g} min: "
                     + "; ".join(f"{case.phase} {case.shape}" for case in group.cases)
                     for group in groups)


def arguments_of(argv):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Groups and their slices:\n" + list_of(GROUPS))
    parser.add_argument("--output", type=pathlib.Path, help="results file (JSON lines)")
    parser.add_argument("--slice", default="all",
                        help="names of slices or groups, with commas; N/M or NAMES@N/M: a part")
    parser.add_argument("--invocations", type=int, help="processes of each engine (the group's)")
    parser.add_argument("--seconds", type=float, help="timed of a phase in a process (the group's)")
    parser.add_argument("--threads", type=int, help="of all engines (one a physical core)")
    parser.add_argument("--work", type=pathlib.Path,
                        help="folder for runs and caches, kept (the results file's, as .work)")
    parser.add_argument("--within", type=float, help="begin no group after so many seconds")
    parser.add_argument("--again", action="store_true", help="measure what is in the file anew")
    parser.add_argument("--no-verify", action="store_true", help="do not compare outputs first")
    parser.add_argument("--no-launch", action="store_true", help="do not time starts apart first")
    parser.add_argument("--warm", action="store_true",
                        help="only fill the compile caches and compare outputs, side by side; "
                             "then --no-launch")
    parser.add_argument("--table", action="store_true", help="only print the tables of the file")
    parser.add_argument("--list", action="store_true", help="only list the groups of --slice")
    options = parser.parse_args(argv)
    if options.output is None and not options.list:
        parser.error("--output is needed")
    for name in ("invocations", "seconds", "threads", "within"):
        value = getattr(options, name)
        if value is not None and not 0 < value < 1e6:
            parser.error(f"--{name}: {value:g} is not above 0")
    return options


def report(options, groups, settings):
    """Prints the tables; 0 when all that asserts something is met."""
    entries = read_results(options.output)
    rows = [row for row in peer_table.rows_of(entries, groups)
            if settings is None or row.settings == settings]
    if not rows:
        say(f"peers.py: {options.output} has no results of these groups")
        return 1
    print(peer_table.table(rows, entries, groups))
    timed = [row for row in rows if row.result or not row.energy]
    met = all(row.verdict in peer_verdicts.FINE for row in timed)
    started = all(peer_verdicts.NOT_MET not in line[-1] for row in rows for line in
                  peer_table.launches_of(entries, row.settings, row.group.device, groups))
    return 0 if met and started else 1


def main(argv=None):
    """Exit status: 0 when every case that asserts something is met, 1 when not, 2 on failure."""
    options = arguments_of(argv)
    try:
        groups = selected(options.slice)
    except ValueError as problem:
        say(f"peers.py: {problem}")
        return 2
    if options.list:
        print(list_of(groups))
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))  # so that children go too
    try:
        settings = None if options.table else measure(options, groups)
    except KeyboardInterrupt:
        say("peers.py: interrupted; the same command goes on from here")
        return 130
    except (AssertionError, subprocess.SubprocessError, OSError) as problem:
        say(f"peers.py: {problem}")
        return 2
    return report(options, groups, settings)


if __name__ == "__main__":
    sys.exit(main())
