"""Known answers: the scripted engine's durations are exact, and must come out of the record."""

import json
import math
import pathlib
import shutil
import statistics
import struct

import pytest

from support.program import BIN
from support.scripted import lines_of, metric, phase, run_to_end, script

T_975 = {1: 12.7062, 2: 4.30265, 3: 3.18245, 4: 2.77645}  # Student's t by degrees of freedom
NEEDED = {"latency.p50": 6, "latency.p90": 29, "latency.p95": 59, "latency.p99": 299}


def one(tmp_path, *args, **options):
    (record,) = run_to_end(tmp_path, *args, **options)
    assert record["outcome"]["status"] == "ok"
    return record


def forward(**fields):
    return script(phases={"forward": fields})


def near(value, wanted, share=1e-9):
    assert abs(value - wanted) <= share * wanted, (value, wanted)


def flags(record):
    return {flag["id"]: flag for flag in record["validity"]["flags"]}


# --- warm-up, drift, percentiles --------------------------------------------------------------


@pytest.mark.parametrize("noise", ["none", "ar1"])
@pytest.mark.parametrize("budget", ["20s", "60s"])
def test_a_hundred_slow_first_calls_do_not_leak_into_the_median(tmp_path, noise, budget):
    model = forward(
        duration_ns=2_000_000,
        first_calls={"count": 100, "factor": 5},
        noise={"kind": noise, "rho": 0.5, "sigma": 0.001},
    )
    record = one(tmp_path, model, "--budget", budget)
    near(metric(record, "latency")["value"], 0.002, 0.001)
    near(metric(record, "latency.p50")["value"], 0.002, 0.001)
    near(metric(record, "latency.first_call")["value"], 0.01, 0.01)
    for invocation in record["invocations"]:
        near(invocation["phases"]["forward"]["median"], 0.002, 0.001)


def test_the_warm_up_is_no_sample(tmp_path):
    """The case that trips others: a first call of 50 ms before calls of 10 ms."""
    model = forward(duration_ns=10_000_000, first_calls={"count": 1, "factor": 5})
    record = one(tmp_path, model, "--budget", "10s")
    for name in ("latency", "latency.min", "latency.max", "latency.p50", "latency.p95"):
        near(metric(record, name)["value"], 0.01)
    near(metric(record, "latency.first_call")["value"], 0.05)
    near(metric(record, "throughput.sequence")["value"], 100)


def test_without_a_warm_up_it_is_one(tmp_path):
    model = forward(duration_ns=10_000_000, first_calls={"count": 50, "factor": 5})
    record = one(tmp_path, model, "--budget", "10s", "--warmup", "none", "--invocations", "1")
    near(metric(record, "latency.max")["value"], 0.05)


def test_a_time_of_each_phase_needs_no_share_of_the_budget(tmp_path):
    """Every process is run, and times each phase for as long as was asked."""
    noise = {"kind": "white", "sigma": 0.2}
    model = script(phases={"prefill": {"duration_ns": 20_000_000, "noise": noise},
                           "decode": {"duration_ns": 10_000_000, "noise": noise}})
    record = one(tmp_path, model, "--phase-time", "2s", "--invocations", "4", "--budget", "1h",
                 "--precision", "0.1%")
    assert len(record["invocations"]) == 4
    assert metric(record, "latency", "prefill")["n"] == pytest.approx(4 * 100, rel=0.1)
    assert metric(record, "latency", "decode")["n"] == pytest.approx(4 * 200, rel=0.1)


@pytest.mark.parametrize("drift, flagged", [(0, False), (2e-5, False), (2e-4, True)])
def test_drift_is_flagged(tmp_path, drift, flagged):
    noise = {"kind": "white", "sigma": 0.005}
    model = forward(duration_ns=1_000_000, drift_per_call=drift, noise=noise)
    record = one(tmp_path, model, "--budget", "20s")
    assert ("drift" in flags(record)) == flagged
    if flagged:
        assert flags(record)["drift"]["severity"] == "warn"
        for invocation in record["invocations"]:
            part = invocation["phases"]["forward"]
            near(part["drift"], drift * part["n"] / (part["median"] / 0.001), 0.1)


