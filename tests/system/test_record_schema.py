"""The schema of records accepts what Ridgeline builds and refuses what breaks its rules."""

import copy
import json
import pathlib

import pytest

from support import schema

APPROVED = pathlib.Path(__file__).resolve().parents[1] / "unit" / "results" / "approved.jsonl"


@pytest.fixture(scope="module")
def records():
    return [json.loads(line) for line in APPROVED.read_text().splitlines()]


def test_accepts_the_approved_records(records):
    assert len(records) == 2
    for record in records:
        schema.validate(record)


@pytest.mark.parametrize("mode", ["compile", None])
def test_accepts_an_engine_with(records, mode):
    record = copy.deepcopy(records[0])
    record["engine"]["mode"] = mode
    schema.validate(record)


def at(record, path):
    for key in path[:-1]:
        record = record[key]
    return record, path[-1]


LATENCY = ["phases", 0, "metrics", "latency"]
ABSENT = ["phases", 0, "metrics", "energy.gross"]
RATE = ["phases", 0, "metrics", "throughput.sequence"]


@pytest.mark.parametrize(
    "path, value",
    [
        (["schema"], "ridgeline/2"),
        (["id"], "xyz"),
        (["extra"], 1),
        (["created"], "yesterday"),
        (["engine"], None),
        (["engine", "mode"], ""),
        (["engine", "mode"], 3),
        (["model"], None),
        (["model", "synthetic"], False),
        (["phases"], []),
        (["workload", "batch"], 0),
        (["configuration", "extra"], 1),
        (["ceilings"], {}),
        (["ceilings", "reason"], None),
        (["ceilings", "measured"], {}),
        (["outcome", "status"], "fine"),
        (["outcome", "class"], "crash"),
        (["outcome"], {"status": "failed", "class": None, "reason": None, "remedy": None}),
        (["stop_rule", "ended_by"], "luck"),
        (["optimizations", 1, "reason"], ""),
        (["invocations", 0, "phases", "forward", "stop_rule"], "luck"),
        (["invocations", 0, "phases", "forward", "rows"], [1]),
        (LATENCY + ["value"], None),
        (LATENCY + ["value"], "fast"),
        (LATENCY + ["unit"], "ms"),
        (LATENCY + ["unit"], ""),
        (LATENCY + ["source"], "guess"),
        (LATENCY + ["source"], None),
        (LATENCY + ["source"], "derived"),
        (LATENCY + ["inputs"], ["forward.latency"]),
        (LATENCY + ["reason"], "none"),
        (LATENCY + ["ci95"], [1]),
        (LATENCY + ["interval"], None),
        (LATENCY + ["extra"], 1),
        (ABSENT + ["reason"], ""),
        (ABSENT + ["value"], 0),
        (ABSENT + ["ci95"], [1, 2]),
        (RATE + ["inputs"], []),
        (RATE + ["weakest"], "derived"),
        (["phases", 0, "metrics", "Latency"], {"value": 1, "unit": "s", "source": "timed"}),
        (["cost", "forward", "flops"], -1),
        (["validity", "flags", 0, "severity"], "bad"),
    ],
)
def test_refuses_a_record_with(records, path, value):
    record = copy.deepcopy(records[0])
    parent, key = at(record, path)
    parent[key] = value
    assert schema.errors(record)


@pytest.mark.parametrize(
    "path",
    [
        ["id"],
        ["digest"],
        LATENCY + ["unit"],
        LATENCY + ["interval"],
        ABSENT + ["reason"],
        RATE + ["inputs"],
        RATE + ["weakest"],
        ["optimizations", 1, "reason"],
    ],
)
def test_refuses_a_record_without(records, path):
    record = copy.deepcopy(records[0])
    parent, key = at(record, path)
    del parent[key]
    assert schema.errors(record)
