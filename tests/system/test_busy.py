"""Other work on the machine and what `--busy` does about it; sensors and checks of `machine`."""

import contextlib
import json
import re
import signal
import subprocess
import sys
import time

import pytest

from support.program import ROOT, assert_one_clear_line, ridgeline, ridgeline_json
from support.scripted import Run, lines_of, run_to_end, script

SPIN = "import time\nend = time.monotonic() + {seconds}\nwhile time.monotonic() < end: pass"


@contextlib.contextmanager
def other_work(seconds=60):
    """Two processes that each use all of a CPU for a while."""
    command = [sys.executable, "-c", SPIN.format(seconds=seconds)]
    workers = [subprocess.Popen(command) for _ in range(2)]
    try:
        time.sleep(0.5)
        yield
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()


def flags(record):
    return {flag["id"]: flag for flag in record["validity"]["flags"]}


# --- busy -----------------------------------------------------------------------------------------


def test_other_work_is_flagged_with_its_name(tmp_path):
    with other_work():
        (record,) = run_to_end(tmp_path, script(), "--budget", "2s", "--invocations", "1")
    flag = flags(record)["busy"]
    assert flag["severity"] == "warn"
    assert "python" in flag["detail"], flag
    assert "--busy wait" in flag["advice"]


def test_fail_does_not_start(tmp_path):
    folder = tmp_path / "run"
    with other_work():
        done = ridgeline("run", script(), "--engine", "scripted", "--busy", "fail",
                         "--output", folder, check=False)
    assert done.returncode == 3, done.stderr
    assert "the machine is busy" in done.stderr and "--busy wait" in done.stderr
    assert not (folder / "records.jsonl").exists() or not (folder / "records.jsonl").read_text()


def test_wait_waits_for_the_end_and_says_so(tmp_path):
    with other_work(seconds=4):
        with Run(script(), "--budget", "2s", "--invocations", "1", "--busy", "wait", "--output",
                 tmp_path / "run") as run:
            assert run.finish(timeout=300) in (0, 3), run.stderr
            run.assert_left_nothing()
    assert "waiting for quiet" in run.stderr
    if run.process.returncode == 3:
        pytest.skip("this machine did not become quiet")
    (record,) = lines_of(tmp_path / "run/records.jsonl")
    assert flags(record)["waited"]["severity"] == "info"
    assert "python" in flags(record)["waited"]["detail"]


def test_waiting_ends_with_an_interrupt(tmp_path):
    with other_work():
        with Run(script(), "--busy", "wait", "--output", tmp_path / "run") as run:
            time.sleep(2)
            begin = time.monotonic()
            run.process.send_signal(signal.SIGINT)
            assert run.finish() == 130, run.stderr
            assert time.monotonic() - begin < 3
            run.assert_left_nothing()


# --- the plan's keys ------------------------------------------------------------------------------


@pytest.mark.parametrize("words, part", [
    (("--busy", "wairn"), "did you mean warn"),
    (("--sensors", "auto,nvml"), "stands alone"),
    (("--energy-window", "5"), "no unit"),
    (("--energy-trials", "0"), "below 1"),
])
def test_values_that_make_no_sense_are_refused(words, part):
    done = ridgeline("run", "minilm-l6", *words, check=False)
    assert_one_clear_line(done, code=2)
    assert part in done.stderr


# --- machine --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def machine():
    return ridgeline_json("machine", "--json")


def test_every_source_says_what_it_has_and_what_it_lacks(machine):
    assert {"nvml", "rapl", "hwmon"} <= {source["name"] for source in machine["sources"]}
    for source in machine["sources"]:
        assert set(source) == {"name", "domains", "absences"}
        for domain in source["domains"]:
            assert domain["id"] and domain["kind"] and domain["unit"], domain
        for absence in source["absences"]:
            assert absence["kind"] and absence["reason"], absence


def test_devices_are_listed_and_no_uuid_is(machine):
    assert isinstance(machine["devices"], list)
    assert not re.search(r"(GPU|MIG)-[0-9a-f]{8}-", json.dumps(machine))


def test_flags_have_the_form_of_a_record(machine):
    for flag in machine["flags"]:
        assert set(flag) == {"id", "severity", "detail", "advice"}
        assert flag["severity"] in ("info", "warn", "invalid")


def test_the_text_fits_a_terminal(machine):
    text = ridgeline("machine").stdout
    for source in machine["sources"]:
        assert source["name"] in text
    for heading in ("Sensors", "Measured ceilings"):
        assert f"\n{heading}\n" in text
    for line in text.splitlines():
        # Commands are not broken, and neither is a path.
        longest = max((len(word) for word in line.split()), default=0)
        assert len(line) <= 100 or "→" in line or longest > 60, line


def test_other_work_is_a_check_of_the_machine():
    with other_work():
        found = {flag["id"] for flag in ridgeline_json("machine", "--json")["flags"]}
    assert "busy" in found


# --- the page that explains the flags -------------------------------------------------------------

# How flags are written in the sources; a blank stands for any.
FORMS = [
    r'\{"NAME", (?:results::)?(?:Flag::)?Severity::',
    r'\{"NAME", "(?:warn|info)"',
    r'\{"NAME", is_one_of',
    r'warning\( "NAME"',
    r'flags\.add\( device, "NAME"',
    r'Flag\{ "NAME", Severity::',
]
PATTERNS = [re.compile(form.replace(" ", r"\s*").replace("NAME", "([a-z_-]+)")) for form in FORMS]


def test_every_flag_is_explained():
    ids = set()
    for path in [*(ROOT / "src/machine").glob("*.cpp"), *(ROOT / "src/measure").glob("*.cpp")]:
        for pattern in PATTERNS:
            ids |= set(pattern.findall(path.read_text()))
    assert {"governor", "energy_preference", "busy", "mig", "drift", "waited", "clock_drift",
            "power_limit"} <= ids
    page = (ROOT / "docs/reducing-variance.md").read_text()
    explained = set(re.findall(r"^\| `([a-z_-]+)` \|", page, re.M))
    assert ids <= explained, sorted(ids - explained)
