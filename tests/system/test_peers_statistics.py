"""The comparison with transformers (tests/perf): its verdicts, floors, resuming and tables.

No model is run and nothing is timed: a stand-in prints records and comparisons that are made up.
"""

import argparse
import dataclasses
import json
import math
import statistics
import struct
import sys

import pytest

from support.program import ROOT

sys.path.insert(0, str(ROOT / "tests/perf"))

import peer_cases as cases  # noqa: E402
import peer_floors  # noqa: E402
import peer_records as records  # noqa: E402
import peer_runs as runs  # noqa: E402
import peer_setup as setup  # noqa: E402
import peer_table  # noqa: E402
import peer_verdicts as verdicts  # noqa: E402
import peers  # noqa: E402

# --- verdicts -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value, ci95, expected",
    [(1.0, [0.9, 1.03], (verdicts.MET, False)), (1.0, [0.9, 1.0301], (verdicts.UNDECIDED, False)),
     (1.1, [1.03, 1.2], (verdicts.UNDECIDED, False)),
     (1.1, [1.0301, 1.2], (verdicts.NOT_MET, False)),
     (1.03, None, (verdicts.MET, True)), (1.031, None, (verdicts.NOT_MET, True)),
     (None, None, (verdicts.NO_FIGURE, False))],
)
def test_a_verdict_looks_at_the_whole_interval_or_says_that_it_has_none(value, ci95, expected):
    assert verdicts.verdict_of({"value": value, "ci95": ci95}, 1.03) == expected


def test_no_ratio_is_no_verdict():
    assert verdicts.verdict_of(None, 1.03) == (verdicts.NO_FIGURE, False)


def ratio(low, high):
    return {"value": (low * high) ** 0.5, "ci95": [low, high]}


@pytest.mark.parametrize(
    "eager, graphs, expected",
    [((0.5, 0.6), (0.9, 1.0), verdicts.MET), ((0.5, 0.6), (1.1, 1.2), verdicts.NOT_MET),
     ((1.1, 1.2), (0.5, 0.6), verdicts.NOT_MET), ((0.5, 0.6), (1.0, 1.1), verdicts.UNDECIDED)],
)
def test_as_fast_as_the_better_one_is_as_fast_as_each(eager, graphs, expected):
    result = {"ratios": {cases.EAGER: ratio(*eager), cases.GRAPHS: ratio(*graphs)}}
    bound = cases.against(cases.BETTER, 1.03)
    check = verdicts.check_of_bound(bound, result, (cases.EAGER, cases.GRAPHS), [])
    assert check.verdict == expected


@pytest.mark.parametrize(
    "isa, expected", [([], "reported, no amx_bf16 here"), (["amx_bf16"], verdicts.NOT_MET)]
)
def test_what_needs_a_cpu_feature_is_only_reported_without_it(isa, expected):
    bound = cases.against(cases.EAGER, 1 / 1.5, "1/1.5", cases.AMX)
    result = {"ratios": {cases.EAGER: ratio(0.8, 0.9)}}
    assert verdicts.check_of_bound(bound, result, (cases.EAGER,), isa).verdict == expected


@pytest.mark.parametrize(
    "latency, expected", [(4.11e-3, verdicts.MET), (4.12e-3, verdicts.NOT_MET)]
)
def test_the_floor_is_bytes_that_must_be_read_over_the_read_rate(latency, expected):
    count = 15.0e9
    result = {"engines": {"native": {"bytes": count, "latency": {"value": latency}}}}
    assert verdicts.floor_seconds(result, 4.56e12) == pytest.approx(3.2895e-3, rel=1e-4)
    assert verdicts.check_of_floor(1.25, result, 4.56e12).verdict == expected
    assert verdicts.check_of_floor(1.25, result, None).verdict == verdicts.NO_FIGURE


# --- what is kept of records ----------------------------------------------------------------------


def test_the_inverse_of_a_ratio_has_its_ends_in_order():
    inverse = records.inverse({"value": 2.0, "ci95": [1.0, 4.0]})
    assert inverse == {"value": 0.5, "ci95": [0.25, 1.0]}
    assert records.inverse({"value": 2.0, "ci95": None})["ci95"] is None
    assert records.inverse({"value": None, "reason": "no sensor"})["reason"] == "no sensor"