@pytest.mark.parametrize("milliseconds", [1, 20, 80, 250, 1100])
def test_percentiles_stand_only_where_n_allows(tmp_path, milliseconds):
    record = one(tmp_path, forward(duration_ns=milliseconds * 1_000_000), "--budget", "10s")
    n = metric(record, "latency")["n"]
    assert n == sum(part["phases"]["forward"]["n"] for part in record["invocations"])
    shown = 0
    for name, needed in NEEDED.items():
        value = metric(record, name)
        if n >= needed:
            near(value["value"], milliseconds / 1000)
            shown += 1
        else:
            assert value["value"] is None
            assert value["reason"] == f"n={n}, {name[8:]} needs {needed}"
    assert shown == {1: 4, 20: 4, 80: 3, 250: 2, 1100: 1}[milliseconds]
    near(metric(record, "latency.max")["value"], milliseconds / 1000)


def test_outliers_stay_out_of_the_median_and_in_the_maximum(tmp_path):
    model = forward(duration_ns=1_000_000, outliers={"every": 50, "factor": 3})
    record = one(tmp_path, model, "--budget", "20s")
    near(metric(record, "latency")["value"], 0.001)
    near(metric(record, "latency.p90")["value"], 0.001)
    near(metric(record, "latency.p99")["value"], 0.003)
    near(metric(record, "latency.max")["value"], 0.003)


# --- intervals --------------------------------------------------------------------------------


def test_the_interval_is_a_t_interval_over_the_invocations(tmp_path):
    model = forward(
        duration_ns=2_000_000, process_spread=0.05, noise={"kind": "white", "sigma": 0.01}
    )
    record = one(tmp_path, model, "--budget", "30s")
    medians = [part["phases"]["forward"]["median"] for part in record["invocations"]]
    assert len(medians) == 5 and len(set(medians)) == 5
    latency = metric(record, "latency")
    assert latency["interval"] == "between_invocations"
    center = statistics.fmean(medians)
    half = T_975[4] * statistics.stdev(medians) / math.sqrt(5)
    near(latency["value"], center)
    near(latency["ci95"][0], center - half, 1e-5)
    near(latency["ci95"][1], center + half, 1e-5)
    reached = half / center <= 0.02
    assert record["stop_rule"]["precision_reached"] is reached
    assert ("precision" in flags(record)) is not reached


def test_one_invocation_says_that_its_interval_is_within_it(tmp_path):
    model = forward(duration_ns=2_000_000, noise={"kind": "white", "sigma": 0.01})
    record = one(tmp_path, model, "--budget", "10s", "--invocations", "1")
    latency = metric(record, "latency")
    assert latency["interval"] == "within_invocation"
    assert latency["ci95"][0] < 0.002 < latency["ci95"][1]


def test_a_budget_too_small_for_all_invocations_says_so(tmp_path):
    record = one(tmp_path, forward(duration_ns=1_000_000_000), "--budget", "12s")
    assert 2 <= record["stop_rule"]["invocations_planned"] < 5
    assert record["stop_rule"]["invocations_done"] == record["stop_rule"]["invocations_planned"]
    assert "a budget of 12 s allows" in flags(record)["invocations"]["detail"]


# --- derived numbers and what they come from --------------------------------------------------


def test_throughput_times_latency_is_the_items(tmp_path):
    model = forward(duration_ns=500_000, per_token_ns=100)
    words = ("--batch", "1,3,8", "--sequence", "16,128", "--budget", "30s")
    records = run_to_end(tmp_path, model, *words)
    assert len(records) == 6
    for record in records:
        batch, sequence = record["workload"]["batch"], record["workload"]["sequence"]
        latency = metric(record, "latency")
        near(latency["value"], 0.0005 + 1e-7 * batch * sequence)
        for unit, items in (("sequence", batch), ("token", batch * sequence)):
            rate = metric(record, f"throughput.{unit}")
            near(rate["value"] * latency["value"], items)
            assert rate["unit"] == f"{unit}/s"
            assert rate["source"] == "derived" and rate["weakest"] == "timed"
            assert rate["inputs"] == ["forward.latency"]


