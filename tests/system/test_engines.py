"""Several engines in one run: exactly known durations must come out as exactly known speed-ups."""

import json
import math
import shutil
import statistics
import subprocess

import pytest

from support import schema
from support.fake_engine import fake_engine, requests_to, transformers_engine
from support.folder import bert_folder
from support.program import BIN, ROOT, assert_one_clear_line, ridgeline
from support.schema import validate_file
from support.scripted import Run, metric, run_to_end, script
from test_energy import WATTS, sensors

T_975 = {1: 12.7062, 2: 4.30265, 4: 2.77645}  # Student's t by degrees of freedom


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def engine(folder, name, text):
    """The scripted engine under another name, with a script of its own for the model `scripted`."""
    program = folder / name
    program.write_text(
        f"#!/bin/sh\nRIDGELINE_SCRIPT='{text}' exec '{BIN}/ridgeline-engine-scripted'\n"
    )
    program.chmod(0o755)
    return str(program)


def of_forward(clock="virtual", **fields):
    return script(clock=clock, phases={"forward": fields})


def side_by_side(tmp_path, engines, *args, environment=None):
    """Records and comparisons that `run --json` prints."""
    words = ["scripted", "--engine", ",".join(engines), "--json", "--quiet", *args]
    with Run(*words, "--output", tmp_path / "run", engine=None, environment=environment) as run:
        assert run.finish() in (0, 1), run.stderr
        lines = [json.loads(line) for line in run.stdout.splitlines()]
    for line in lines:
        schema.validate(line, "record" if line["schema"] == "ridgeline/1" else "comparison")
    split = len([line for line in lines if line["schema"] == "ridgeline/1"])
    assert lines[:split] == validate_file(tmp_path / "run" / "records.jsonl")
    return lines[:split], lines[split:]


# --- speed-up -----------------------------------------------------------------------------------


def test_known_durations_are_a_known_speed_up(tmp_path):
    """Both engines see the same spread between processes, as on one machine that warms up: the
    latencies scatter by 5 %, the ratio of the pairs does not."""
    slow = engine(tmp_path, "slow", of_forward(duration_ns=5e6, process_spread=0.05))
    fast = engine(tmp_path, "fast", of_forward(duration_ns=2e6, process_spread=0.05))
    records, (comparison,) = side_by_side(tmp_path, [slow, fast], "--budget", "20s")
    assert [row["engine"] for row in comparison["rows"]] == [slow, fast]
    base, row = comparison["rows"]
    assert comparison["baseline"] == slow and base["is_baseline"]
    assert row["speedup"]["value"] == pytest.approx(2.5, rel=1e-6)
    assert row["speedup"]["ci95"] == pytest.approx([2.5, 2.5], rel=1e-6)
    assert row["speedup"]["method"] == "paired_t" and row["speedup"]["n"] == [5, 5]
    low, high = row["latency"]["ci95"]
    assert (high - low) / row["latency"]["value"] > 0.02
    assert {record["configuration"]["engine"] for record in records} == {slow, fast}


def test_the_interval_is_a_t_interval_over_log_ratios(tmp_path):
    slow = engine(tmp_path, "slow", script(seed=1, phases={"forward": {
        "duration_ns": 5e6, "process_spread": 0.05}}))
    fast = engine(tmp_path, "fast", script(seed=2, phases={"forward": {
        "duration_ns": 2e6, "process_spread": 0.05}}))
    records, (comparison,) = side_by_side(tmp_path, [slow, fast], "--budget", "20s")
    medians = {record["configuration"]["engine"]:
               [part["phases"]["forward"]["median"] for part in record["invocations"]]
               for record in records}
    logs = [math.log(a / b) for a, b in zip(medians[slow], medians[fast])]
    half = T_975[4] * statistics.stdev(logs) / math.sqrt(5)
    ratio = comparison["rows"][1]["speedup"]
    assert ratio["value"] == pytest.approx(math.exp(statistics.fmean(logs)), rel=1e-6)
    assert ratio["ci95"] == pytest.approx(
        [ratio["value"] * math.exp(-half), ratio["value"] * math.exp(half)], rel=1e-4)
    assert ratio["ci95"][0] < 2.5 < ratio["ci95"][1] and ratio["detectable"] > 0.02