def test_joules_are_those_of_an_item():
    metrics = {"energy.gross": {"value": 64.0, "ci95": [60.0, 68.0], "unit": "J",
                                "source": "counter"}}
    energy = records.joules_of({"metrics": metrics, "unit": "image", "items": {"image": 64}})
    assert (energy["item"], energy["value"]) == ("image", 1.0)
    assert energy["ci95"] == [60 / 64, 68 / 64]
    absent = {"energy.gross": {"value": None, "source": None, "reason": "no sensor"}}
    assert records.joules_of({"metrics": absent, "unit": "image", "items": {}}) == {
        "reason": "no sensor"}


def write_samples(path, ends):
    rows = b"".join(struct.pack("<IIqqqqd", 0, 0, 1, 2, end, -1, 1.0) for end in ends)
    header = b"RLSAMPLE" + struct.pack("<IIQQQ", 1, 48, 100, len(ends), 0)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(header.ljust(64, b"\0") + rows)


def test_the_first_measured_call_is_the_earliest_of_all_files(tmp_path):
    write_samples(tmp_path / "samples/a/0-decode.bin", [900, 950])
    write_samples(tmp_path / "samples/b/0-prefill.bin", [700, 800])
    write_samples(tmp_path / "samples/c/0-decode.bin", [])
    assert records.first_done_ns(tmp_path) == 700
    assert records.first_done_ns(tmp_path / "none") is None


def verification(passed=False, **changes):
    output = {"name": "logits", "relative_error": 0.02, "peer_error": None, "cosine": 0.999,
              "passed": passed, "reason": None if passed else "off by 0.02"}
    return {"outputs": [{**output, **changes}], "passed": passed}


def test_what_is_lossy_by_design_is_held_to_its_direction():
    assert records.verification_of(verification(), lossless=True)[0] is False
    passed, text = records.verification_of(verification(), lossless=False)
    assert passed and "smallest cosine 0.9990" in text
    assert records.verification_of(verification(cosine=0.5), lossless=False)[0] is False
    assert "logits: off by 0.02" in records.verification_of(verification(), lossless=True)[1]


# --- the cases ------------------------------------------------------------------------------------


def test_groups_have_names_of_their_own_and_measure_what_their_cases_need():
    assert len({group.name for group in cases.GROUPS}) == len(cases.GROUPS)
    for group in cases.GROUPS:
        for case in group.cases:
            assert case.phase in group.phases and case.batch in group.batch
            assert case.sequence is None or case.sequence in group.sequence
            assert case.depth is None or case.depth in group.depth
            peers_asked = {bound.peer for bound in case.bounds} - {cases.BETTER}
            assert peers_asked <= set(group.peers)
        if group.launched_by:
            assert group.launched_by in {one.name for one in cases.GROUPS}


def test_gpu_slices_fit_ten_minutes():
    for name in {group.slice for group in cases.GPU_GROUPS}:
        assert sum(group.minutes for group in cases.selected(name)) < 10


def test_parts_cover_everything_once():
    parts = [cases.selected(f"cpu,cpu-bf16@{n}/3") for n in (1, 2, 3)]
    names = [group.name for part in parts for group in part]
    assert sorted(names) == sorted(group.name for group in cases.selected("cpu,cpu-bf16"))
    assert len(cases.selected("1/1")) == len(cases.GROUPS)


@pytest.mark.parametrize("text", ["nothing", "cpu@0/2", "cpu@3/2", "cpu@x/2", "1/", ""])
def test_what_names_nothing_is_one_clear_line(text, capsys):
    assert peers.main(["--list", "--slice", text]) == 2
    assert capsys.readouterr().err.count("\n") == 1


# --- the whole, with a stand-in for the program ---------------------------------------------------

GROUP = cases.Group(
    "made-up", "test", "a-model", "float32", "cpu", ("decode",),
    (cases.Case("decode", 1, 128, 128, bounds=(cases.against(cases.EAGER, 1.03),), floor=1.3),),
    (cases.EAGER, cases.COMPILE), sequence=(128,), depth=(128,), invocations=3)
SETTINGS = {"machine": "a machine", "isa": [], "ridgeline": "ridgeline 1", "engine": "abc",
            "peer_engine": "def", "python": "3", "torch": "2", "transformers": "5"}
READ = 20e9
SECONDS = {"native": 0.025, "transformers": 0.050, "transformers:compile": 0.040}


