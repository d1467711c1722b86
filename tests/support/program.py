"""Running the program under test as a user would."""

import json
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("RIDGELINE_BIN", ROOT / "build/release/bin"))


def ridgeline(*args, check=True, timeout=300, **kwargs):
    """Runs `ridgeline ARGS`; with check, a failure shows what it printed."""
    command = [str(BIN / "ridgeline"), *map(str, args)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, **kwargs)
    if check and done.returncode != 0:
        raise AssertionError(
            f"{' '.join(command)} → {done.returncode}\n{done.stdout}\n{done.stderr}"
        )
    return done


def ridgeline_json(*args, **kwargs):
    return json.loads(ridgeline(*args, **kwargs).stdout)


def assert_one_clear_line(done, code=None):
    """An error must be one line on stderr, with nothing half done on stdout."""
    assert done.returncode != 0, done.stdout
    assert done.returncode > 0, f"killed by signal {-done.returncode}: {done.stderr}"
    if code is not None:
        assert done.returncode == code, (done.returncode, done.stderr)
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("ridgeline: "), lines[0]