def test_rates_rest_on_the_cost_and_say_that_it_is_modelled(tmp_path):
    cost = {"flops": 1e9, "bytes": 1e7, "parameters": 1000, "ops": []}
    record = one(tmp_path, forward(duration_ns=2_000_000, cost=cost), "--budget", "10s")
    rate = metric(record, "flops_rate")
    near(rate["value"], 5e11)
    near(metric(record, "bytes_rate")["value"], 5e9)
    near(metric(record, "arithmetic_intensity")["value"], 100)
    assert rate["unit"] == "FLOP/s" and rate["weakest"] == "modelled"
    assert rate["inputs"] == ["cost.forward.flops", "forward.latency"]


def test_what_no_sensor_gives_is_null_with_a_reason(tmp_path):
    record = one(tmp_path, script(), "--budget", "5s")
    for name in ("energy.gross", "energy.net", "power.mean", "bandwidth.dram"):
        absent = metric(record, name)
        assert absent["value"] is None and absent["reason"]


def test_the_samples_are_kept_and_give_the_same_median(tmp_path):
    model = forward(duration_ns=1_000_000, noise={"kind": "white", "sigma": 0.05})
    record = one(tmp_path, model, "--budget", "10s", "--invocations", "3")
    for invocation in record["invocations"]:
        part = invocation["phases"]["forward"]
        content = (tmp_path / "run" / part["samples"]).read_bytes()
        magic, version, size, capacity, count, dropped = struct.unpack_from("<8sIIQQQ", content)
        assert (magic, version, size, capacity, dropped) == (b"RLSAMPLE", 1, 48, count, 0)
        rows = list(struct.iter_unpack("<IIqqqqd", content[64:]))
        assert len(rows) == count
        first, end = part["rows"]
        timed = [row[4] - row[2] for row in rows[first:end]]
        assert len(timed) == part["n"] and end == count
        near(statistics.median(timed) * 1e-9, part["median"], 1e-6)


def test_load_and_memory_come_from_the_engine(tmp_path):
    stages = {"library": 5_000_000, "read": 7_000_000, "transfer": 11_000_000}
    model = script(stages=stages, weights_bytes=12_345, parameters=678)
    record = one(tmp_path, model, "--budget", "5s")
    load = record["load"]["metrics"]
    for name, ns in stages.items():
        near(load[name]["value"], ns * 1e-9)
        assert load[name]["source"] == "timed"
    near(load["total"]["value"], sum(load[name]["value"] for name in ("spawn", *stages)), 1e-6)
    memory = record["memory"]["metrics"]
    assert memory["weights"]["value"] == 12_345 and memory["weights"]["source"] == "tracked"
    assert memory["resident_peak"]["value"] > 1 << 20
    assert record["model"]["parameters"] == 678
    assert record["model"]["synthetic"] is True


# --- matrix, order, optimizations -------------------------------------------------------------


def test_a_matrix_of_engines_and_dtypes(tmp_path):
    other = tmp_path / "another-engine"
    shutil.copy(BIN / "ridgeline-engine-scripted", other)
    words = [script(), "--engine", f"scripted,{other}", "--dtype", "float32,bfloat16"]
    words += ["--batch", "1-4*2", "--budget", "30s", "--invocations", "3"]
    records = run_to_end(tmp_path, *words, engine=None)
    made = {
        (c["engine"], c["dtype"], record["workload"]["batch"])
        for record in records
        for c in [record["configuration"]]
    }
    assert len(records) == len(made) == len({record["id"] for record in records}) == 12
    for record in records:
        assert record["outcome"]["status"] == "ok"
        assert record["model"]["dtype"] == record["configuration"]["dtype"]
        near(metric(record, "latency")["value"], 0.001)
    # Configurations alternate between rounds (ABBA), each with all of its cases.
    order = [line["configuration"] for line in lines_of(tmp_path / "run/invocations.jsonl")]
    assert len(order) == 12
    assert order[4:8] == order[3::-1] and order[8:] == order[:4]