def test_one_invocation_has_no_interval_and_says_so(tmp_path):
    slow = engine(tmp_path, "slow", of_forward(duration_ns=3e6))
    fast = engine(tmp_path, "fast", of_forward(duration_ns=1e6))
    words = ["scripted", "--engine", f"{slow},{fast}", "--invocations", 1, "--budget", "5s"]
    text = ridgeline("run", *words, "--quiet", "--output", tmp_path / "run").stdout
    table = text.split("side by side")[1]
    assert "| slow" in table and "| fast" in table
    assert "3.000×*" in table and "baseline" in table
    assert "one invocation only" in table


@pytest.mark.parametrize("baseline, ratios", [(None, [3, None, 2]), ("fast", [1.5, 0.5, None])])
def test_the_baseline_is_the_first_engine_but_native_or_the_one_that_is_named(
        tmp_path, baseline, ratios):
    engines = [engine(tmp_path, name, of_forward(duration_ns=ns))
               for name, ns in (("native", 2e6), ("slow", 6e6), ("fast", 3e6))]
    # A path is not called native, so the first one would be the baseline.
    words = ["--baseline", engines[1] if baseline is None else str(tmp_path / baseline)]
    _, (comparison,) = side_by_side(tmp_path, engines, *words, "--budget", "10s")
    assert [row["engine"] for row in comparison["rows"]] == engines
    found = [row["speedup"]["value"] for row in comparison["rows"]]
    assert found == [ratio if ratio is None else pytest.approx(ratio) for ratio in ratios]


def test_engines_that_did_other_work_are_given_no_ratio(tmp_path):
    one = engine(tmp_path, "one", script(parameters=1000, phases={"forward": {}}))
    two = engine(tmp_path, "two", script(parameters=2000, phases={"forward": {}}))
    _, (comparison,) = side_by_side(tmp_path, [one, two], "--budget", "5s")
    ratio = comparison["rows"][1]["speedup"]
    assert ratio["value"] is None
    assert ratio["reason"] == "another number of parameters: 1000 and 2000"


def test_an_engine_that_fails_leaves_the_others_with_a_reason(tmp_path):
    bad = engine(tmp_path, "bad", script({"at": "plan", "kind": "error", "class": "unsupported"}))
    good = engine(tmp_path, "good", of_forward(duration_ns=1e6))
    _, (comparison,) = side_by_side(tmp_path, [bad, good], "--budget", "5s")
    assert comparison["rows"][1]["speedup"]["reason"] == f"{bad} failed: unsupported"


def test_one_engine_is_compared_with_nothing(tmp_path):
    one = engine(tmp_path, "one", of_forward(duration_ns=1e6))
    records, comparisons = side_by_side(tmp_path, [one], "--budget", "5s")
    assert len(records) == 1 and comparisons == []


def test_a_resumed_run_prints_the_comparison_again(tmp_path):
    slow = engine(tmp_path, "slow", of_forward(duration_ns=5e6))
    fast = engine(tmp_path, "fast", of_forward(duration_ns=2e6))
    _, before = side_by_side(tmp_path, [slow, fast], "--budget", "5s")
    done = ridgeline("run", "--resume", tmp_path / "run", "--json", "--quiet")
    assert [json.loads(line) for line in done.stdout.splitlines()][2:] == before


# --- interleaving -------------------------------------------------------------------------------


def test_invocations_of_compared_engines_alternate(tmp_path):
    """ABBA by process: what the workers of both sides log tells the order in which they started."""
    log = tmp_path / "order"
    programs = []
    for name in ("a", "b"):
        program = tmp_path / name
        program.write_text(
            f"#!/bin/sh\necho {name} >> {log}\nexec '{BIN}/ridgeline-engine-scripted'\n")
        program.chmod(0o755)
        programs.append(str(program))
    words = ["--engine", ",".join(programs), "--batch", "1,2", "--budget", "20s", "--quiet"]
    with Run(script(), *words, "--output", tmp_path / "run", engine=None) as run:
        assert run.finish() == 0, run.stderr
    order = log.read_text().split()
    first, second = order[:2]
    assert {first, second} == {"a", "b"}
    assert order == [first, second, second, first, first, second, second, first, first, second]


# --- energy -------------------------------------------------------------------------------------