def record(engine, identity, seconds, energy=None):
    """As `ridgeline run --json` prints it, as far as it is read."""
    metrics = {"latency": {"value": seconds, "unit": "s", "source": "timed", "n": 30}}
    if energy:
        metrics["energy.gross"] = {"value": energy, "unit": "J", "source": "counter", "n": 4,
                                   "ci95": [0.9 * energy, 1.1 * energy]}
    calls = {"n": 30, "median": seconds}
    return {
        "schema": "ridgeline/1", "id": identity, "configuration": {"engine": engine},
        "engine": {"versions": {"torch": "2.13"}},
        "workload": {"batch": 1, "sequence": 128, "depth": 128},
        "outcome": {"status": "ok", "reason": None},
        "invocations": [{"phases": {"decode": calls}, "stages": {"compile": 7.5}}] * 3,
        "phases": [{"name": "decode", "unit": "token", "items": {"token": 1}, "metrics": metrics}],
        "cost": {"decode": {"bytes": 500e6, "bytes_weights": 390e6, "bytes_cache": 10e6}},
        "stop_rule": {"invocations_done": 3, "invocations_planned": 3, "ended_by": "plan"},
        "validity": {"flags": []},
    }


def comparison(rows):
    """Of records with native as the baseline, intervals of 5 % to both sides."""
    def row(one):
        seconds = one["phases"][0]["metrics"]["latency"]["value"]
        speedup = SECONDS["native"] / seconds
        return {"engine": one["configuration"]["engine"], "id": one["id"],
                "speedup": {"value": speedup, "ci95": [0.95 * speedup, 1.05 * speedup]},
                "energy_ratio": {"value": 2.0, "ci95": [1.6, 2.5]}}

    return {"schema": "ridgeline-comparison/1", "phase": "decode",
            "rows": [row(one) for one in rows]}


class Program:
    """Answers as the program would; notes what was asked; may fail at a run."""

    def __init__(self, seconds=None, right=True, broken=False, no_launch=()):
        self.seconds, self.right, self.broken = seconds or SECONDS, right, broken
        self.no_launch, self.asked, self.words = no_launch, [], []

    def done(self, text, code=0, error=""):
        return runs.Done(code, text, error, begin_ns=1_000_000_000, seconds=12.0)

    def __call__(self, words, timeout=None):
        words = [str(word) for word in words]
        self.words.append(words)
        value = dict(zip(words, words[1:]))
        if words[0] == "peaks":
            self.asked.append("peaks")
            return self.done(json.dumps({"sets": [{"device": "cpu", "ceilings": [
                {"id": "read", "value": READ}]}]}))
        if words[0] == "verify":
            self.asked.append("verify")
            return self.done(json.dumps(verification(self.right)))
        engines = value["--engine"].split(",")
        if value["--metrics"] == "time":
            return self.launch(engines, value["--output"])
        self.asked.append("run " + value["--invocations"])
        if self.broken:
            return self.done("", 1, "ridgeline: the engine died\n")
        made = [record(engine, f"{n:016x}", self.seconds[engine],
                       10.0 if "energy" in value["--metrics"] else None)
                for n, engine in enumerate(engines)]
        return self.done("\n".join(json.dumps(one) for one in [*made, comparison(made)]))

    def launch(self, engines, folder):
        (engine,) = engines
        self.asked.append("launch " + engine)
        made = record(engine, "0" * 16, 0.1)
        made["invocations"] = made["invocations"][:1]
        if engine in self.no_launch:
            made["outcome"] = {"status": "failed", "reason": "no compiler"}
        else:
            write_samples(setup.pathlib.Path(folder) / "samples/0/0-decode.bin", [4_500_000_000])
        return self.done(json.dumps(made))


IN_TURNS = {"value": 1.25, "ci95": [1.2, 1.3], "n": 5, "floor": 0.02, "median": 0.025,
            "rates": [READ, READ]}


@pytest.fixture
def output(tmp_path, monkeypatch):
    monkeypatch.setattr(peers, "selected", lambda *_: [GROUP])
    monkeypatch.setattr(peer_floors, "in_turns", lambda *_: dict(IN_TURNS))
    return tmp_path / "results.jsonl"


def measure(output, program, group=GROUP, settings=SETTINGS, cache="one", **options):
    chosen = {"invocations": None, "seconds": None, "again": False, **options}
    session = peers.Session(output, output.parent, settings, program, cache, "transformers")
    timed = peers.measure_group(session, group, argparse.Namespace(**chosen))
    return timed, program.asked


def only_row(output, group=GROUP):
    (row,) = peer_table.rows_of(setup.read_results(output), [group])
    return row


EVERYTHING = ["verify", "peaks", "launch transformers:compile", "launch transformers:compile",
              "run 3"]


