"""The set-up that results belong to, and the results file."""

import datetime
import hashlib
import json
import os
import pathlib
import shlex
import subprocess
import sys
import uuid

from support.program import BIN, ROOT

DATE = "%Y-%m-%d %H:%M:%S UTC"  # sorts as text
STARTED_AT_LOAD = os.getloadavg()[0]
PEER_SOURCES = ROOT / "engines/transformers"
VERSIONS = "import importlib.metadata as m, platform; print(platform.python_version(), *(" \
           "m.version(name) for name in ('torch', 'transformers')))"


def say(text):
    print(text, file=sys.stderr, flush=True)


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def machine_line(machine):
    cpu, memory = machine["cpu"], machine["memory"]["total_bytes"] / 2**30
    cores = f"{cpu['physical_cores']} cores ({machine['allowed']['count']} logical CPUs allowed)"
    gpus = [one.get("name") or "accelerator" for one in machine.get("accelerators") or []]
    virtual = ", virtual machine" if machine["virtualization"]["virtual"] else ""
    system = f"{machine['os']['distribution']}, kernel {machine['os']['kernel']}"
    return ", ".join([*gpus, f"{cpu['model']}, {cores}", f"{memory:.0f} GiB", system]) + virtual


def peer_engine():
    """The name of the engine, or the path of that of the source tree where none is installed."""
    if os.access(BIN / "ridgeline-engine-transformers", os.X_OK):
        return "transformers"
    return str(PEER_SOURCES / "ridgeline-engine-transformers")


def peer_versions():
    """[Python, torch, transformers] of the engine's Python; what cannot be told is None."""
    venv = ROOT / ".venv/bin/python"
    python = os.environ.get("RIDGELINE_ENGINE_PYTHON") or (venv if venv.exists() else "python3")
    command = [str(python), "-c", VERSIONS]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.split() if done.returncode == 0 else [None] * 3


def digest(*paths):
    """Of the contents of programs, and of the Python files in folders; None: nothing is there."""
    files = [file for path in paths
             for file in (sorted(path.rglob("*.py")) if path.is_dir() else [path])]
    files = [file for file in files if file.is_file()]
    whole = hashlib.sha256(b"".join(file.read_bytes() for file in files))
    return whole.hexdigest()[:12] if files else None


def set_up(machine, version):
    """All that must be equal for results to stand in one table."""
    python, torch, transformers = peer_versions()
    peer = pathlib.Path(peer_engine())
    installed = peer.name == "transformers"
    launcher = (BIN / "ridgeline-engine-transformers" if installed else peer).resolve()
    return {
        "machine": machine_line(machine),
        "isa": [flag for flag in machine["cpu"]["isa"] if flag.startswith("amx")],
        "ridgeline": version,
        "engine": digest(BIN / "ridgeline-engine-native", BIN / "libridgeline-cuda.so"),
        "peer_engine": digest(launcher, launcher.parent / "ridgeline_transformers"),
        "python": python,
        "torch": torch,
        "transformers": transformers,
    }


def caches(work):
    """Environment that keeps what compilers and sensors remember in the folder `work`, and the
    identity of that folder: a first launch is one with empty caches."""
    folder = (work / "cache").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    name = folder / "identity"
    if not name.exists():
        name.write_text(uuid.uuid4().hex)
    environment = {
        **os.environ,
        "XDG_CACHE_HOME": str(folder),
        "TORCHINDUCTOR_CACHE_DIR": str(folder / "inductor"),
        "TRITON_CACHE_DIR": str(folder / "triton"),
    }
    return environment, name.read_text()


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
    path.parent.mkdir(parents=True, exist_ok=True)
    ends = not path.exists() or path.read_bytes()[-1:] in (b"", b"\n")
    with path.open("a") as file:
        file.write(("" if ends else "\n") + json.dumps(entry, ensure_ascii=False) + "\n")


def stamp():
    """When, under what load and by what command a line was measured."""
    return {
        "date": now().strftime(DATE),
        "load": STARTED_AT_LOAD,
        "command": shlex.join(["tests/perf/peers.py", *sys.argv[1:]]),
    }
