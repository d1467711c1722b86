"""FLOPs and parameters of published models, written down apart from our counter and from torch's: the
table was made with torch.utils.flop_counter on the meta device, eager attention."""

import csv
import pathlib

import pytest

TABLE = pathlib.Path(__file__).resolve().parents[1] / "data/flops.csv"
ROWS = list(csv.DictReader(TABLE.open()))


@pytest.mark.parametrize(
    "row", ROWS, ids=[f"{r['preset']}-{r['architecture']}-{r['phase']}-{i}" for i, r in enumerate(ROWS)])
def test_cost_equals_the_golden_counts(row, engine):
    workload = dict(part.split("=") for part in row["workload"].split())
    workload = {key: int(value) for key, value in workload.items()}
    cost = engine.request("cost", model=row["preset"], architecture=row["architecture"],
                          dtype="float32", device="cpu", workload={"new_tokens": 1, **workload})
    phase = cost["phases"][row["phase"]]
    assert (phase["flops"], phase["parameters"]) == (int(row["flops"]), int(row["parameters"]))
