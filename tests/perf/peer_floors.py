"""How far decoding is from its byte floor on a CPU, with the floor measured between its calls.

Bandwidth of a shared machine moves within seconds (33 and 55 GB/s were seen on one), so one reading
for a session says little about a step that was timed in another minute. Here a process of the
native engine reads memory and decodes in turns; the floor of a turn is the mean of those before and
after it. Several processes do so, and the interval is that of their means.
"""

import contextlib
import itertools
import math
import statistics
import struct
import tempfile

from support.engine import Engine, EngineError

PROCESSES = 5
T_975 = 2.776  # Student's t of 4 degrees of freedom
TURNS = 8  # in each process
READ_SECONDS, DECODE_SECONDS = 0.3, 1.0
READ_BYTES = 2 << 30  # what `ridgeline peaks` takes in a virtual machine
CAPACITY = 4096  # calls of one turn, at most
HEADER, ROW = struct.Struct("<8sIIQQQ24x"), struct.Struct("<IIqqqqd")  # src/base/sample_format.hpp


class Decoder:
    """An engine process with the case planned."""

    def __init__(self, group, case, threads):
        self.phase, self.engine = case.phase, Engine()
        knobs = {"threads": threads} if threads else {}
        knobs |= dict(word.split("=", 1) for word in filter(None, (group.optimize or "").split(",")))
        loaded = self.engine.load(group.model, weights="synthetic", dtype=group.dtype,
                                  optimize=knobs)
        found = {one["id"]: one["value"] for one in loaded["optimizations"]}
        self.threads = int(found["threads"])
        workload = {"batch": case.batch, "sequence": case.sequence, "depth": case.depth}
        asked = [{"id": knob, "value": value} for knob, value in knobs.items()]
        self.engine.request("plan", workload=workload, phases=[case.phase], optimizations=asked)

    def read_rate(self):
        """B/s of the best repetition, with all threads."""
        return self.engine.request("probe", kind="read", device="cpu", seconds=READ_SECONDS,
                                   bytes=READ_BYTES, threads=self.threads)["value"]

    def median(self):
        """Seconds of a call."""
        with tempfile.NamedTemporaryFile(dir="/dev/shm") as samples:
            samples.write(HEADER.pack(b"RLSAMPLE", 1, ROW.size, CAPACITY, 0, 0))
            samples.truncate(HEADER.size + CAPACITY * ROW.size)
            samples.flush()
            self.engine.request("run", phase=self.phase, sync="each", samples=samples.name,
                                until={"ns": int(1e9 * DECODE_SECONDS), "n": CAPACITY},
                                capacity=CAPACITY, **{"pass": "time"})
            samples.seek(0)
            data = samples.read()
        count = HEADER.unpack_from(data)[4]
        rows = ROW.iter_unpack(data[HEADER.size:HEADER.size + count * ROW.size])
        return statistics.median(1e-9 * (done - begin) for _, _, begin, _, done, _, _ in rows)

    def close(self):
        self.engine.close()


def turns_of(decoder, count):
    """(mean of log(median / floor), floors, medians) of one process."""
    decoder.median()  # warm-up
    rates, medians = [decoder.read_rate()], []
    for _ in range(TURNS):
        medians.append(decoder.median())
        rates.append(decoder.read_rate())
    floors = [count * (1 / before + 1 / after) / 2
              for before, after in itertools.pairwise(rates)]
    logs = [math.log(median / floor) for median, floor in zip(medians, floors, strict=True)]
    return statistics.fmean(logs), floors, medians


def in_turns(group, case, count, threads, make=Decoder):
    """How often the floor goes into a call: {"value", "ci95", "n"} over the processes' geometric
    means, "floor" and "median" in seconds as geometric means over all turns, "rates" [lowest,
    highest] in B/s; or {"value": None, "reason"}. `count`: the bytes that a call must read."""
    if not count:
        return {"value": None, "reason": "the bytes that a call must read are not known"}
    means, floors, medians = [], [], []
    try:
        for _ in range(PROCESSES):
            with contextlib.closing(make(group, case, threads)) as decoder:
                mean, its_floors, its_medians = turns_of(decoder, count)
            means.append(mean)
            floors += its_floors
            medians += its_medians
    except (EngineError, OSError) as problem:
        return {"value": None, "reason": str(problem)}
    mean = statistics.fmean(means)
    half = T_975 * statistics.stdev(means) / math.sqrt(PROCESSES)
    return {"value": math.exp(mean), "ci95": [math.exp(mean - half), math.exp(mean + half)],
            "n": PROCESSES, "floor": statistics.geometric_mean(floors),
            "median": statistics.geometric_mean(medians),
            "rates": [count / max(floors), count / min(floors)]}
