"""Defects that were once there: each of these was red before it was mended."""

import signal
import time

from support.program import assert_one_clear_line, ridgeline, ridgeline_json
from support.scripted import Run, lines_of, run_to_end, script, wait_until


def test_an_unknown_command_is_named(tmp_path):
    done = ridgeline("mashine", check=False, cwd=tmp_path)
    assert_one_clear_line(done, code=2)
    assert "'mashine'" in done.stderr and "did you mean machine" in done.stderr


def test_a_number_is_no_model(tmp_path):
    plan = tmp_path / "plan.toml"
    plan.write_text("models = true\n")
    done = ridgeline("run", "--plan", plan, "--dry-run", check=False)
    assert_one_clear_line(done, code=2)
    assert ":1:" in done.stderr


def test_a_killed_coordinator_leaves_no_scratch_file(tmp_path):
    with Run(script(clock="real"), "--budget", "20s", "--output", tmp_path / "run") as run:
        wait_until(run.workers, 5, "a worker")
        time.sleep(0.4)
        run.process.kill()
        run.process.wait()
        assert run.scratch_files() == []


def test_ctrl_c_while_a_worker_hangs_at_quit(tmp_path):
    fault = script({"at": "quit", "kind": "hang"})
    with Run(fault, "--budget", "20s", "--output", tmp_path / "run") as run:
        wait_until(run.workers, 5, "a worker")
        time.sleep(0.5)
        begin = time.monotonic()
        run.process.send_signal(signal.SIGINT)
        assert run.finish(30) == 130
        assert time.monotonic() - begin < 5


def test_the_log_of_a_dead_worker_outlives_its_replacement(tmp_path):
    model = script({"at": "plan", "kind": "crash", "batch": 2})
    run_to_end(tmp_path, model, "--batch", "1,2", "--budget", "10s", code=1)
    failed = [
        case["invocation"]
        for line in lines_of(tmp_path / "run/invocations.jsonl")
        for case in line["cases"].values()
        if case["invocation"]["outcome"]["status"] == "failed"
    ]
    for invocation in failed:
        assert "scripted fault crash" in (tmp_path / "run" / invocation["log"]).read_text()


def test_a_case_with_one_dead_process_goes_on_after_ctrl_c(tmp_path):
    folder = tmp_path / "run"
    model = script({"at": "run", "kind": "crash", "invocation": 0}, clock="real")
    with Run(model, "--budget", "20s", "--output", folder) as run:
        wait_until(lambda: lines_of(folder / "invocations.jsonl"), 5, "the first process")
        time.sleep(0.4)
        run.process.send_signal(signal.SIGINT)
        assert run.finish(10) == 130
    ridgeline("run", "--resume", folder, check=False)
    record = lines_of(folder / "records.jsonl")[-1]
    assert record["stop_rule"]["invocations_done"] == record["stop_rule"]["invocations_planned"]


def test_a_constant_call_is_stationary_whatever_its_slice(tmp_path):
    for number, budget in enumerate(("3s", "10s")):
        (tmp_path / str(number)).mkdir()
        (record,) = run_to_end(tmp_path / str(number), script(), "--budget", budget)
        assert "warm-up" not in [flag["id"] for flag in record["validity"]["flags"]]
