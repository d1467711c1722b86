"""Runs on the scripted engine: its model reference is a script with known durations and faults."""

import json
import os
import pathlib
import re
import subprocess
import time
import uuid

from support.program import BIN
from support.schema import validate_file


def script(*faults, clock="virtual", **fields):
    """The model reference: engines/scripted/script.hpp says what may be in it."""
    return json.dumps({"clock": clock, **fields, **({"faults": faults} if faults else {})})


class Run:
    """A started `ridgeline run`; what it leaves behind is found by a mark in its environment."""

    def __init__(self, *args, engine="scripted", environment=None):
        self.mark = f"RIDGELINE_TEST_MARK={uuid.uuid4()}"
        name, value = self.mark.split("=")
        command = [BIN / "ridgeline", "run", *args]
        if engine:
            command += ["--engine", engine]
        self.process = subprocess.Popen(
            [str(part) for part in command],
            env={**os.environ, **(environment or {}), name: value},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """Whatever the test did, nothing of it runs on."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
        for pid in self.processes():
            os.kill(pid, 9)
        for path in self.scratch_files():
            os.unlink(path)

    def finish(self, timeout=60):
        """Waits for the end; stdout and stderr are kept, the exit code is returned."""
        self.stdout, self.stderr = self.process.communicate(timeout=timeout)
        return self.process.returncode

    def processes(self):
        """Processes of this run that are alive, the coordinator included."""
        alive = []
        for folder in pathlib.Path("/proc").iterdir():
            if not folder.name.isdigit():
                continue
            try:
                environment = (folder / "environ").read_bytes()
            except OSError:
                continue
            if self.mark.encode() in environment.split(b"\0"):
                alive.append(int(folder.name))
        return alive

    def scratch_files(self):
        return [str(p) for p in pathlib.Path("/dev/shm").glob(f"ridgeline-{self.process.pid}-*")]

    def workers(self):
        return [pid for pid in self.processes() if pid != self.process.pid]

    def assert_left_nothing(self):
        assert self.process.poll() is not None
        assert self.processes() == []
        assert self.scratch_files() == []


def wait_until(condition, seconds, what):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError(f"not within {seconds} s: {what}")


def lines_of(path):
    """Whole lines of a .jsonl file that may not be there yet."""
    try:
        return [json.loads(line) for line in re.findall(r"(.*)\n", pathlib.Path(path).read_text())]
    except FileNotFoundError:
        return []


def run_to_end(tmp_path, *args, code=0, **options):
    """A whole run; returns its valid records. Nothing may be left of it."""
    folder = tmp_path / "run"
    with Run(*args, "--output", folder, **options) as run:
        assert run.finish() == code, run.stderr
        run.assert_left_nothing()
    return validate_file(folder / "records.jsonl")


def phase(record, name="forward"):
    return next(phase for phase in record["phases"] if phase["name"] == name)


def metric(record, name, of="forward"):
    return phase(record, of)["metrics"][name]
