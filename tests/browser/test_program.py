"""The page that the program itself writes, opened as a reader would."""

import json

import pytest

from report_payloads import read_fixture
from support.program import ridgeline


@pytest.fixture
def run_folder(tmp_path):
    """A run folder with records that were measured."""
    data = read_fixture("h200_llama")
    folder = tmp_path / "run"
    folder.mkdir()
    lines = [json.dumps({**record, "machine": data["machine"]}) for record in data["records"]]
    (folder / "records.jsonl").write_text("\n".join(lines) + "\n")
    return folder


@pytest.mark.parametrize("assets", ["inline", "shared"])
def test_a_written_report_opens_offline_with_its_charts(tab, run_folder, tmp_path, assets):
    path = tmp_path / "out" / "report.html"
    path.parent.mkdir()
    ridgeline("report", run_folder, "--assets", assets, "--output", path)
    shared = ["plotly.min.js"] if assets == "shared" else []
    assert sorted(one.name for one in path.parent.iterdir()) == [*shared, "report.html"]
    tab.open(path)
    tab.draw_all()
    states = tab.eval("Object.fromEntries([...document.querySelectorAll('.plot')]"
                      ".map((one) => [one.id, one.dataset.state]))")
    for name in ("roofline", "waterfall", "speedup"):
        assert states[f"plot-{name}"] == "drawn", states
    assert tab.eval("document.querySelectorAll('table.cases tbody tr').length") == 6
    assert tab.eval("document.querySelectorAll('#limits-list .case').length") == 3
    assert tab.problems() == []
    if assets == "shared":
        # Alone it still says everything in words.
        (path.parent / "plotly.min.js").unlink()
        tab.open(path)
        assert "plotly.min.js is not beside this file" in tab.eval("document.body.innerText")
        assert tab.eval("document.querySelectorAll('table.cases tbody tr').length") == 6
