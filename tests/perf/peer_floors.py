"""How far decoding is from its byte floor on a CPU, with the floor measured between its calls.

Bandwidth of a shared machine moves within seconds (33 and 55 GB/s were seen on one), so one reading
for a session says little about a step that was timed in another minute, and a second of reading
shows the faster of two states where a second of decoding shows the more frequent one. Here
`ridgeline-decode-floor` (tests/perf/decode_floor.cpp) reads memory and decodes in turns of some tens
of milliseconds within one process. A step is known by its median, so the floor of a turn is by the
median of the readings around it; by the best of them it is lower, and that figure is kept too.
Several processes do so, and the interval is that of their means.
"""

import json
import math
import statistics
import subprocess

from support.program import BIN

PROCESSES = 5
T_975 = 2.776  # Student's t of 4 degrees of freedom
TURNS = 40  # in each process
SECONDS = 600  # after which a process is given up


def turns_of(group, case, count, threads):
    """[{"floor", "floor_best", "median"}] in seconds, of the turns of one process. `count`: the
    bytes that a call must read. Raises OSError where there are none."""
    knobs = {"threads": str(threads)} if threads else {}
    knobs |= dict(word.split("=", 1) for word in filter(None, (group.optimize or "").split(",")))
    asked = [{"id": knob, "value": value} for knob, value in knobs.items()]
    load = {"model": group.model, "weights": "synthetic", "dtype": group.dtype, "device": "cpu",
            "optimizations": asked}
    plan = {"workload": {"batch": case.batch, "sequence": case.sequence, "depth": case.depth},
            "phases": [case.phase], "optimizations": asked}
    words = [f"{BIN}/ridgeline-decode-floor", json.dumps(load), json.dumps(plan), case.phase,
             str(round(count)), str(TURNS)]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired as problem:
        raise OSError(f"not done after {SECONDS} s") from problem
    if done.returncode != 0:
        raise OSError((done.stderr.strip() or f"exit code {done.returncode}").splitlines()[-1])
    return [json.loads(line) for line in done.stdout.splitlines()]


def in_turns(group, case, count, threads, measure=turns_of):
    """How often the floor goes into a call: {"value", "ci95", "n"} over the processes' geometric
    means, "of_best" the same ratio to the floor by the best readings, "floor" and "median" in
    seconds as geometric means over all turns, "rates" [lowest, highest] in B/s; or {"value": None,
    "reason"}. `count`: the bytes that a call must read."""
    if not count:
        return {"value": None, "reason": "the bytes that a call must read are not known"}
    means, turns = [], []
    try:
        for _ in range(PROCESSES):
            its = measure(group, case, count, threads)
            means.append(statistics.fmean(math.log(one["median"] / one["floor"]) for one in its))
            turns += its
    except (OSError, ValueError) as problem:
        return {"value": None, "reason": str(problem)}
    mean = statistics.fmean(means)
    half = T_975 * statistics.stdev(means) / math.sqrt(PROCESSES)
    floors = [one["floor"] for one in turns]
    return {"value": math.exp(mean), "ci95": [math.exp(mean - half), math.exp(mean + half)],
            "n": PROCESSES, "floor": statistics.geometric_mean(floors),
            "of_best": statistics.geometric_mean(one["median"] / one["floor_best"]
                                                 for one in turns),
            "median": statistics.geometric_mean(one["median"] for one in turns),
            "rates": [count / max(floors), count / min(floors)]}
