"""`ridgeline compare`: verdicts of runs with exactly known durations, the gate, what is refused."""

import json
import os
import shutil

import pytest

from support import schema
from support.program import assert_one_clear_line, ridgeline
from support.scripted import run_to_end, script

DURATION = 2_000_000
JOULES = [4.0, 4.01, 3.99, 4.0]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Makes runs of one model reference: a script file whose content changes between them."""
    root = tmp_path_factory.mktemp("runs")
    reference = root / "script.json"

    def run(name, *args, factor=1, seed=1, code=0, faults=(), **fields):
        phase = {"duration_ns": round(DURATION * factor), "process_spread": 0.002,
                 "noise": {"kind": "ar1", "rho": 0.5, "sigma": 0.01, "seed": seed}}
        reference.write_text(script(*faults, seed=seed, phases={"forward": phase}, **fields))
        folder = root / name
        (folder / "made").mkdir(parents=True)
        run_to_end(folder / "made", reference, "--budget", "5s", *args, code=code)
        return folder / "made" / "run"

    return run


@pytest.fixture(scope="module")
def base(runs):
    return runs("base", "--invocations", "5")


@pytest.fixture(scope="module")
def slower(runs):
    """5 % slower than base."""
    return runs("slower", "--invocations", "5", factor=1.05, seed=2)


def compare(*args, code=0, **options):
    """The JSON of a comparison, checked against its schema, and the exit code."""
    done = ridgeline("compare", *args, "--json", check=False, **options)
    assert done.returncode == code, done.stderr + done.stdout
    assert done.stderr == ""
    comparison = json.loads(done.stdout)
    schema.validate(comparison, "run-comparison")
    counted = [one["verdict"] for case in comparison["cases"] for one in case["comparisons"]]
    for verdict in ("FASTER", "SLOWER", "SAME", "UNDECIDED"):
        assert comparison["summary"][verdict] == counted.count(verdict)
    assert comparison["summary"]["comparisons"] == len(counted)
    return comparison


def metric(comparison, name="latency", phase="forward", case=0):
    (found,) = [one for one in comparison["cases"][case]["comparisons"]
                if one["metric"] == name and one["phase"] == phase]
    return found


def records_of(path):
    return [json.loads(line) for line in (path / "records.jsonl").read_text().splitlines()]


def changed(path, folder, change):
    """A .jsonl file with the records of a run after a change to each."""
    records = records_of(path)
    for record in records:
        change(record)
    file = folder / f"{len(list(folder.iterdir()))}.jsonl"
    file.write_text("".join(json.dumps(record) + "\n" for record in records))
    return file


# --- verdicts -----------------------------------------------------------------------------------


def test_a_planted_slowdown_is_found(base, slower):
    comparison = compare(base, slower)
    latency = metric(comparison)
    assert latency["verdict"] == "SLOWER"
    assert latency["effect"] == pytest.approx(0.05, abs=0.005)
    assert latency["interval"][0] < latency["effect"] < latency["interval"][1]
    assert latency["base"]["value"] == pytest.approx(0.002, rel=0.005)
    assert latency["base"]["n"] == latency["new"]["n"] == 5
    assert latency["p"] <= latency["p_holm"] <= 0.05
    assert 0.01 < latency["finds"] < 0.05 and latency["needs"] >= 2
    assert metric(comparison, "memory.peak", None)["verdict"] == "SAME"
    assert "synthetic weights" in " ".join(comparison["notes"])


def test_the_other_way_round_it_is_faster(base, slower):
    there, back = metric(compare(base, slower)), metric(compare(slower, base))
    assert back["verdict"] == "FASTER"
    assert (1 + there["effect"]) * (1 + back["effect"]) == pytest.approx(1)
    assert there["p"] == pytest.approx(back["p"])


def test_equal_runs_are_the_same(runs, base):
    comparison = compare(base, runs("again", "--invocations", "5", seed=3), "--fail-on",
                         "slower,energy,memory,undecided,missing")
    assert metric(comparison)["verdict"] == "SAME"
    assert comparison["gate"] == {"fail_on": "slower,energy,memory,undecided,missing",
                                  "tripped": False, "reasons": []}


def test_a_run_is_the_same_as_itself(base):
    assert compare(base, base / "records.jsonl")["summary"]["SAME"] == 2


def test_one_invocation_decides_nothing(runs, base):
    comparison = compare(base, runs("single", "--invocations", "1", factor=2))
    latency = metric(comparison)
    assert latency["verdict"] == "UNDECIDED" and latency["interval"] is None
    assert latency["effect"] == pytest.approx(1, abs=0.02)
    assert "NEW: one invocation" in latency["reason"]


def test_the_margin_is_what_it_is_judged_by(base, slower):
    assert metric(compare(base, slower, "--margin", "10%"))["verdict"] == "SAME"
    assert metric(compare(base, slower, "--margin", "5%"))["verdict"] == "UNDECIDED"
    wide = metric(compare(base, slower, "--confidence", "99.9%"))["interval"]
    narrow = metric(compare(base, slower, "--confidence", "0.8"))["interval"]
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


def test_other_metrics_are_compared_when_asked(base, slower):
    comparison = compare(base, slower, "--metrics", "throughput.token,load", "--metrics", "latency")
    names = [one["metric"] for one in comparison["cases"][0]["comparisons"]]
    assert names == ["throughput.token", "latency", "load.total"]
    rate = metric(comparison, "throughput.token")
    assert rate["verdict"] == "SLOWER" and rate["better"] == "higher"
    assert rate["effect"] == pytest.approx(1 / 1.05 - 1, abs=0.005)


def test_joules_are_compared_by_trials_and_processes(base, tmp_path):
    def with_joules(factor):
        def change(record):
            record["phases"][0]["energy"] = {
                "boundary": "package", "device": None,
                "trials": [{"joules": factor * joules} for joules in JOULES]}
        return changed(base, tmp_path, change)

    ours, theirs = with_joules(1), with_joules(1.1)
    name = "energy_per_sequence.gross"
    more = metric(compare(ours, theirs, "--fail-on", "energy:5%", code=1), name)
    assert more["verdict"] == "SLOWER" and more["group"] == "energy"
    assert more["method"] == "welch_trials"
    assert metric(compare(ours, theirs, "--fail-on", "slower"), name)["verdict"] == "SLOWER"
    text = ridgeline("compare", ours, theirs).stdout
    assert "SLOWER (more)" in text and "FASTER (less)" in ridgeline("compare", theirs, ours).stdout
    assert metric(compare(ours, base), name)["reason"].startswith("NEW: ")


# --- which cases belong together -----------------------------------------------------------------


def test_cases_are_matched_whatever_their_order(runs):
    ours = runs("batches", "--invocations", "3", "--batch", "1,2,4")
    theirs = runs("batches_again", "--invocations", "3", "--batch", "4,2,1", seed=4)
    comparison = compare(ours, theirs)
    assert [case["workload"]["batch"] for case in comparison["cases"]] == [1, 2, 4]
    assert comparison["settings"]["family"] == 3
    assert comparison["unmatched"] == {"base": [], "new": []}


def test_what_has_no_partner_is_named_with_the_nearest(runs, base):
    other = runs("other_batch", "--invocations", "3", "--batch", "8")
    comparison = compare(base, other)
    assert comparison["cases"] == [] and comparison["notes"][0] == "nothing could be compared"
    (ours,), (theirs,) = comparison["unmatched"]["base"], comparison["unmatched"]["new"]
    assert ours["nearest"]["differs"][0] == {"member": "batch", "base": "1", "new": "8"}
    assert theirs["nearest"]["id"] == ours["id"]
    compare(base, other, "--fail-on", "slower", code=1)
    text = ridgeline("compare", base, other).stdout
    assert "only in BASE: " in text and "(batch: 1 → 8)" in text
    across = compare(base, other, "--across", "batch")
    assert {"member": "batch", "base": "1", "new": "8"} in across["cases"][0]["ignored"]
    assert "another work a call" in metric(across)["reason"]


def test_several_that_fit_are_not_guessed(runs, base):
    two = runs("two", "--invocations", "3", "--batch", "1,2")
    assert len(compare(base, two)["cases"]) == 1
    comparison = compare(base, two, "--across", "batch")
    assert comparison["cases"] == []
    (group,) = comparison["ambiguous"]
    assert len(group["base"]) == 1 and len(group["new"]) == 2
    assert "batch" in group["members"]
    assert "several fit: " in ridgeline("compare", base, two, "--across", "batch").stdout


def test_two_settings_of_a_knob_are_compared_across_it(runs, base):
    turbo = runs("turbo", "--invocations", "5", "--optimize", "turbo=on",
                 knobs={"turbo": {"stage": "plan", "values": ["off", "on"], "default": "off",
                                  "factor": 0.8, "lossless": True}})
    assert compare(base, turbo)["cases"] == []
    comparison = compare(base, turbo, "--across", "optimize")
    assert metric(comparison)["verdict"] == "FASTER"
    assert metric(comparison)["effect"] == pytest.approx(-0.2, abs=0.01)
    assert comparison["cases"][0]["ignored"] == [
        {"member": "optimize", "base": "nothing", "new": "turbo=on"}]


# --- machines and versions ------------------------------------------------------------------------


def test_unlike_machines_are_refused_unless_told(base, tmp_path):
    def elsewhere(record):
        record["machine"]["fingerprint"] = "0" * 16
        record["machine"]["cpu"]["model"] = "Another CPU"

    other = changed(base, tmp_path, elsewhere)
    done = ridgeline("compare", base, other, check=False)
    assert_one_clear_line(done, code=2)
    assert "cpu.model is " in done.stderr and "--across machine" in done.stderr
    comparison = compare(base, other, "--across", "machine")
    assert metric(comparison)["verdict"] == "SAME"
    assert comparison["machines"][0]["new"] == "Another CPU"


def test_other_versions_are_named(base, tmp_path):
    def newer(record):
        record["ridgeline"]["version"] = "9.9"
        record["engine"]["versions"]["scripted"] = "9.9"

    comparison = compare(base, changed(base, tmp_path, newer), "--across", "version")
    assert [one["member"] for one in comparison["changed"]] == ["ridgeline", "scripted"]
    text = ridgeline("compare", base, changed(base, tmp_path, newer)).stdout
    assert "ridgeline: 0." in text and "→ 9.9" in text


# --- the gate ----------------------------------------------------------------------------------


@pytest.mark.parametrize("spec, code", [
    ("slower", 1), ("slower:3%", 1), ("slower:20%", 0), ("energy,memory", 0), ("undecided", 0),
    ("missing", 0), ("slower:20%,undecided,missing", 0)])
def test_the_gate(base, slower, spec, code):
    comparison = compare(base, slower, "--fail-on", spec, code=code)
    assert comparison["gate"]["tripped"] == bool(code)
    text = ridgeline("compare", base, slower, "--fail-on", spec, check=False).stdout
    assert ("gate     FAILED" if code else "gate     passed") in text


def test_memory_is_compared_to_the_byte(base, tmp_path):
    def more(record):
        record["memory"]["metrics"]["peak"]["value"] *= 1.08

    comparison = compare(base, changed(base, tmp_path, more), "--fail-on", "memory:5%", code=1)
    peak = metric(comparison, "memory.peak", None)
    assert peak["method"] == "exact" and peak["interval"] is None
    assert peak["effect"] == pytest.approx(0.08)


def test_a_case_that_fails_now_trips_every_gate(runs, base):
    broken = runs("broken", "--invocations", "2", code=1,
                  faults=[{"at": "run", "kind": "crash"}])
    comparison = compare(base, broken, "--fail-on", "memory:50%", code=1)
    assert comparison["cases"][0]["newly_failed"]
    assert "failed in NEW only" in comparison["gate"]["reasons"][0]
    assert compare(base, broken)["gate"] is None
    assert "crash" in ridgeline("compare", base, broken).stdout


def test_a_missing_case_trips_when_asked(runs, base):
    two = runs("one_more", "--invocations", "3", "--batch", "1,2")
    compare(two, base, "--fail-on", "slower:50%")
    comparison = compare(two, base, "--fail-on", "missing", code=1)
    assert "missing in NEW" in comparison["gate"]["reasons"][0]


# --- wrong usage and damage ---------------------------------------------------------------------


@pytest.mark.parametrize("words, says", [
    (["--fail-on", "slowr:5%"], "did you mean slower?"), (["--fail-on", "slower:5"], "write 5%"),
    (["--fail-on", ""], "a part is empty"), (["--across", "engin"], "did you mean engine?"),
    (["--metrics", "latncy"], "did you mean latency?"), (["--margin", "0"], "--margin"),
    (["--confidence", "1"], "--confidence"), (["--format", "html"], "write table"),
    (["--json", "--format", "markdown"], "contradict"), (["--nonsense"], None), (["third"], None)])
def test_wrong_words_are_told(base, words, says):
    done = ridgeline("compare", base, base, *words, check=False)
    assert_one_clear_line(done, code=2)
    assert says is None or says in done.stderr


def test_a_missing_file_is_told(base, tmp_path):
    for missing in (tmp_path / "nowhere", tmp_path):  # tmp_path is a folder without a run
        for pair in ((base, missing), (missing, base)):
            done = ridgeline("compare", *pair, check=False)
            assert_one_clear_line(done, code=2)
            assert "cannot read" in done.stderr


def test_a_damaged_folder_is_told(base, tmp_path):
    folder = tmp_path / "damaged"
    shutil.copytree(base, folder)
    records = folder / "records.jsonl"
    text = records.read_text()
    for damage, says in ((text.replace("{", "[", 1), "records.jsonl:1"),
                         (text.replace("ridgeline/1", "ridgeline/7"), "ridgeline/7"),
                         ("", "has no records"), (text[: len(text) // 2], "has no records")):
        records.write_text(damage)
        done = ridgeline("compare", base, folder, check=False)
        assert_one_clear_line(done, code=2)
        assert says in done.stderr
    os.remove(records)
    assert_one_clear_line(ridgeline("compare", folder, base, check=False), code=2)


def test_records_that_say_little_are_borne(base, tmp_path):
    """What is missing or of a wrong type is not compared; nothing breaks."""
    for part in ("machine", "engine", "model", "workload", "configuration", "optimizations",
                 "invocations", "phases", "memory", "validity", "id"):
        for value in (None, [], "x", 7, {"phases": 1}, [{"name": {}}]):
            if part == "id" and not isinstance(value, str):
                continue
            odd = changed(base, tmp_path, lambda record: record.update({part: value}))
            for pair in ((base, odd), (odd, base), (odd, odd)):
                done = ridgeline("compare", *pair, "--json", check=False)
                assert done.returncode == 0, (part, value, done.stderr)
                json.loads(done.stdout)


# --- how it is shown ---------------------------------------------------------------------------


def test_the_table_says_what_was_compared(base, slower):
    lines = ridgeline("compare", base, slower).stdout.splitlines()
    assert lines[0].startswith(f"base     {base} (1 case")
    row = next(line for line in lines if "| latency" in line)
    assert "SLOWER" in row and " ms" in row and "| 5/5 |" in row.replace("  ", " ")
    assert "result   2 comparisons: 0 FASTER, 1 SLOWER, 1 SAME, 0 UNDECIDED" in lines


def test_markdown_is_safe_to_post(base, slower, tmp_path):
    evil = "<script>alert(1)</script> @all [x](http://a) `b` |c|"

    def rename(record):
        record["configuration"]["model"] = record["model"]["reference"] = evil
        record["phases"][0]["name"] = "forward"

    ours, theirs = changed(base, tmp_path, rename), changed(slower, tmp_path, rename)
    text = ridgeline("compare", ours, theirs, "--format", "markdown", "--fail-on", "slower",
                     check=False).stdout
    assert text.startswith("### 2 comparisons: 0 FASTER, 1 SLOWER, 1 SAME, 0 UNDECIDED\n")
    assert "**failed**" in text and "**SLOWER**" in text
    assert "<script" not in text and "@all" not in text and "[x](" not in text.replace("\\[", "")
    assert text.count("<details>") == text.count("</details>") == 2
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.replace("\\|", "").count("|") for line in table} == {11}


def test_a_terminal_gets_no_control_characters(base, tmp_path):
    def rename(record):
        record["configuration"]["model"] = record["model"]["reference"] = "a\x1b[31m\x07b\u202e"

    odd = changed(base, tmp_path, rename)
    for form in ("table", "markdown"):
        text = ridgeline("compare", odd, odd, "--format", form).stdout
        assert not any(ord(c) < 32 and c != "\n" for c in text) and "\u202e" not in text


def test_output_goes_to_a_file_and_the_table_to_stdout(base, slower, tmp_path):
    file = tmp_path / "comparison.json"
    done = ridgeline("compare", base, slower, "--json", "--output", file, "--fail-on", "slower",
                     check=False)
    assert done.returncode == 1
    assert "gate     FAILED" in done.stdout
    schema.validate(json.loads(file.read_text()), "run-comparison")
    done = ridgeline("compare", base, slower, "--output", tmp_path / "no" / "folder", check=False)
    assert_one_clear_line(done, code=2)


def test_many_cases_take_no_time(base, tmp_path):
    """500 cases a side: matched, judged, and shown within seconds."""
    (record,) = records_of(base)
    lines = []
    for batch in range(1, 501):
        record["workload"]["batch"] = batch
        record["id"] = f"{batch:016x}"
        lines.append(json.dumps(record))
    file = tmp_path / "many.jsonl"
    file.write_text("\n".join(lines) + "\n")
    done = ridgeline("compare", file, file, timeout=20)
    assert "result   1000 comparisons: 0 FASTER, 0 SLOWER, 1000 SAME, 0 UNDECIDED" in done.stdout


def test_a_folder_of_runs_is_one_side(runs, base, slower, tmp_path):
    for name, parts in {"base": [base, runs("more", "--invocations", "3", seed=5)],
                        "new": [slower]}.items():
        for number, part in enumerate(parts):
            shutil.copytree(part, tmp_path / name / str(number))
    latency = metric(compare(tmp_path / "base", tmp_path / "new"))
    assert (latency["base"]["n"], latency["new"]["n"]) == (8, 5)
    assert latency["verdict"] == "SLOWER"
