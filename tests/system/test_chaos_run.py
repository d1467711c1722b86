"""Workers that die, hang up, lie and flood: the run ends, the rest is whole, nothing is left."""

import pytest

from support.program import BIN
from support.scripted import Run, metric, run_to_end, script

# What the record must say of each kind: the class of the error and a part of the reason.
FAULTS = {
    "crash": ("crash", "SIGSEGV"),
    "abort": ("crash", "SIGABRT"),
    "exit": ("crash", "exited with status 3"),
    "sigkill_self": ("crash", "SIGKILL"),
    "half_line": ("crash", "exited with status 0"),
    "garbage": ("protocol", "garbage"),
    "nan": ("protocol", "not valid JSON"),
    "non_object": ("protocol", "[1,2,3]"),
    "wrong_id": ("protocol", "answered request"),
    "wrong_name": ("protocol", "replied 'something'"),
    "huge_line": ("protocol", "longer than 16 MiB"),
    "close_pipe": ("protocol", "closed its pipe"),
    "error": ("internal", "the script asked for an error"),
    "oom": ("oom.device", "device memory is exhausted"),
    "bad_alloc": ("oom.host", "host memory is exhausted"),
}
# Trying these again cannot help.
FINAL = {"oom.device", "oom.host"}
WORDS = ("--budget", "10s", "--invocations", "3")


def assert_whole(record):
    assert record["outcome"] == {"status": "ok", "class": None, "reason": None, "remedy": None}
    assert record["stop_rule"]["invocations_done"] == 3
    assert abs(metric(record, "latency")["value"] - 0.001) < 1e-12


def assert_failed(record, kind, message):
    error_class, reason = FAULTS[kind]
    outcome = record["outcome"]
    assert outcome["status"] == "failed"
    assert outcome["class"] == error_class
    assert reason in outcome["reason"]
    if error_class in ("crash", "protocol"):
        assert f"during '{message}'" in outcome["reason"]
    assert record["stop_rule"]["ended_by"] == "failures"
    # Twice in a row is enough, once where it would only happen again.
    assert record["stop_rule"]["invocations_done"] == (1 if error_class in FINAL else 2)
    assert record["phases"] == []


@pytest.mark.parametrize("message", ["plan", "run", "cost", "memory"])
@pytest.mark.parametrize("kind", FAULTS)
def test_one_case_fails_and_the_other_of_the_same_process_is_whole(tmp_path, kind, message):
    model = script({"at": message, "kind": kind, "batch": 2})
    records = run_to_end(tmp_path, model, "--batch", "1,2", *WORDS, code=1)
    whole, failed = sorted(records, key=lambda record: record["workload"]["batch"])
    assert_whole(whole)
    assert_failed(failed, kind, message)


@pytest.mark.parametrize("kind", FAULTS)
def test_one_configuration_cannot_load_and_the_other_is_whole(tmp_path, kind):
    model = script({"at": "load", "kind": kind})
    records = run_to_end(tmp_path, script(), model, *WORDS, code=1)
    whole, failed = sorted(records, key=lambda record: record["outcome"]["status"], reverse=True)
    assert_whole(whole)
    assert_failed(failed, kind, "load")
    assert failed["model"] is None


def engine(tmp_path, name, fault):
    """A program that starts the scripted engine with a fault at its very first message."""
    program = tmp_path / name
    program.write_text(
        f"#!/bin/sh\nexec {BIN}/ridgeline-engine-scripted --script '{script(fault)}'\n"
    )
    program.chmod(0o755)
    return program


@pytest.mark.parametrize("kind", ["crash", "exit", "garbage", "huge_line", "close_pipe", "error"])
def test_an_engine_that_cannot_say_hello_does_not_stop_another(tmp_path, kind):
    bad = engine(tmp_path, "bad-engine", {"at": "hello", "kind": kind})
    words = (script(), "--engine", f"scripted,{bad}", *WORDS)
    records = run_to_end(tmp_path, *words, code=1, engine=None)
    by_engine = {record["configuration"]["engine"]: record for record in records}
    assert_whole(by_engine["scripted"])
    assert_failed(by_engine[str(bad)], kind, "hello")
    assert by_engine[str(bad)]["engine"] is None