def test_compares_outputs_then_measures_all_engines_in_one_run(output):
    program = Program()
    assert measure(output, program) == (True, EVERYTHING)
    words = program.words[-1]
    assert words[words.index("--engine") + 1] == "native,transformers,transformers:compile"
    assert words[words.index("--baseline") + 1] == "native"
    row = only_row(output)
    assert row.result["ratios"]["eager"]["value"] == pytest.approx(0.5)
    assert row.result["engines"]["native"]["bytes"] == 400e6  # floor 20 ms: 25 ms are × 1.25
    assert [str(check) for check in row.checks] == ["1.03 × eager: met", "1.3 × floor: met"]
    assert row.verdict == verdicts.MET


def test_each_process_times_each_phase_for_the_groups_seconds():
    words = runs.run_words(GROUP, {"native": "native"}, None, "runs")
    assert words[words.index("--phase-time") + 1] == f"{1000 * GROUP.seconds:.0f}ms"
    assert words[words.index("--invocations") + 1] == GROUP.invocations


def turns(*ratios, floor=0.02):
    return [{"floor": floor, "floor_best": 0.8 * floor, "median": one * floor} for one in ratios]


def test_the_interval_of_a_floor_is_that_of_its_processes():
    processes = iter([turns(1.2), turns(1.25, 1.25, 1.25), turns(1.3), turns(1.5625, 1.0),
                      turns(1.25, floor=0.04)])
    found = peer_floors.in_turns(GROUP, GROUP.cases[0], 400e6, None, lambda *_: next(processes))
    logs = [math.log(one) for one in (1.2, 1.25, 1.3, 1.25, 1.25)]
    half = 2.776 * statistics.stdev(logs) / math.sqrt(5)
    assert found["ci95"][1] / found["value"] == pytest.approx(math.exp(half), rel=1e-3)
    assert found["value"] == pytest.approx(math.exp(statistics.fmean(logs)))
    assert found["of_best"] == pytest.approx(found["value"] / 0.8, rel=0.01)
    assert found["floor"] == pytest.approx(0.02 * 2 ** (1 / 8))
    assert found["rates"] == pytest.approx([READ / 2, READ])
    for limit, verdict in ((1.3, verdicts.MET), (1.25, verdicts.UNDECIDED), (1.1, verdicts.NOT_MET)):
        assert verdicts.check_of_floor(limit, {"floor": found}, READ).verdict == verdict


def test_a_floor_that_could_not_be_measured_is_no_figure():
    def dying(*_):
        raise OSError("it died")

    found = peer_floors.in_turns(GROUP, GROUP.cases[0], 400e6, None, dying)
    assert found == {"value": None, "reason": "it died"}
    assert peer_floors.in_turns(GROUP, GROUP.cases[0], None, None, dying)["value"] is None
    assert verdicts.check_of_floor(1.3, {"floor": found}, READ).verdict == verdicts.NO_FIGURE


