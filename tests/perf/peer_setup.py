"""What is compared and where: the cases, the set-up that results belong to, the results file."""

import dataclasses
import datetime
import hashlib
import importlib.metadata
import json
import os
import pathlib
import platform
import shlex
import sys

from support.program import BIN, ridgeline

STARTED_AT_LOAD = os.getloadavg()[0]


@dataclasses.dataclass(frozen=True)
class Case:
    preset: str
    batch: int
    sequence: int
    dtype: str
    phase: str = "forward"
    architecture: str | None = None  # of the preset, unless named
    depth: int | None = None  # tokens in the cache of decode
    at_most: float | None = None  # its own bound of the ratio, instead of --at-most
    needs: str | None = None  # the CPU flag without which the case asserts nothing

    @property
    def name(self):
        depth = f"@{self.depth}" if self.depth else ""
        phase = "" if self.phase == "forward" else f" {self.phase}"
        return f"{self.preset} {self.batch}×{self.sequence}{depth} {self.dtype}{phase}"


CASES = [
    Case("bert-base", 1, 128, "float32", architecture="BertModel"),
    Case("bert-base", 8, 128, "float32", architecture="BertModel"),
    Case("bert-base", 1, 128, "bfloat16", architecture="BertModel", at_most=1 / 1.4,
         needs="amx_bf16"),
    Case("minilm-l6", 1, 128, "float32", architecture="BertModel"),
    Case("vit-b16", 1, 1, "float32"),
    Case("whisper-tiny", 1, 4, "float32", phase="encode"),
    Case("clip-b32", 1, 77, "float32"),
    Case("llama-124m", 1, 128, "float32", phase="prefill"),
    Case("llama-124m", 1, 128, "float32", phase="decode", depth=128, at_most=1 / 1.2),
    Case("llama-124m", 1, 128, "bfloat16", phase="decode", depth=128, at_most=1 / 1.2),
    Case("whisper-tiny", 1, 4, "float32", phase="decode", depth=64),
]


def say(text):
    print(text, file=sys.stderr, flush=True)


def machine_line(machine):
    cpu, memory = machine["cpu"], machine["memory"]["total_bytes"] / 2**30
    cores = f"{cpu['physical_cores']} cores ({machine['allowed']['count']} logical CPUs allowed)"
    virtual = ", virtual machine" if machine["virtualization"]["virtual"] else ""
    system = f"{machine['os']['distribution']}, kernel {machine['os']['kernel']}"
    return f"{cpu['model']}, {cores}, {memory:.0f} GiB, {system}{virtual}"


def cpu_flags():
    """The flags that cases ask for and this CPU has."""
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    flags = {flag for line in lines if line.startswith("flags") for flag in line.split()}
    return sorted(flags & {case.needs for case in CASES if case.needs})


def set_up(arguments, machine):
    """All that must be equal for pairs to belong together, but the case."""
    engine = (BIN / "ridgeline-engine-native").read_bytes()
    return {
        "threads": arguments.threads or default_threads(machine),
        "seconds": arguments.seconds,
        "machine": machine_line(machine),
        "cpu_flags": cpu_flags(),
        "ridgeline": ridgeline("--version").stdout.strip(),
        "engine": hashlib.sha256(engine).hexdigest()[:12],
        "python": platform.python_version(),
        "torch": importlib.metadata.version("torch"),
        "transformers": importlib.metadata.version("transformers"),
    }


def default_threads(machine):
    """One a physical core that this process may use, as ridgeline does."""
    count = 0
    for part in machine["allowed"]["physical_cores"].split(","):
        first, _, last = part.partition("-")
        count += int(last or first) - int(first) + 1
    return count


def read_results(path):
    """The lines of a results file; a line cut off by a kill is left out."""
    entries = []
    for line in path.read_text().splitlines() if path.exists() else []:
        try:
            entries.append(json.loads(line))
        except json.JSONDecodeError:
            say(f"warning: {path}: a line that is not JSON is left out")
    return entries


def append(path, entry):
    ends = not path.exists() or path.read_bytes()[-1:] in (b"", b"\n")
    with path.open("a") as file:
        file.write(("" if ends else "\n") + json.dumps(entry, ensure_ascii=False) + "\n")


def stamp(settings, pairs):
    """What every line of the results file says; `pairs`: how many are planned."""
    return {
        "settings": settings,
        "pairs": pairs,
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC"),
        "load": STARTED_AT_LOAD,
        "command": shlex.join(["tests/perf/peers.py", *sys.argv[1:]]),
    }
