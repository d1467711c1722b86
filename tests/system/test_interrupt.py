"""Ctrl-C, kill -9 and going on afterwards: nothing runs on, and what was finished is kept."""

import json
import signal
import time

import pytest

from support.program import assert_one_clear_line, ridgeline
from support.schema import validate, validate_file
from support.scripted import Run, lines_of, metric, script, wait_until

# Sleeps for real: about half a second of timing in each process.
SLOW = script(clock="real")
# Virtual calls of a second: all of its processes end at once, and it is planned with fewer.
QUICK = script(phases={"forward": {"duration_ns": 1_000_000_000}})


def started(folder, *models, invocations=3):
    words = ["--budget", "20s", "--invocations", invocations, "--output", folder]
    return Run(*models, *words)


def wait_for_measuring(run, folder, invocations):
    """Until so many processes are finished and the next one is at work."""
    wait_until(
        lambda: len(lines_of(folder / "invocations.jsonl")) >= invocations,
        30,
        f"{invocations} processes",
    )
    wait_until(run.workers, 5, "the next worker")
    time.sleep(0.2)


def interrupt(run, seconds=5, number=signal.SIGINT):
    begin = time.monotonic()
    run.process.send_signal(number)
    code = run.finish(30)
    assert time.monotonic() - begin < seconds
    run.assert_left_nothing()
    return code



def resume(folder):
    done = ridgeline("run", "--resume", folder, "--json")
    records = [json.loads(line) for line in done.stdout.splitlines()]
    for record in records:
        validate(record)
    return {record["configuration"]["model"]: record for record in records}


def assert_complete(record):
    assert record["outcome"]["status"] == "ok"
    planned = record["stop_rule"]["invocations_planned"]
    assert record["stop_rule"]["invocations_done"] == planned
    assert record["stop_rule"]["ended_by"] == "plan"
    assert [part["index"] for part in record["invocations"]] == list(range(planned))


def test_ctrl_c_keeps_what_is_finished_and_the_run_can_go_on(tmp_path):
    folder = tmp_path / "run"
    with started(folder, SLOW, QUICK, invocations=5) as run:
        wait_until(lambda: lines_of(folder / "records.jsonl"), 30, "the first record")
        wait_until(run.workers, 5, "the next worker")
        time.sleep(0.2)
        assert interrupt(run) == 130
    assert run.stderr.splitlines()[-1].startswith("ridgeline: interrupted; go on with `")
    assert f"ridgeline run --resume {folder}" in run.stderr
    assert "interrupted" in run.stdout

    records = {r["configuration"]["model"]: r for r in validate_file(folder / "records.jsonl")}
    assert_complete(records[QUICK])
    partial = records[SLOW]
    assert partial["outcome"]["status"] == "partial"
    assert partial["outcome"]["class"] == "interrupted"
    assert partial["stop_rule"]["ended_by"] == "interrupted"
    done = partial["stop_rule"]["invocations_done"]
    assert 0 < done < 5 and len(partial["invocations"]) == done

    resumed = resume(folder)
    assert_complete(resumed[SLOW])
    assert len(resumed[SLOW]["invocations"]) == 5
    assert resumed[SLOW]["invocations"][:done] == partial["invocations"]
    assert abs(metric(resumed[SLOW], "latency")["value"] - 0.001) < 0.0002
    assert resumed[QUICK] == records[QUICK]

    size = (folder / "invocations.jsonl").stat().st_size
    assert resume(folder) == resumed
    assert (folder / "invocations.jsonl").stat().st_size == size


def test_sigterm_is_like_ctrl_c(tmp_path):
    with started(tmp_path / "run", SLOW) as run:
        wait_for_measuring(run, tmp_path / "run", 1)
        assert interrupt(run, number=signal.SIGTERM) == 130


def test_ctrl_c_before_anything_is_finished(tmp_path):
    folder = tmp_path / "run"
    with started(folder, SLOW) as run:
        wait_until(run.workers, 5, "a worker")
        assert interrupt(run) == 130
    assert lines_of(folder / "records.jsonl") == []
    assert_complete(resume(folder)[SLOW])