def test_a_program_that_fails_is_the_reason(tmp_path, monkeypatch):
    program = tmp_path / "ridgeline-decode-floor"
    program.write_text("#!/bin/sh\necho 'too little memory' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr(peer_floors, "BIN", tmp_path)
    found = peer_floors.in_turns(GROUP, GROUP.cases[0], 400e6, None)
    assert found == {"value": None, "reason": "too little memory"}


def test_the_program_reads_and_decodes_in_turns(tmp_path, monkeypatch):
    (tmp_path / "config.json").write_text(json.dumps({
        "model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 32,
        "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
        "num_key_value_heads": 2, "vocab_size": 100, "max_position_embeddings": 64}))
    monkeypatch.setattr(peer_floors, "TURNS", 2)
    case = dataclasses.replace(GROUP.cases[0], sequence=8, depth=8)
    group = dataclasses.replace(GROUP, model=str(tmp_path), optimize="quantize=int8")
    found = peer_floors.turns_of(group, case, 1 << 20, None)
    assert len(found) == 2
    for turn in found:
        assert 0 < turn["floor_best"] <= turn["floor"] and turn["median"] > 0


def test_what_is_in_the_file_is_not_measured_again(output):
    measure(output, Program())
    assert measure(output, Program())[1] == []
    with output.open("a") as file:
        file.write('{"kind": "group", "gro')  # killed while it wrote
    assert measure(output, Program())[1] == []
    assert measure(output, Program(), again=True)[1] == ["run 3"]
    assert measure(output, Program(), invocations=5)[1] == ["run 5"]


def test_a_run_that_broke_leaves_no_line_and_is_tried_again(output):
    with pytest.raises(runs.Trouble, match="the engine died"):
        measure(output, Program(broken=True))
    assert only_row(output).verdict == verdicts.UNFINISHED
    assert measure(output, Program())[1] == ["run 3"]
    assert only_row(output).verdict == verdicts.MET


def test_another_build_or_machine_is_never_mixed_in(output):
    measure(output, Program())
    for name in ("engine", "torch", "machine"):
        settings = {**SETTINGS, name: "another"}
        assert measure(output, Program(), settings=settings)[1] == EVERYTHING
    assert len(peer_table.rows_of(setup.read_results(output), [GROUP])) == 4


def test_empty_caches_are_a_first_launch_again(output):
    measure(output, Program())
    launches = ["launch transformers:compile"] * 2
    assert measure(output, Program(), cache="two", again=True)[1] == [*launches, "run 3"]


def test_a_wrong_answer_is_not_timed(output):
    assert measure(output, Program(right=False)) == (False, ["verify"])
    assert only_row(output).verdict == verdicts.WRONG
    assert peers.main(["--output", str(output), "--table"]) == 1
    assert measure(output, Program()) == (False, [])  # not by a second try either


def test_a_peer_that_does_not_start_is_left_out_and_named(output, capsys):
    program = Program(no_launch=("transformers:compile",))
    measure(output, program)
    words = program.words[-1]
    assert words[words.index("--engine") + 1] == "native,transformers"
    peers.main(["--output", str(output), "--table"])
    assert "compile left out: no compiler" in capsys.readouterr().out


def test_a_case_is_not_met_when_one_of_its_bounds_is_not(output, monkeypatch):
    far = {**IN_TURNS, "value": 1.35, "ci95": [1.31, 1.4]}
    monkeypatch.setattr(peer_floors, "in_turns", lambda *_: far)
    measure(output, Program())
    row = only_row(output)
    assert [check.verdict for check in row.checks] == [verdicts.MET, verdicts.NOT_MET]
    assert row.verdict == verdicts.NOT_MET
    assert peers.main(["--output", str(output), "--table"]) == 1


def test_the_table_shows_times_ratios_floor_launches_and_verdict(output, capsys):
    measure(output, Program())
    assert peers.main(["--output", str(output), "--table"]) == 0
    text = capsys.readouterr().out
    row = ("| a-model float32 1×128, decode at 128 | 3 | 25 | 50 | 40 | 0.500 [0.475, 0.525] | "
           "0.625 [0.594, 0.656] | 20 in turns with 25 (× 1.25 [1.20, 1.30]) | "
           "1.03 × eager: met; 1.3 × floor: met |")
    assert row in text
    assert "| a-model float32, decode | compile | 3.5 | 3.5 | 7.5 | 7.5 | reported |" in text
    assert "- Machine: a machine; on cpu" in text
    assert "Read bandwidth, measured in the same run: 20 GB/s" in text
    assert "torch 2, Python 3" in text and "load average at the start" in text


def test_energy_stands_in_a_table_of_its_own(output, capsys, monkeypatch):
    power = dataclasses.replace(GROUP, name="made-up-energy", energy=True, invocations=1,
                                launched_by=GROUP.name)
    monkeypatch.setattr(peers, "selected", lambda *_: [GROUP, power])
    measure(output, Program())
    assert measure(output, Program(), group=power)[1] == ["run 1"]
    assert peers.main(["--output", str(output), "--table"]) == 0
    text = capsys.readouterr().out
    assert "| a-model float32 1×128, decode at 128 | native | 25 | 10 ± 1 J/token | – |" in text
    assert "| compile | 40 | 10 ± 1 J/token | 0.500 [0.400, 0.625] |" in text
    assert text.count("1.3 × floor: met") == 1


def test_the_second_launch_is_held_to_its_bound(output, monkeypatch, capsys):
    launches = (("native", "token"), ("native", "token"), (cases.COMPILE, "all"))
    group = dataclasses.replace(GROUP, launches=launches)
    monkeypatch.setattr(peers, "selected", lambda *_: [group])
    for bound, code, verdict in ((10.0, 0, "met"), (3.0, 1, "not met")):
        monkeypatch.setattr(peer_table, "FIRST_TOKEN_SECONDS", {GROUP.name: bound})
        measure(output, Program(), group=group)
        assert peers.main(["--output", str(output), "--table"]) == code
        assert f"second under {bound:g} s: {verdict} |" in capsys.readouterr().out


def test_caches_stay_in_the_work_folder_and_keep_their_identity(tmp_path):
    environment, identity = setup.caches(tmp_path)
    assert environment["TORCHINDUCTOR_CACHE_DIR"].startswith(str(tmp_path))
    assert environment["XDG_CACHE_HOME"].startswith(str(tmp_path))
    assert setup.caches(tmp_path)[1] == identity
    assert setup.caches(tmp_path / "other")[1] != identity
