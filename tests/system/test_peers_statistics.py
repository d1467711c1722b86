"""The comparison with transformers (tests/perf): its statistics, order, resuming and verdicts.

No model is run: both sides are stand-ins with known times.
"""

import itertools
import json
import math
import random
import struct
import sys
import types

import pytest

from support.program import ROOT

sys.path.insert(0, str(ROOT / "tests/perf"))

import peer_setup  # noqa: E402
import peer_sides  # noqa: E402
import peer_statistics as stats  # noqa: E402
import peer_table  # noqa: E402
import peers  # noqa: E402


@pytest.mark.parametrize(  # from printed tables
    "freedom, expected",
    [(1, 12.7062), (2, 4.30265), (3, 3.18245), (4, 2.77645), (7, 2.36462), (15, 2.13145),
     (30, 2.04227), (199, 1.97196)],
)
def test_t_quantile_equals_the_tables(freedom, expected):
    assert stats.t_quantile(0.975, freedom) == pytest.approx(expected, rel=1e-5)


def test_ratio_is_the_geometric_mean_with_its_t_interval():
    ratio = stats.ratio_of([(1.0, 1.0), (2.0, 1.0), (4.0, 1.0)])
    half = 4.30265 * math.log(2) / math.sqrt(3)  # logs 0, ln 2, 2 ln 2: spread ln 2
    assert ratio.point == pytest.approx(2)
    assert ratio.lower == pytest.approx(2 * math.exp(-half), rel=1e-5)
    assert ratio.upper == pytest.approx(2 * math.exp(half), rel=1e-5)


def test_ratio_of_one_pair_has_no_interval_and_no_verdict():
    ratio = stats.ratio_of([(0.5, 1.0)])
    assert (ratio.point, ratio.lower, ratio.upper) == (0.5, None, None)
    assert stats.verdict_of(ratio, 1.03) == stats.UNDECIDED


def test_intervals_cover_the_truth_as_often_as_they_say():
    generator, truth, covered = random.Random(7), 0.97, 0
    for _ in range(2000):
        pairs = [(truth * math.exp(generator.gauss(0, 0.02)), math.exp(generator.gauss(0, 0.02)))
                 for _ in range(8)]
        ratio = stats.ratio_of(pairs)
        covered += ratio.lower <= truth <= ratio.upper
    assert 0.93 <= covered / 2000 <= 0.97


@pytest.mark.parametrize(
    "lower, upper, verdict",
    [(0.9, 1.03, stats.MET), (0.9, 1.0301, stats.UNDECIDED), (1.03, 1.2, stats.UNDECIDED),
     (1.0301, 1.2, stats.NOT_MET)],
)
def test_verdict_looks_at_the_whole_interval(lower, upper, verdict):
    assert stats.verdict_of(stats.Ratio(1.0, lower, upper), 1.03) == verdict


def test_order_is_abba():
    order = ["NP" if stats.native_first(pair) else "PN" for pair in range(4)]
    assert "".join(order) == "NPPNNPPN"


@pytest.mark.parametrize(
    "seconds, kept", [(0.5, 1), (1.0, 1), (2.9, 2), (3.0, 3), (99.0, 4)]
)
def test_within_keeps_whole_calls_and_at_least_one(seconds, kept):
    assert len(stats.within([1.0] * 4, seconds)) == kept


def warm_up(durations, timed_seconds):
    """Runs a warm-up on calls of these durations."""
    warmup, durations = stats.Warmup(timed_seconds), iter(durations)
    while not warmup.done:
        block, target = [], warmup.block_seconds()
        while not block or sum(block) < target:
            block.append(next(durations))
        warmup.add(block)
    return warmup


def test_warmup_of_a_steady_process_ends_soon():
    warmup = warm_up(itertools.repeat(0.01), 10)
    assert warmup.stationary
    assert stats.MIN_SHARE * 10 <= warmup.seconds <= 1.3


def test_warmup_needs_five_blocks_even_of_slow_calls():
    assert warm_up(itertools.repeat(0.3), 10).calls == 5


def test_warmup_outlasts_a_slow_start():
    slow_calls = 100
    warmup = warm_up(itertools.chain([0.002] * slow_calls, itertools.repeat(0.001)), 10)
    assert warmup.stationary and warmup.calls > slow_calls


def test_warmup_is_capped_when_it_never_settles():
    noise = random.Random(1)
    warmup = warm_up((0.01 * noise.uniform(0.5, 1.5) for _ in itertools.count()), 4)
    assert not warmup.stationary
    assert 0.9 <= warmup.seconds <= 1.02


def test_warmup_with_calls_longer_than_the_cap_ends():
    assert warm_up(itertools.repeat(20.0), 10).calls == 1


# --- the whole, with stand-ins for both sides ----------------------------------------------------

CASE = peer_setup.CASES[0]
SETTINGS = {
    "case": CASE.name, "threads": 2, "seconds": 1.0, "machine": "a machine", "cpu_flags": [],
    "ridgeline": "ridgeline 1", "engine": "abc", "python": "3", "torch": "2", "transformers": "5",
}


