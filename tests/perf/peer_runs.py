"""Runs `ridgeline` for the comparison: ceilings, verification, launches, and the measurement."""

import dataclasses
import json
import pathlib
import shutil
import subprocess
import time

import peer_records
from peer_cases import MODES
from peer_setup import say
from support.program import BIN

ENERGY_SECONDS = 120.0  # beside the timing: calibration, idle power and windows of a phase
BUDGET = "2h"  # every process is to run; how long is said by --phase-time
MOST_SECONDS = 3600.0


class Trouble(Exception):
    """Something that the user must look at; nothing of it is in the results file."""


@dataclasses.dataclass
class Done:
    code: int
    stdout: str
    stderr: str
    begin_ns: int  # CLOCK_MONOTONIC, before the program was started
    seconds: float

    @property
    def last_line(self):
        lines = [line for line in self.stderr.splitlines() if line.strip()]
        return lines[-1] if lines else f"exit code {self.code}"


class Program:
    """Runs the real program; a test puts a stand-in in its place."""

    def __init__(self, environment):
        self.environment = environment

    def __call__(self, words, timeout=MOST_SECONDS):
        begin = time.monotonic_ns()
        done = subprocess.run([str(BIN / "ridgeline"), *map(str, words)], text=True, check=False,
                              capture_output=True, env=self.environment, timeout=timeout)
        seconds = 1e-9 * (time.monotonic_ns() - begin)
        return Done(done.returncode, done.stdout, done.stderr, begin, seconds)


def numbers(values):
    return ",".join(map(str, values))


def workload_flags(group):
    lists = [("--batch", group.batch), ("--sequence", group.sequence), ("--depth", group.depth)]
    return [word for flag, values in lists if values for word in (flag, numbers(values))]


def configuration_flags(group, threads):
    return ["--dtype", group.dtype, "--device", group.device,
            *(["--threads", str(threads)] if threads else []),
            *(["--optimize", f"auto,{group.optimize}"] if group.optimize else [])]


def engine_names(peers, peer_engine):
    """Text of --engine → name of the engine here."""
    return {"native": "native", **{peer_engine + MODES[peer]: peer for peer in peers}}


def measure_peaks(program, device, threads):
    """{"read": B/s of the best repetition, …} of a device, measured now. Remembers nothing."""
    words = ["peaks", "--device", device, "--only", "read", "--json", "--quiet",
             *(["--threads", str(threads)] if threads else [])]
    done = program(words)
    try:
        (one,) = [one for one in json.loads(done.stdout)["sets"] if one["device"] == device]
    except (ValueError, KeyError) as problem:
        raise Trouble(f"no ceilings of {device}: {done.last_line}") from problem
    read = next((c for c in one["ceilings"] if c["id"] == "read"), {})
    return {"device": device, "device_name": one.get("device_name"), "threads": one.get("threads"),
            "read": read.get("value"), "reason": read.get("reason"), "note": one.get("note")}


def verify(program, group, peer_engine, threads):
    """{"passed", "text"}; passed is None when nothing could be compared."""
    words = ["verify", group.model, "--engine", peer_engine, *configuration_flags(group, threads),
             "--batch", group.batch[0],
             *(["--sequence", group.sequence[0]] if group.sequence else []),
             "--json", "--quiet"]
    done = program(words)
    try:
        report = json.loads(done.stdout)
    except ValueError:
        return {"passed": None, "text": f"outputs could not be compared: {done.last_line}"}
    passed, text = peer_records.verification_of(report, group.lossless)
    return {"passed": passed, "text": text}


def launch(program, group, engine, scope, folder, threads):
    """Starts one process of one engine; what it took until its first measured call ended."""
    shutil.rmtree(folder, ignore_errors=True)
    if scope == "token":
        sizes = ["--batch", group.batch[0], "--sequence", group.sequence[0],
                 "--depth", group.depth[0], "--phases", "decode"]
    else:
        sizes = [*workload_flags(group), "--phases", numbers(group.phases)]
    done = program(["run", group.model, "--engine", engine, *configuration_flags(group, threads),
                    *sizes, "--invocations", 1, "--phase-time", "100ms", "--warmup", "none",
                    "--metrics", "time", "--json", "--quiet", "--output", folder])
    records, _ = peer_records.parse(done.stdout)
    first = peer_records.first_done_ns(pathlib.Path(folder))
    failed = next((one["outcome"]["reason"] for one in records
                   if one["outcome"]["status"] == "failed"), None)
    reason = failed or (done.last_line if not records else None)
    shutil.rmtree(folder, ignore_errors=True)
    return {
        "wall": done.seconds,
        "first_done": 1e-9 * (first - done.begin_ns) if first is not None else None,
        "stages": peer_records.stages_of(records),
        "cases": len(records),
        "reason": reason,
    }


def run_words(group, names, threads, folder):
    metrics = "time,cost,energy" if group.energy else "time,cost"
    baseline = ["--baseline", "native"] if len(names) > 1 else []
    return ["run", group.model, "--engine", ",".join(names), *baseline,
            *configuration_flags(group, threads), *workload_flags(group),
            "--phases", numbers(group.phases), "--invocations", group.invocations,
            "--phase-time", f"{1000 * group.seconds:.0f}ms", "--budget", BUDGET,
            "--metrics", metrics, "--json", "--quiet", "--output", folder]


def measure(program, group, names, threads, folder):
    """The group's one run: what each case came to, and the versions that were measured."""
    shutil.rmtree(folder, ignore_errors=True)  # half a run is not gone on with: its pairs lie apart
    energy = ENERGY_SECONDS * len(names) * group.workloads * len(group.phases) * group.energy
    done = program(run_words(group, names, threads, folder), timeout=MOST_SECONDS + energy)
    records, comparisons = peer_records.parse(done.stdout)
    if not records:
        raise Trouble(f"{group.name}: ridgeline run gave no record: {done.last_line}")
    if done.code != 0:
        say(f"warning: {group.name}: {done.last_line}")
    versions = {names[one["configuration"]["engine"]]: one["engine"]["versions"]
                for one in records if one["engine"]}
    return {"cases": peer_records.results_of(group, names, records, comparisons),
            "versions": versions, "wall": done.seconds}