def test_the_same_plan_gives_the_same_ids(tmp_path):
    ids = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        records = run_to_end(tmp_path / name, script(), "--batch", "1,2", "--budget", "5s")
        ids.append(sorted(record["id"] for record in records))
    assert ids[0] == ids[1]


def test_workloads_run_in_another_order_in_each_process(tmp_path):
    records = run_to_end(tmp_path, script(), "--batch", "1-8", "--budget", "60s")
    orders = [tuple(part["order"]) for part in records[0]["invocations"]]
    assert len(orders) == 5 and len(set(orders)) > 1
    for order in orders:
        assert sorted(order) == sorted(record["id"] for record in records)


def test_a_knob_that_cannot_be_applied_is_loud(tmp_path):
    knobs = {"turbo": {"factor": 0.8}, "jet": {"refused": "no fuel here"}}
    words = ("--optimize", "turbo=on,jet=on", "--budget", "5s")
    record = one(tmp_path, script(knobs=knobs), *words)
    made = {entry["id"]: entry for entry in record["optimizations"]}
    assert made["turbo"]["applied"] is True
    assert made["jet"]["applied"] is False and made["jet"]["reason"] == "no fuel here"
    near(metric(record, "latency")["value"], 0.0008)


def test_strict_turns_it_into_a_failure(tmp_path):
    knobs = {"jet": {"refused": "no fuel here"}}
    words = ("--optimize", "jet=on", "--strict", "--weights", "synthetic", "--budget", "5s")
    (record,) = run_to_end(tmp_path, script(knobs=knobs), *words, code=1)
    assert record["outcome"]["status"] == "failed"
    assert record["outcome"]["class"] == "unsupported"
    assert "no fuel here" in record["outcome"]["reason"]


# --- one case that fails ----------------------------------------------------------------------


def test_one_case_that_fails_leaves_the_others_whole(tmp_path):
    model = json.dumps(
        {
            "clock": "virtual",
            "phases": {"forward": {"duration_ns": 1_000_000, "per_token_ns": 1000}},
            "faults": [{"at": "run", "kind": "crash", "batch": 4, "call": 20}],
        }
    )
    words = ("--batch", "1,2,4,8", "--budget", "40s")
    records = run_to_end(tmp_path, model, *words, code=1)
    assert sorted(record["workload"]["batch"] for record in records) == [1, 2, 4, 8]
    for record in records:
        batch = record["workload"]["batch"]
        if batch == 4:
            assert record["outcome"]["status"] == "failed"
            assert record["stop_rule"]["ended_by"] == "failures"
            assert record["phases"] == []
            continue
        assert record["outcome"]["status"] == "ok"
        assert record["stop_rule"]["invocations_done"] == record["stop_rule"]["invocations_planned"]
        near(metric(record, "latency")["value"], 0.001 + 128e-6 * batch)
        assert phase(record)["items"] == {"sequence": batch, "token": 128 * batch}


def test_a_real_clock_keeps_to_the_budget(tmp_path):
    model = script(clock="real", phases={"forward": {"duration_ns": 5_000_000}})
    record = one(tmp_path, model, "--budget", "3s", "--invocations", "3")
    latency = metric(record, "latency")["value"]
    assert 0.005 <= latency < 0.006
    lines = lines_of(tmp_path / "run/invocations.jsonl")
    spent = sum(
        part["warmup"]["forward"]["seconds"]
        + part["phases"]["forward"]["n"] * part["phases"]["forward"]["median"]
        for line in lines
        for part in [next(iter(line["cases"].values()))["invocation"]]
    )
    assert spent < 1.5 * 3
    assert pathlib.Path(tmp_path / "run/command.txt").read_text().startswith("ridgeline run ")