class Sides:
    """Both sides with given times; notes what ran; may fail at a call."""

    def __init__(self, native=0.009, peer=0.010, right=True, fail_at=None):
        self.native, self.peer, self.right, self.fail_at = native, peer, right, fail_at
        self.ran = []

    def note(self, what):
        if len(self.ran) == self.fail_at:
            raise AssertionError("a side failed")
        self.ran.append(what)

    def compare_outputs(self, *_):
        self.note("=")
        return {"native": 0.0 if self.right else 1.0, "peer": 0.0, "limit": 1e-4,
                "right": self.right}

    def run_native(self, *_):
        self.note("N")
        median = self.native * (1 + 0.001 * len(self.ran))
        return {"median": median, "n": 9, "seconds": 0.05, "torch": "2"}

    def run_peer(self, *_):
        self.note("P")
        # The last calls lie beyond the native side's timed seconds and do not count.
        return {"samples": [self.peer] * 5 + [1.0] * 50, "versions": {"torch": "2"}}


def measure(path, sides, pairs=4, settings=SETTINGS):
    arguments = types.SimpleNamespace(output=path, pairs=pairs)
    peers.measure_case(CASE, settings, arguments, path.parent, sides)
    return "".join(sides.ran)


def only_row(path):
    (row,) = peer_table.rows_of(peer_setup.read_results(path), peer_setup.CASES)
    return row


def test_measures_outputs_once_then_pairs_in_order(tmp_path):
    path = tmp_path / "results.jsonl"
    assert measure(path, Sides()) == "=NPPNNPPN"
    row = only_row(path)
    assert [pair["peer"]["median"] for pair in row.pairs] == [0.010] * 4
    assert row.ratio.point == pytest.approx(0.904, abs=0.003)
    assert row.verdict(1.03) == stats.MET
    assert row.verdict(0.5) == stats.NOT_MET


def test_goes_on_where_it_stopped_in_the_same_order(tmp_path):
    path = tmp_path / "results.jsonl"
    with pytest.raises(AssertionError):
        measure(path, Sides(fail_at=4))  # in the middle of the second pair
    assert only_row(path).verdict(1.03) == peer_table.UNFINISHED
    with path.open("a") as file:
        file.write('{"kind": "pair", "pai')  # killed while it wrote
    assert measure(path, Sides()) == "PNNPPN"
    assert only_row(path).verdict(1.03) == stats.MET
    assert measure(path, Sides()) == ""


def test_another_engine_or_setting_is_never_mixed_in(tmp_path):
    path = tmp_path / "results.jsonl"
    measure(path, Sides())
    for name, value in [("engine", "def"), ("threads", 1), ("seconds", 2.0), ("torch", "3")]:
        assert measure(path, Sides(), settings={**SETTINGS, name: value}) == "=NPPNNPPN"
    rows = peer_table.rows_of(peer_setup.read_results(path), peer_setup.CASES)
    assert [len(row.pairs) for row in rows] == [4] * 5


def test_a_fast_wrong_answer_does_not_win(tmp_path):
    path = tmp_path / "results.jsonl"
    assert measure(path, Sides(native=0.001, right=False)) == "="
    assert only_row(path).verdict(1.03) == peer_table.WRONG
    assert peers.main(["--output", str(path), "--table"]) == 1


def test_table_shows_times_ratio_and_verdict(tmp_path, capsys):
    path = tmp_path / "results.jsonl"
    measure(path, Sides(peer=0.010))
    assert peers.main(["--output", str(path), "--table"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].startswith(f"| {CASE.name} | 2 | 1 | 4 | 10 | 9.0")
    assert "0.90" in lines[2] and "met (at most 1.03)" in lines[2]
    assert any(line.startswith("- Machine: a machine") for line in lines)


@pytest.mark.parametrize("flags, bound", [([], None), (["amx_bf16"], 1 / 1.4)])
def test_bfloat16_is_asserted_only_with_amx(flags, bound):
    case = next(one for one in peer_setup.CASES if one.dtype == "bfloat16")
    row = peer_table.Row(case, {**SETTINGS, "cpu_flags": flags}, [], None)
    assert row.bound(1.03) == bound


@pytest.mark.parametrize("cores, threads", [("0-1", 2), ("0", 1), ("0-7,16-23", 16), ("1,3", 2)])
def test_default_threads_are_the_physical_cores(cores, threads):
    assert peer_setup.default_threads({"allowed": {"physical_cores": cores}}) == threads


def test_reads_the_rows_of_a_sample_file(tmp_path):
    rows = [struct.pack("<IIqqqqd", 0, 0, 100, 0, 100 + 10**6 * n, -1, 1.0) for n in range(5)]
    path = tmp_path / "samples.bin"
    path.write_bytes(bytes(64) + b"".join(rows))
    assert peer_sides.sample_seconds(path, [1, 4]) == pytest.approx([0.001, 0.002, 0.003])


def test_inputs_are_a_valid_tensor_file(tmp_path):
    path = tmp_path / "in.safetensors"
    config = {"model_type": "bert", "vocab_size": 100}
    peer_sides.write_inputs(path, peer_sides.specs_of(config, 2, 5))
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    assert header["input_ids"]["shape"] == [2, 5]
    assert header["token_type_ids"]["data_offsets"] == [80, 160]
    assert len(data) == 8 + size + 160


def test_features_are_floats_beside_the_ids():
    config = {"model_type": "clip", "text_config": {"vocab_size": 9}, "vision_config": {"image_size": 4}}
    specs = peer_sides.specs_of(config, 2, 5)
    assert specs == {"pixel_values": ((2, 3, 4, 4), None), "input_ids": ((2, 5), 9)}