@pytest.mark.parametrize("content", ["#!/nowhere/python\n", "\x7fELF nonsense", "exit 0\n"])
def test_a_program_that_is_no_engine_does_not_stop_another(tmp_path, content):
    bad = tmp_path / "bad-engine"
    bad.write_text(content)
    bad.chmod(0o755)
    words = (script(), "--engine", f"scripted,{bad}", *WORDS)
    records = run_to_end(tmp_path, *words, code=1, engine=None)
    by_engine = {record["configuration"]["engine"]: record for record in records}
    assert_whole(by_engine["scripted"])
    assert by_engine[str(bad)]["outcome"]["status"] == "failed"
    assert by_engine[str(bad)]["outcome"]["class"] in ("crash", "environment")


@pytest.mark.parametrize("kind", [*FAULTS, "flood_stdout"])
def test_how_a_worker_goes_does_not_change_what_it_measured(tmp_path, kind):
    model = script({"at": "quit", "kind": kind})
    for record in run_to_end(tmp_path, model, "--batch", "1,2", *WORDS):
        assert_whole(record)


def test_a_worker_that_hangs_at_quit_is_ended(tmp_path):
    model = script({"at": "quit", "kind": "hang"})
    (record,) = run_to_end(tmp_path, model, "--budget", "10s", "--invocations", "1")
    assert record["outcome"]["status"] == "ok"


@pytest.mark.parametrize("message", ["load", "plan", "run", "memory"])
def test_a_flood_on_stdout_is_cut_in_the_log_and_harms_nothing(tmp_path, message):
    fault = {"at": message, "kind": "flood_stdout", "bytes": 50_000_000, "times": 1}
    (record,) = run_to_end(tmp_path, script(fault), *WORDS)
    assert_whole(record)
    logs = [log.read_text() for log in sorted((tmp_path / "run/logs").iterdir())]
    assert len(logs) == 3
    assert max(map(len, logs)) < 5_000_000
    assert "bytes left out" in logs[0]


@pytest.mark.parametrize("kind", ["crash", "garbage", "error", "close_pipe"])
def test_one_bad_process_of_three_is_partial_and_the_others_count(tmp_path, kind):
    model = script({"at": "run", "kind": kind, "invocation": 1, "batch": 2})
    records = run_to_end(tmp_path, model, "--batch", "1,2", *WORDS, code=1)
    whole, partial = sorted(records, key=lambda record: record["workload"]["batch"])
    assert_whole(whole)
    error_class, reason = FAULTS[kind]
    assert partial["outcome"]["status"] == "partial"
    assert partial["outcome"]["class"] == error_class
    assert partial["outcome"]["reason"].startswith("1 of 3 invocations failed: ")
    assert reason in partial["outcome"]["reason"]
    states = [part["outcome"]["status"] for part in partial["invocations"]]
    assert states == ["ok", "failed", "ok"]
    assert abs(metric(partial, "latency")["value"] - 0.001) < 1e-12


@pytest.mark.parametrize("call", [0, 5, 300])
def test_a_crash_in_the_first_call_the_warm_up_and_the_timing(tmp_path, call):
    """`call` counts within one request: the first calls, a block and a chunk are ever longer."""
    fault = {"at": "run", "kind": "crash", "phase": "forward", "call": call, "batch": 2}
    words = ("--batch", "1,2", "--budget", "60s", "--invocations", "3")
    records = run_to_end(tmp_path, script(fault), *words, code=1)
    whole, failed = sorted(records, key=lambda record: record["workload"]["batch"])
    assert_whole(whole)
    assert_failed(failed, "crash", "run")


def test_a_slow_worker_is_not_a_hung_one(tmp_path):
    fault = {"at": "plan", "kind": "slow", "duration_ns": 1_500_000_000, "invocation": 0}
    (record,) = run_to_end(tmp_path, script(fault), *WORDS)
    assert record["outcome"]["status"] == "ok"


def test_a_run_folder_that_cannot_be_made_is_of_the_environment():
    with Run(script(), "--budget", "5s", "--output", "/proc/nowhere") as run:
        assert run.finish() == 3
        run.assert_left_nothing()
    assert len(run.stderr.splitlines()) == 1
    assert run.stderr.startswith("ridgeline: ")