@pytest.mark.parametrize(
    "message, kind",
    [
        ("load", "hang"),
        ("plan", "hang_with_heartbeat"),
        ("run", "hang"),
        ("run", "hang_with_heartbeat"),
        ("cost", "hang"),
        ("stop", "ignore_stop"),
        ("stop", "hang"),
        ("stop", "crash"),
        ("stop", "garbage"),
        ("stop", "huge_line"),
        ("stop", "half_line"),
        ("stop", "close_pipe"),
        ("stop", "flood_stdout"),
    ],
)
def test_ctrl_c_ends_a_worker_that_does_not_listen(tmp_path, message, kind):
    # A long call, so that the signal comes in the middle of it.
    slow_call = {"forward": {"duration_ns": 400_000_000}}
    fault = {"at": message, "kind": kind}
    clock = "virtual" if message == "cost" else "real"
    model = script(fault, clock=clock, phases=slow_call)
    with started(tmp_path / "run", model) as run:
        wait_until(run.workers, 5, "a worker")
        time.sleep(0.5)
        assert run.workers(), run.process.poll()
        assert interrupt(run) == 130
    assert "ridgeline: interrupted" in run.stderr


def test_a_second_ctrl_c_ends_it_at_once(tmp_path):
    with started(tmp_path / "run", script({"at": "run", "kind": "hang"}, clock="real")) as run:
        wait_until(run.workers, 5, "a worker")
        time.sleep(0.3)
        run.process.send_signal(signal.SIGINT)
        time.sleep(0.1)
        run.process.send_signal(signal.SIGINT)
        assert run.process.wait(1) == -signal.SIGINT
        wait_until(lambda: not run.processes(), 3, "the end of the worker")


def test_workers_die_with_a_killed_coordinator_and_the_run_can_go_on(tmp_path):
    folder = tmp_path / "run"
    with started(folder, SLOW) as run:
        wait_for_measuring(run, folder, 1)
        kept = (folder / "invocations.jsonl").read_text()
        run.process.kill()
        wait_until(lambda: not run.processes(), 3, "the end of the worker")
    assert lines_of(folder / "records.jsonl") == []
    record = resume(folder)[SLOW]
    assert_complete(record)
    assert len(record["invocations"]) == 3
    assert (folder / "invocations.jsonl").read_text().startswith(kept)


def test_a_cut_last_line_is_measured_again(tmp_path):
    folder = tmp_path / "run"
    model = script()
    ridgeline("run", model, "--engine", "scripted", "--budget", "10s", "--output", folder)
    (before,) = validate_file(folder / "records.jsonl")
    (folder / "records.jsonl").write_text("")
    whole = (folder / "invocations.jsonl").read_text().splitlines(keepends=True)
    (folder / "invocations.jsonl").write_text("".join(whole[:2]) + whole[2][:100])
    record = resume(folder)[model]
    assert_complete(record)
    assert record["id"] == before["id"]
    assert len(lines_of(folder / "invocations.jsonl")) == len(whole)


def test_a_folder_in_use_is_refused(tmp_path):
    folder = tmp_path / "run"
    with started(folder, SLOW) as run:
        wait_until(run.workers, 5, "a worker")
        new = [SLOW, "--engine", "scripted", "--output", folder]
        for words in (["--resume", folder], new):
            done = ridgeline("run", *words, check=False)
            assert_one_clear_line(done, code=3)
            assert f"in use by another ridgeline, process {run.process.pid}" in done.stderr
        assert run.process.poll() is None
        interrupt(run)


def test_a_folder_of_another_plan_is_refused(tmp_path):
    folder = tmp_path / "run"
    words = ["--engine", "scripted", "--budget", "5s", "--output", folder]
    ridgeline("run", script(), *words)
    before = {path: path.read_bytes() for path in folder.rglob("*.json*")}
    for change in (["--batch", "2"], ["--dtype", "bfloat16"], ["--seed", "7"]):
        done = ridgeline("run", script(), *words, *change, check=False)
        assert_one_clear_line(done, code=2)
        assert "another" in done.stderr and change[0][2:] in done.stderr
    assert {path: path.read_bytes() for path in folder.rglob("*.json*")} == before
    # The same plan is a resumed run with nothing left to do.
    ridgeline("run", script(), *words)
    assert (folder / "records.jsonl").read_bytes() == before[folder / "records.jsonl"]


def test_a_folder_of_someone_else_is_refused(tmp_path):
    (tmp_path / "thesis.txt").write_text("precious")
    words = ["--engine", "scripted", "--budget", "5s", "--output", tmp_path]
    done = ridgeline("run", script(), *words, check=False)
    assert_one_clear_line(done, code=2)
    assert "thesis.txt" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("name", ["plan.json", "records.jsonl", "invocations.jsonl"])
def test_a_broken_run_folder_is_one_line(tmp_path, name):
    folder = tmp_path / "run"
    ridgeline("run", script(), "--engine", "scripted", "--budget", "5s", "--output", folder)
    (folder / name).write_text('{"a":[\n' * 3)
    done = ridgeline("run", "--resume", folder, check=False)
    assert_one_clear_line(done, code=2)
    assert name in done.stderr
