"""Where the time of a phase goes, op by op: the pass of a run, and engines that have none."""

import pytest

from support import schema
from support.program import ridgeline
from support.scripted import script


def records(folder, *args):
    """The records of a short run, valid by their schema."""
    ridgeline("run", *args, "--budget", "2s", "--invocations", "1", "--report", "none", "--quiet",
              "--output", folder)
    return schema.validate_file(folder / "records.jsonl")


def test_ops_of_a_call_add_up_to_what_it_took_in_their_pass(tmp_path):
    (record,) = records(tmp_path / "run", "minilm-l6", "--metrics", "time,ops")
    ops = record["phases"][0]["ops"]
    assert ops["calls"] >= 1
    assert 0.3 * ops["seconds"] < sum(op["seconds"] for op in ops["ops"]) <= ops["seconds"]
    calls = {op["op"]: op["calls"] for op in ops["ops"]}
    assert calls["attention"] == 6 and calls["layer_norm"] == 13  # six layers


@pytest.mark.parametrize("metrics", ["time", "time,cost"])
def test_without_being_asked_there_are_none(tmp_path, metrics):
    (record,) = records(tmp_path / "run", "minilm-l6", "--metrics", metrics)
    assert record["phases"][0]["ops"] is None


def test_an_engine_that_times_no_ops_says_so(tmp_path):
    reference = tmp_path / "script.json"
    reference.write_text(script(phases={"forward": {"duration_ns": 2_000_000}}))
    record = records(tmp_path / "run", reference, "--engine", "scripted")[0]
    assert "does not time single ops" in record["phases"][0]["ops"]["reason"]
