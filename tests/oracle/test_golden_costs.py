"""FLOPs and parameters of published models, written down apart from our counter and from torch's: the
table was made with torch.utils.flop_counter on the meta device, eager attention."""

import csv
import pathlib

import pytest

DATA = pathlib.Path(__file__).resolve().parents[1] / "data"
ROWS = list(csv.DictReader((DATA / "flops.csv").open()))


@pytest.mark.parametrize(
    "row", ROWS, ids=[f"{r['model']}-{r['architecture']}-{r['phase']}-{i}" for i, r in enumerate(ROWS)])
def test_cost_equals_the_golden_counts(row, engine):
    workload = dict(part.split("=") for part in row["workload"].split())
    workload = {key: int(value) for key, value in workload.items()}
    # A preset, or else a folder with a published config.
    folder = DATA / "configs" / row["model"]
    model = str(folder) if folder.exists() else row["model"]
    cost = engine.request("cost", model=model, architecture=row["architecture"],
                          dtype="float32", device="cpu", weights="meta",
                          workload={"new_tokens": 1, **workload})
    phase = cost["phases"][row["phase"]]
    assert (phase["flops"], phase["parameters"]) == (int(row["flops"]), int(row["parameters"]))