def test_known_watts_and_durations_are_a_known_energy_ratio(tmp_path):
    slow = engine(tmp_path, "slow", of_forward(clock="real", duration_ns=8e6))
    fast = engine(tmp_path, "fast", of_forward(clock="real", duration_ns=2e6))
    words = ["--budget", "2s", "--invocations", "1", "--metrics", "time,energy",
             "--energy-window", "400ms", "--energy-trials", "3"]
    records, (comparison,) = side_by_side(
        tmp_path, [slow, fast], *words, environment=sensors())
    row = comparison["rows"][1]
    assert row["energy"]["value"] == pytest.approx(WATTS * 0.002, rel=0.15)
    # A call of 2 ms has more of the time between calls in it than one of 8 ms.
    assert row["energy_ratio"]["value"] == pytest.approx(0.25, rel=0.15)
    assert row["energy_ratio"]["method"] == "welch_t" and row["energy_ratio"]["n"] == [3, 3]
    low, high = row["energy_ratio"]["ci95"]
    assert low < row["energy_ratio"]["value"] < high
    assert all(metric(record, "energy.gross")["value"] for record in records)


# --- modes, Python, cost ------------------------------------------------------------------------


def test_a_mode_is_part_of_what_runs_and_stands_in_the_record(tmp_path):
    records = run_to_end(tmp_path, script(), "--engine", "scripted,scripted:quick",
                         "--budget", "5s", engine=None)
    modes = {record["configuration"]["engine"]: record["engine"]["mode"] for record in records}
    assert modes == {"scripted": None, "scripted:quick": "quick"}
    assert len({record["id"] for record in records}) == 2


def test_ids_without_a_mode_are_those_of_before():
    text = ridgeline("run", "bert-base", "--engine", "native,transformers,transformers:compile",
                     "--threads", 2, "--dry-run").stdout
    assert [line.split()[0] for line in text.splitlines()[:2]] == [
        "79b31cf533c5e3fb", "c1db1c8c7a2ca501"]
    assert "3 cases of 3 configurations" in text


def test_the_native_engine_has_no_modes(tmp_path):
    done = ridgeline("forward", "bert-base", "--engine", "native:compile", "--inputs", "/dev/null",
                     "--outputs", tmp_path / "out", check=False)
    assert_one_clear_line(done, code=2)
    assert "no mode 'compile'" in done.stderr


def test_a_worker_gets_mode_config_and_python(tmp_path):
    python = tmp_path / "python"
    python.symlink_to("/bin/sh")
    peer = fake_engine(tmp_path, load={"error": "environment", "message": "no torch here"})
    done = ridgeline("forward", "bert-base", "--engine", f"{peer}:compile", "--engine-python",
                     python, "--inputs", ROOT / "README.md", "--outputs", tmp_path / "out",
                     check=False)
    assert_one_clear_line(done, code=3)
    assert "no torch here" in done.stderr
    load = next(one for one in requests_to(peer) if one["message"] == "load")
    assert load["mode"] == "compile" and load["architecture"] == "BertModel"
    assert load["config"]["model_type"] == "bert" and load["config"]["num_hidden_layers"] == 12


def test_the_python_of_an_engine_reaches_it(tmp_path):
    python = tmp_path / "python"
    python.symlink_to("/bin/sh")
    told = tmp_path / "told"
    program = tmp_path / "engine"
    program.write_text(f"#!/bin/sh\necho \"$RIDGELINE_ENGINE_PYTHON\" > {told}\n"
                       f"exec '{BIN}/ridgeline-engine-scripted'\n")
    program.chmod(0o755)
    run_to_end(tmp_path, script(), "--engine", program, "--engine-python", python,
               "--budget", "5s", engine=None)
    assert told.read_text() == f"{python}\n"


@pytest.mark.parametrize("words", [
    ["run", "bert-base"], ["cost", "bert-base"], ["list", "engines"], ["verify", "bert-base"]])
@pytest.mark.parametrize("python", ["/nowhere/python", "no-such-python", str(ROOT / "README.md")])
def test_a_python_that_is_none_is_wrong_usage(tmp_path, words, python):
    done = ridgeline(*words, "--engine-python", python, check=False, cwd=tmp_path)
    assert_one_clear_line(done, code=2)
    assert "--engine-python" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_baseline_that_is_no_engine_of_the_run_is_wrong_usage(tmp_path):
    done = ridgeline("run", "bert-base", "--baseline", "native:x", check=False, cwd=tmp_path)
    assert_one_clear_line(done, code=2)
    assert "--baseline" in done.stderr


