"""Energy and traffic of whole runs: a scripted engine that works in real time, beside sensors of
exactly known power."""

import json

import pytest

from support.scripted import Run, metric, phase, run_to_end, script, validate_file

WATTS = 120.0
CALL = 0.002


def sensors(**package):
    """A package of constant power with a counter and a power reading, and its temperature."""
    return {
        "RIDGELINE_SENSOR_SCRIPT": json.dumps(
            {
                "domains": [
                    {
                        "id": "package-0",
                        "kind": "energy",
                        "scope": "package",
                        "power": WATTS,
                        "period": 0.001,
                        "resolution": 6.1e-5,
                        "systematic": 0.02,
                        **package,
                    },
                    {
                        "id": "package-0/power",
                        "kind": "power",
                        "scope": "package",
                        "power": WATTS,
                        "period": 0.01,
                    },
                    {"id": "temperature", "kind": "temperature", "scope": "package", "power": 50},
                    {"id": "dram-0/read", "kind": "traffic", "scope": "dram", "power": 1e9},
                ]
            }
        )
    }


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def model():
    return script(clock="real", phases={"forward": {"duration_ns": CALL * 1e9}})


def args(*more, window="400ms", trials=4):
    """A short run; without the traffic pass unless a test asks for it."""
    passes = ["--metrics", ",".join(["time", "cost", "energy", *more])]
    limits = ["--budget", "1s", "--invocations", "1"]
    return [*limits, *passes, "--energy-window", window, "--energy-trials", trials]


def test_known_watts_come_out(tmp_path):
    (record,) = run_to_end(tmp_path, model(), *args(), environment=sensors())
    gross = metric(record, "energy.gross")
    seconds = metric(record, "latency")["value"]
    # A call takes its latency and the little between two calls.
    assert WATTS * seconds <= gross["value"] * (1 + gross["quantisation"])
    assert gross["value"] == pytest.approx(WATTS * seconds, rel=0.1)
    assert gross["source"] == "counter" and gross["n"] == 4 and gross["interval"] == "between_trials"
    assert gross["systematic"] == 0.02 and gross["quantisation"] < 0.03
    mean = metric(record, "power.mean")
    assert mean["value"] == pytest.approx(WATTS, rel=mean["quantisation"])
    for name in ("power.idle", "power.cold_idle", "power.peak"):
        assert metric(record, name)["value"] == pytest.approx(WATTS, rel=0.02)
    # What rests takes as much as what works, so nothing is left of the work.
    assert abs(metric(record, "energy.net")["value"]) < 0.02 * gross["value"]
    assert metric(record, "energy_per_sequence.gross")["unit"] == "J/sequence"
    assert record["validity"]["harness"]["energy"]["cpu_seconds"] > 0
    assert record["validity"]["harness"]["timing"]["wakeups"] > 0


def test_the_record_says_how_and_keeps_the_timeline(tmp_path):
    (record,) = run_to_end(
        tmp_path, model(), *args("traffic", trials=2), environment=sensors()
    )
    energy = phase(record)["energy"]
    assert energy["boundary"] == "CPU packages"
    assert [meter["id"] for meter in energy["meters"] if meter["primary"]] == ["package-0"]
    (counter, power) = energy["meters"][0]["calibration"]
    assert counter["valid"] and counter["cross_check"] == pytest.approx(1, abs=0.05)
    assert power["read_seconds"] > 0
    assert len(energy["trials"]) == 2
    timeline = json.loads((tmp_path / "run" / energy["timeline"]).read_text())
    names = {series["id"] for series in timeline["series"]}
    assert {"package-0", "package-0/power", "temperature"} <= names
    assert [mark["name"] for mark in timeline["marks"]][-1] == "forward, trial 2"
    state = record["invocations"][0]["state"]["domains"]
    assert state["temperature"]["start"] == 50
    traffic = phase(record)["traffic"]
    assert traffic["idle"]["dram-0/read"] == pytest.approx(1e9, rel=0.01)
    assert metric(record, "traffic.dram")["source"] == "counter"


def test_calibration_is_remembered(tmp_path):
    run_to_end(tmp_path / "a", model(), *args(trials=1), environment=sensors())
    (record,) = run_to_end(tmp_path / "b", model(), *args(trials=1), environment=sensors())
    timeline = json.loads(
        (tmp_path / "b" / "run" / phase(record)["energy"]["timeline"]).read_text()
    )
    assert [mark["name"] for mark in timeline["marks"]] == ["forward, trial 1"]


def test_a_window_below_the_counters_period_is_null_with_its_reason(tmp_path):
    slow = {"RIDGELINE_SENSOR_SCRIPT": json.dumps(
        {"domains": [{"id": "package-0", "kind": "energy", "scope": "package", "power": 9, "period": 1}]}
    )}
    (record,) = run_to_end(tmp_path, model(), *args(window="200ms", trials=1), environment=slow)
    gross = metric(record, "energy.gross")
    assert gross["value"] is None
    assert "shorter than the sensor's update period" in gross["reason"]
    assert "--energy-window" in gross["enable"]
    assert record["outcome"]["status"] == "ok"


def test_a_reset_is_told_and_its_trial_stays_right(tmp_path):
    script_of_reset = sensors(start=1e6, resets=[n / 10 for n in range(1, 400, 3)])
    (record,) = run_to_end(tmp_path, model(), *args(trials=3), environment=script_of_reset)
    assert "counter_reset" in {flag["id"] for flag in record["validity"]["flags"]}
    mean = metric(record, "power.mean")
    assert mean["value"] == pytest.approx(WATTS, rel=mean["quantisation"])


def test_a_counter_that_lies_is_not_used(tmp_path):
    (record,) = run_to_end(tmp_path, model(), *args(), environment=sensors(power=WATTS / 15.3))
    assert "sensor_disagrees" in {flag["id"] for flag in record["validity"]["flags"]}
    assert metric(record, "energy.gross")["source"] == "sampled"
    assert metric(record, "power.mean")["value"] == pytest.approx(WATTS, rel=0.02)


def test_without_sensors_all_is_null_with_reason_and_advice_and_nothing_fails(tmp_path):
    (record,) = run_to_end(tmp_path, model(), "--budget", "2s", "--invocations", "2", "--sensors", "none")
    for name, value in phase(record)["metrics"].items():
        if name.startswith(("energy", "power", "bandwidth")):
            assert value["value"] is None and value["reason"] and value["enable"], name
    assert metric(record, "traffic.dram")["source"] == "modelled"
    assert record["outcome"]["status"] == "ok"


def test_virtual_time_has_no_energy(tmp_path):
    (record,) = run_to_end(tmp_path, script(), *args(trials=1), environment=sensors())
    assert "not of this machine's clock" in metric(record, "energy.gross")["reason"]


def test_ctrl_c_in_the_energy_pass_keeps_the_run_resumable(tmp_path):
    import signal
    import time

    folder = tmp_path / "run"
    with Run(model(), *args(window="20s"), "--output", folder, environment=sensors()) as run:
        time.sleep(4)
        run.process.send_signal(signal.SIGINT)
        assert run.finish(timeout=10) == 130
        run.assert_left_nothing()
    assert (folder / "records.jsonl").exists()
    assert validate_file(folder / "records.jsonl") is not None


def test_an_unknown_sensor_is_a_wrong_usage(tmp_path):
    with Run(model(), "--sensors", "rappl", "--output", tmp_path / "run") as run:
        assert run.finish() == 2
        assert "rapl" in run.stderr
    assert not (tmp_path / "run").exists()
