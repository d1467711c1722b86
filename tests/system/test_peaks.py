"""`ridgeline peaks` from end to end, on a scripted engine whose ceilings are known."""

import json
import os
import pathlib
import signal
import subprocess
import time

import pytest

from support.program import BIN, assert_one_clear_line, ridgeline

PROBES = [
    {"kind": "read", "threads": 1, "value": 1e9},
    {"kind": "read", "value": 2e10, "median": 1.9e10},
    {"kind": "write", "value": 1e10},
    {"kind": "copy", "value": 1.5e10},
    {"kind": "triad", "value": 1.6e10},
    {"kind": "gemm", "dtype": "float32", "value": 2e11},
]
GPU = {"kind": "cuda", "ordinal": 0, "name": "NVIDIA H200", "memory": 150_000_000_000}
CPU = {"kind": "cpu", "ordinal": 0, "name": "cpu"}


@pytest.fixture
def peaks(tmp_path):
    """Runs the command with a cache of its own; `script` are fields of the engine's script."""

    def run(*args, script=None, **kwargs):
        fields = {"probes": PROBES, **(script or {})}
        environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache"),
                       "RIDGELINE_SCRIPT": json.dumps(fields)}
        kwargs.setdefault("check", False)
        return ridgeline("peaks", "--engine", "scripted", *args, env=environment, **kwargs)

    return run


def cache_files(tmp_path):
    return sorted((tmp_path / "cache/ridgeline").glob("*")) if (tmp_path / "cache").exists() else []


def ceiling(shown, name, number=0):
    return next(one for one in shown["sets"][number]["ceilings"] if one["id"] == name)


def test_measures_shows_and_remembers(peaks, tmp_path):
    done = peaks("--threads", 2, "--json")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    shown = json.loads(done.stdout)
    assert shown["schema"] == "ridgeline-peaks/1"
    read = ceiling(shown, "read")
    assert (read["value"], read["median"], read["unit"]) == (2e10, 1.9e10, "B/s")
    assert ceiling(shown, "read.one_thread")["value"] == 1e9
    absent = ceiling(shown, "gemm.float64")
    assert absent["value"] is None and absent["reason"] and absent["error_class"] == "unsupported"
    assert shown["sets"][0]["idle_power"]["value"] is None
    assert shown["sets"][0]["idle_power"]["reason"]
    assert not shown["sets"][0]["cached"]
    [file] = cache_files(tmp_path)
    assert file.name == f"peaks-{shown['machine']}.json"

    again = json.loads(peaks("--threads", 2, "--json", script={"probes": []}).stdout)
    assert again["sets"][0]["cached"] and again["sets"][0]["age_seconds"] >= 0
    assert ceiling(again, "read")["value"] == 2e10
    text = peaks("--threads", 2).stdout
    assert "20.00 GB/s" in text and "remembered from" in text and "\x1b" not in text

    other = [{**PROBES[1], "value": 3e10}]
    fresh = json.loads(
        peaks("--threads", 2, "--json", "--refresh", script={"probes": other}).stdout)
    assert ceiling(fresh, "read")["value"] == 3e10
    assert len(cache_files(tmp_path)) == 1


def test_single_ceilings_are_measured_now_and_not_remembered(peaks, tmp_path):
    shown = json.loads(peaks("--only", "read,gemm.float32", "--json").stdout)
    assert [one["id"] for one in shown["sets"][0]["ceilings"]] == ["read", "gemm.float32"]
    assert ceiling(shown, "read")["value"] == 2e10
    assert cache_files(tmp_path) == []
    peaks("--json")
    other = [{**PROBES[1], "value": 3e10}]
    again = json.loads(peaks("--only", "read", "--json", script={"probes": other}).stdout)
    assert ceiling(again, "read")["value"] == 3e10 and not again["sets"][0]["cached"]
    assert ceiling(json.loads(peaks("--json").stdout), "read")["value"] == 2e10


def test_a_ceiling_that_is_none_is_named_with_those_there_are(peaks):
    done = peaks("--only", "raed")
    assert_one_clear_line(done, code=2)
    assert "'raed'" in done.stderr and "read, write" in done.stderr


def test_threads_and_cores_have_sets_of_their_own(peaks, tmp_path):
    first = sorted(os.sched_getaffinity(0))[0]
    for flags in (["--threads", 1], ["--threads", 2], ["--threads", 1, "--cores", first]):
        assert peaks(*flags).returncode == 0
    [file] = cache_files(tmp_path)
    sets = json.loads(file.read_text())["sets"]
    assert [(one["threads"], one["cores"]) for one in sets] == [(1, None), (2, None),
                                                               (1, str(first))]


def test_shows_a_device_beside_its_datasheet(peaks):
    probes = [{"kind": "read", "value": 4.5e12}, {"kind": "copy", "value": 5.2e12},
              {"kind": "gemm", "dtype": "bfloat16", "value": 7.5e14},
              {"kind": "launch", "value": 2e-6, "round_trip": 9e-6}]
    script = {"devices": [CPU, GPU], "probes": probes}
    done = peaks("--device", "cuda:0", "--json", script=script)
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert shown["sets"][0]["datasheet"]["name"] == "NVIDIA H200 SXM"
    assert ceiling(shown, "read")["share"] == pytest.approx(4.5 / 4.8)
    assert ceiling(shown, "gemm.bfloat16")["share"] == pytest.approx(750 / 989.4)
    assert ceiling(shown, "launch")["round_trip"] == 9e-6
    [flag] = shown["sets"][0]["flags"]
    assert "copy is 108 % of the datasheet" in flag
    both = json.loads(peaks("--json", script=script).stdout)
    assert [one["device"] for one in both["sets"]] == ["cpu", "cuda:0"]
    assert [one["cached"] for one in both["sets"]] == [False, True]