def test_list_shows_the_modes_of_engines_and_those_that_cannot_start(tmp_path):
    """Engines are looked for beside the program."""
    shutil.copy(BIN / "ridgeline", tmp_path / "ridgeline")
    fake_engine(tmp_path, "transformers", modes=["eager", "compile"])
    fake_engine(tmp_path, "bare")
    fake_engine(tmp_path, "broken", hello={"error": "environment", "message": "no torch here"})

    def listed(*words):
        return subprocess.run([tmp_path / "ridgeline", "list", "engines", *words], check=True,
                              capture_output=True, text=True, timeout=60).stdout

    rows = {row["engine"]: row for row in json.loads(listed("--json"))}
    assert rows["transformers"]["modes"] == ["eager", "compile"]
    assert rows["bare"]["modes"] is None and rows["bare"]["unusable"] is None
    assert "no torch here" in rows["broken"]["unusable"]
    assert "| eager, compile |" in listed()


def test_the_cost_that_an_engine_does_not_count_comes_from_native(tmp_path):
    """A file called bert-base is the script of the scripted engine; to native it is the preset."""
    no_cost = script({"at": "cost", "kind": "error", "class": "unsupported"})
    (tmp_path / "bert-base").write_text(no_cost)
    words = ["bert-base", "--engine", "scripted", "--invocations", "2", "--budget", "5s",
             "--quiet", "--output", "run"]
    ridgeline("run", *words, cwd=tmp_path)
    (record,) = validate_file(tmp_path / "run" / "records.jsonl")
    assert record["cost"]["forward"]["flops"] == 22_348_431_360
    assert metric(record, "flops_rate")["value"] > 0
    (flag,) = [flag for flag in record["validity"]["flags"] if flag["id"] == "cost"]
    assert flag["severity"] == "info" and "native engine counts" in flag["detail"]


def test_a_cost_that_nobody_knows_is_null_with_its_reason(tmp_path):
    no_cost = script({"at": "cost", "kind": "error", "class": "unsupported"})
    (record,) = run_to_end(tmp_path, no_cost, "--invocations", "2", "--budget", "5s")
    assert record["cost"] == {}
    for name in ("flops_rate", "mfu", "mbu"):
        reason = metric(record, name)["reason"]
        assert "scripted: " in reason and "nor does the native engine" in reason


def test_a_cost_that_was_not_asked_for_says_so(tmp_path):
    (record,) = run_to_end(tmp_path, script(), "--invocations", "1", "--budget", "5s",
                           "--metrics", "time")
    assert record["cost"] == {}
    for name in ("mfu", "mbu", "traffic.dram"):
        assert "not asked for by --metrics" in metric(record, name)["reason"]


def test_cost_of_an_engine_that_counts_nothing_is_one_clear_line(tmp_path):
    peer = fake_engine(tmp_path, cost={"phases": None})
    done = ridgeline("cost", "bert-base", "--engine", peer, check=False)
    assert_one_clear_line(done, code=2)
    assert "counts no work" in done.stderr


def test_another_error_of_cost_still_fails_the_case(tmp_path):
    run_to_end(tmp_path, script({"at": "cost", "kind": "error", "class": "internal"}),
               "--invocations", "1", "--budget", "5s", code=1)


# --- the real peer ------------------------------------------------------------------------------


def test_native_and_transformers_side_by_side(tmp_path):
    peer = transformers_engine()
    if peer is None:
        pytest.skip("the transformers engine is not there")
    model = bert_folder(tmp_path / "bert")
    words = ["--batch", 2, "--sequence", 16, "--invocations", 2, "--budget", "20s", "--quiet"]
    done = ridgeline("run", model, "--engine", f"native,{peer}", *words, "--json", "--output",
                     tmp_path / "run")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    records = {record["engine"]["name"]: record for record in
               validate_file(tmp_path / "run" / "records.jsonl")}
    (comparison,) = lines[2:]
    schema.validate(comparison, "comparison")
    native, theirs = records["native"], records["transformers"]
    assert comparison["baseline"] == str(peer) and theirs["engine"]["mode"] == "eager"
    row = next(row for row in comparison["rows"] if row["engine"] == "native")
    assert row["speedup"]["value"] > 0  # how many invocations it rests on depends on the machine
    # The same inputs, and the work that native counts for both.
    assert native["digest"]["inputs"] == theirs["digest"]["inputs"]
    assert native["cost"]["forward"]["flops"] == theirs["cost"]["forward"]["flops"]
    assert native["model"]["parameters"] == theirs["model"]["parameters"]