def test_a_probe_that_kills_the_worker_is_recorded_and_the_others_go_on(peaks):
    script = {"faults": [{"at": "probe", "kind": "crash", "phase": "write"}]}
    done = peaks("--threads", 1, "--json", script=script)
    assert done.returncode == 1
    shown = json.loads(done.stdout)
    assert ceiling(shown, "write")["value"] is None
    assert ceiling(shown, "write")["error_class"] == "crash"
    assert ceiling(shown, "gemm.float32")["value"] == 2e11
    assert peaks("--threads", 1).returncode == 0  # what failed is tried again


def test_an_engine_that_measures_nothing_is_a_failure_that_leaves_nothing(peaks, tmp_path):
    done = peaks(script={"probes": []})
    assert done.returncode == 1
    assert cache_files(tmp_path) == []


@pytest.mark.parametrize("content", ["", "{", "[]", '{"schema": "ridgeline-peaks/1"}', "[" * 5000])
def test_a_damaged_file_is_refused_until_it_may_be_replaced(peaks, tmp_path, content):
    assert peaks("--threads", 1).returncode == 0
    [file] = cache_files(tmp_path)
    file.write_text(content)
    done = peaks("--threads", 1)
    assert_one_clear_line(done, code=2)
    assert str(file) in done.stderr and "--refresh" in done.stderr
    assert done.stdout == "" and file.read_text() == content
    assert peaks("--threads", 1, "--refresh").returncode == 0
    assert json.loads(file.read_text())["sets"]


def test_the_file_of_another_machine_is_refused(peaks, tmp_path):
    assert peaks("--threads", 1).returncode == 0
    [file] = cache_files(tmp_path)
    other = json.loads(file.read_text())
    other["machine"] = "0123456789abcdef"
    file.write_text(json.dumps(other))
    done = peaks("--threads", 1)
    assert_one_clear_line(done, code=2)
    assert "another machine (0123456789abcdef" in done.stderr


def test_a_cache_that_cannot_be_written_does_not_lose_the_figures(peaks, tmp_path):
    (tmp_path / "cache").write_text("not a folder")
    done = peaks("--threads", 1, "--json", "--output", tmp_path / "peaks.json")
    assert done.returncode == 0
    assert done.stderr.startswith("ridgeline: not remembered: ") and done.stderr.count("\n") == 1
    assert json.loads(done.stdout) == json.loads((tmp_path / "peaks.json").read_text())


def test_ctrl_c_leaves_no_file_and_no_worker(tmp_path):
    script = {"probes": PROBES,
              "faults": [{"at": "probe", "kind": "hang_with_heartbeat", "phase": "copy"}]}
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache"),
                   "RIDGELINE_SCRIPT": json.dumps(script)}
    command = [BIN / "ridgeline", "peaks", "--engine", "scripted", "--threads", "1"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True) as process:
        time.sleep(1)
        children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=20)
    assert process.returncode == 130
    assert stderr.count("\n") == 1 and "interrupted" in stderr
    assert children.split() and not any(pathlib.Path(f"/proc/{pid}").exists()
                                        for pid in children.split())
    assert cache_files(tmp_path) == []


@pytest.mark.parametrize("words, code, says", [
    (["--device", "gpu"], 2, "cuda:0"),
    (["--device", "cuda:3"], 3, "cuda:3"),
    (["--threads", 0], 2, "--threads"),
    (["--threads", "many"], 2, "--threads"),
    (["--cores", "60000"], 2, "60000"),
    (["--cores", "5-2"], 2, "5-2"),
    (["--seconds", 0], 2, "--seconds"),
    (["--seconds", "nan"], 2, "--seconds"),
    (["extra"], 2, "extra"),
])
def test_wrong_usage_is_one_line(peaks, tmp_path, words, code, says):
    done = peaks(*words)
    assert_one_clear_line(done, code=code)
    assert says in done.stderr and done.stdout == ""
    assert cache_files(tmp_path) == []


def test_an_engine_that_is_not_installed_is_of_the_environment():
    done = ridgeline("peaks", "--engine", "nonsense", check=False)
    assert_one_clear_line(done, code=3)
    assert "nonsense" in done.stderr


def test_power_is_read_under_the_load_of_a_probe(peaks, monkeypatch):
    sensor = {"id": "package-0", "kind": "energy", "scope": "package", "power": 42.0,
              "period": 0.001, "resolution": 6.1e-5}
    monkeypatch.setenv("RIDGELINE_SENSOR_SCRIPT", json.dumps({"domains": [sensor]}))
    done = peaks("--power", "--json", "--threads", 2,
                 script={"probes": [{"kind": "read", "value": 2e10}]})
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    read = ceiling(shown, "read")
    assert read["power"] == pytest.approx(42.0, rel=0.01)
    assert ceiling(shown, "write")["power"] is None
    text = peaks("--power", "--threads", 2).stdout  # remembered: nothing is read again
    assert "42.0 W" in text
