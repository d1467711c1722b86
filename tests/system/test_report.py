"""Reports of whole runs: every format, several runs, hostile records, and files left alone."""

import csv
import io
import json
import os
import re
import signal
import subprocess
import time
import xml.etree.ElementTree as ElementTree

import pytest

from support import schema
from support.program import BIN, assert_one_clear_line, ridgeline
from support.scripted import Run, lines_of, script, wait_until

FORMATS = {
    "html": ["report.html"],
    "md": ["report.md"],
    "csv": ["report.csv"],
    "json": ["report.json"],
    "svg": ["roofline.svg", "bars.svg"],
}
EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\u2028=1+1"
LIMITS = ["--budget", "2s", "--invocations", "2", "--metrics", "time,cost"]


def measured(folder, *more, ms=1):
    """A finished run of the scripted engine."""
    model = script(phases={"forward": {"duration_ns": ms * 1_000_000}})
    with Run(model, *LIMITS, "--output", folder, *more) as run:
        assert run.finish() == 0, run.stderr
    return folder


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """One run that tests read and none changes."""
    return measured(tmp_path_factory.mktemp("finished") / "run")


def payload_of(page):
    """The data in a page; its element must be the only one of its kind."""
    found = re.findall(r'<script type="application/json" id="payload">(.*?)</script>', page, re.S)
    assert len(found) == 1
    return json.loads(found[0])


def json_report(*runs):
    return json.loads(ridgeline("report", *runs, "--format", "json", "--output", "-").stdout)


def rewritten(folder, source, change):
    """A run folder whose records are those of `source`, changed."""
    folder.mkdir()
    records = lines_of(source / "records.jsonl")
    for record in records:
        change(record)
    text = "".join(json.dumps(record) + "\n" for record in records)
    (folder / "records.jsonl").write_text(text)
    return folder


# --- by run itself --------------------------------------------------------------------------------


def test_run_writes_the_report_into_its_folder(tmp_path):
    folder = tmp_path / "run"
    with Run(script(), *LIMITS, "--output", folder) as run:
        assert run.finish() == 0, run.stderr
        assert f"report    {folder}/report.html" in run.stdout
    payload = payload_of((folder / "report.html").read_text())
    assert len(payload["cases"]) == 1
    assert payload["command"].startswith("ridgeline run")
    assert payload["cases"][0]["record"]["outcome"]["status"] == "ok"


def test_run_writes_what_it_is_asked_for(tmp_path):
    both = measured(tmp_path / "both", "--report", "html,md")
    assert (both / "report.html").exists() and (both / "report.md").exists()
    none = measured(tmp_path / "none", "--report", "none")
    assert not list(none.glob("report*"))
    done = ridgeline("run", script(), "--engine", "scripted", "--report", "pdf", check=False)
    assert_one_clear_line(done, code=2)


def test_a_run_that_was_interrupted_has_a_report_of_what_is_there(tmp_path):
    folder = tmp_path / "run"
    words = ["--budget", "20s", "--invocations", "3", "--output", folder]
    with Run(script(clock="real"), *words) as run:
        wait_until(lambda: lines_of(folder / "invocations.jsonl"), 30, "the first process")
        wait_until(run.workers, 5, "the next worker")
        time.sleep(0.2)
        run.process.send_signal(signal.SIGINT)
        assert run.finish(30) == 130
    case, = payload_of((folder / "report.html").read_text())["cases"]
    assert case["record"]["outcome"]["status"] == "partial"


def test_a_resumed_run_replaces_its_report(finished, tmp_path):
    folder = measured(tmp_path / "run")
    (folder / "report.html").write_text("<!-- ridgeline-report/1 -->")
    ridgeline("run", "--resume", folder)
    assert payload_of((folder / "report.html").read_text())["cases"]


def test_a_report_that_cannot_be_written_fails_the_run_and_keeps_its_records(tmp_path):
    folder = measured(tmp_path / "run")
    (folder / "report.html").write_text("my own page")
    done = ridgeline("run", "--resume", folder, check=False)
    assert done.returncode == 2
    assert "report.html is there and is no report" in done.stderr
    assert (folder / "report.html").read_text() == "my own page"
    assert len(lines_of(folder / "records.jsonl")) == 1


# --- the formats ----------------------------------------------------------------------------------


def test_every_format_of_a_run(finished, tmp_path):
    words = ["--format", ",".join(FORMATS), "--output", f"{tmp_path}/o/"]
    done = ridgeline("report", finished, *words)
    names = [name for names in FORMATS.values() for name in names]
    assert done.stdout.split() == [f"{tmp_path}/o/{name}" for name in names]
    assert sorted(path.name for path in (tmp_path / "o").iterdir()) == sorted(names)


def test_the_data_of_the_page_are_the_json_report(finished, tmp_path):
    page = tmp_path / "page.html"
    ridgeline("report", finished, "--output", page, "--title", "A title")
    data = payload_of(page.read_text())
    other = json_report(finished)
    assert data["title"] == "A title"
    for payload in (data, other):
        for key in ("title", "created", "command"):
            del payload[key]
    assert data == other


def test_the_data_agree_with_the_records(finished):
    payload = json_report(finished)
    assert payload["schema"] == "ridgeline-report/1"
    case, = payload["cases"]
    record, = lines_of(finished / "records.jsonl")
    schema.validate(record)
    assert case["id"] == record["id"]
    assert case["record"]["phases"] == record["phases"]
    assert "machine" not in case["record"]
    assert payload["machines"][case["machine_index"]] == record["machine"]
    assert case["analysis"]["phases"]["forward"]["limit"]["id"]
    for name in record["phases"][0]["metrics"]:
        assert payload["glossary"][name]["definition"], name
    for group in ("load", "memory"):
        for name in record[group]["metrics"]:
            assert payload["glossary"][f"{group}.{name}"]["definition"], name


def test_distributions_are_those_of_the_samples(finished):
    record, = lines_of(finished / "records.jsonl")
    data = json_report(finished)["cases"][0]["distributions"]["forward"]
    calls = [part["phases"]["forward"]["n"] for part in record["invocations"]]
    assert [one["n"] for one in data["invocations"]] == calls
    assert data["n"] == sum(calls) == sum(data["histogram"]["counts"])
    for one, part in zip(data["invocations"], record["invocations"]):
        assert len(one["quantiles"]) == 101
        assert one["quantiles"][50] == pytest.approx(part["phases"]["forward"]["median"], rel=1e-4)


def test_samples_that_are_gone_or_cut_are_a_reason(tmp_path):
    folder = measured(tmp_path / "run")
    first, second = sorted(folder.glob("samples/*/*-forward.bin"))
    first.unlink()
    os.truncate(second, 1000)
    data = json_report(folder)["cases"][0]["distributions"]["forward"]
    assert data["histogram"] is None and data["n"] == 0
    assert "No such file" in data["invocations"][0]["reason"]
    assert "cut short" in data["invocations"][1]["reason"]


def test_csv_has_the_values_of_the_record(finished):
    text = ridgeline("report", finished, "--format", "csv", "--output", "-").stdout
    row, = csv.DictReader(io.StringIO(text, newline=""))
    record, = lines_of(finished / "records.jsonl")
    metrics = record["phases"][0]["metrics"]
    assert row["id"] == record["id"] and row["phase"] == "forward"
    for name, metric in metrics.items():
        cell = row[f"phase.{name}"]
        assert (float(cell) if cell else None) == metric["value"], name
    assert float(row["phase.latency.ci95_low"]) == metrics["latency"]["ci95"][0]
    assert float(row["load.total"]) == record["load"]["metrics"]["total"]["value"]


def test_pictures_are_xml_with_words_for_screen_readers(finished, tmp_path):
    ridgeline("report", finished, "--format", "svg", "--output", f"{tmp_path}/")
    for name in FORMATS["svg"]:
        root = ElementTree.parse(tmp_path / name).getroot()
        kind = root.tag.removesuffix("svg")
        assert root.get("role") == "img"
        assert root.find(f"{kind}title").text and root.find(f"{kind}desc").text
        assert not list(root.iter(f"{kind}script"))


def test_shared_assets_lie_beside_the_page(finished, tmp_path):
    done = ridgeline("report", finished, "--assets", "shared", "--output", tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    if not (tmp_path / "plotly.min.js").exists():
        pytest.skip("this build has no plotly.js")
    assert len(done.stdout.split()) == 2
    assert '<script src="plotly.min.js"></script>' in page
    assert len(page) < 1_000_000


def test_timelines_of_the_energy_pass(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    package = {"id": "package-0", "kind": "energy", "scope": "package", "power": 120.0,
               "period": 0.001, "resolution": 6.1e-5, "systematic": 0.02}
    power = {"id": "package-0/power", "kind": "power", "scope": "package", "power": 120.0,
             "period": 0.01}
    monkeypatch.setenv("RIDGELINE_SENSOR_SCRIPT", json.dumps({"domains": [package, power]}))
    model = script(clock="real", phases={"forward": {"duration_ns": 2_000_000}})
    folder = tmp_path / "run"
    with Run(model, "--budget", "1s", "--invocations", "1", "--metrics", "time,energy",
             "--energy-window", "300ms", "--energy-trials", "2", "--output", folder) as run:
        assert run.finish() == 0, run.stderr
    timeline = json_report(folder)["cases"][0]["timeline"]["forward"]
    assert [mark["name"] for mark in timeline["marks"]] == ["trial 1", "trial 2"]
    series, = timeline["series"]
    assert series["primary"] and series["how"] == "read"
    assert len(series["seconds"]) == len(series["values"]) <= 400 and series["of"] > 0
    assert all(value is None or 100 < value < 140 for value in series["values"])
    for mark in timeline["marks"]:
        assert mark["end"] - mark["begin"] == pytest.approx(0.3, abs=0.05)


# --- several runs, damaged ones -------------------------------------------------------------------


def test_several_runs_are_one_report(finished, tmp_path):
    other = rewritten(tmp_path / "other", finished, lambda record: None)
    payload = json_report(finished, other)
    assert [case["run"] for case in payload["cases"]] == [0, 1]
    ids = {case["id"] for case in payload["cases"]}
    labels = {case["label"] for case in payload["cases"]}
    assert len(ids) == 1 and len(labels) == 2
    assert len(payload["runs"]) == 2 and len(payload["machines"]) == 1


def test_a_file_of_records_is_a_run(finished):
    payload = json_report(finished / "records.jsonl")
    assert payload["cases"][0]["distributions"]["forward"]["n"] > 0


def test_damaged_lines_are_named_and_the_rest_goes_on(finished, tmp_path):
    text = (finished / "records.jsonl").read_text()
    broken = tmp_path / "broken.jsonl"
    broken.write_text("{nonsense\n" + text + text[: len(text) // 2])
    done = ridgeline("report", broken, "--format", "json", "--output", "-")
    assert len(json.loads(done.stdout)["cases"]) == 1
    lines = done.stderr.splitlines()
    assert len(lines) == 2
    assert "broken.jsonl:1" in lines[0]
    assert "broken.jsonl:3: the last line was cut short" in lines[1]


@pytest.mark.parametrize("content", ["", "\n\n", "{}\n", "[[[[\n", "\0\0\0"])
def test_nothing_to_report_is_wrong_usage(content, tmp_path):
    file = tmp_path / "records.jsonl"
    file.write_text(content)
    done = ridgeline("report", file, check=False, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == "ridgeline: there is nothing to report"
    assert not (tmp_path / "report.html").exists()


def test_hostile_strings_stay_text(finished, tmp_path):
    def poison(record):
        record["model"]["reference"] = EVIL
        record["configuration"]["model"] = EVIL
        record["command"] = EVIL
        record["phases"][0]["name"] = EVIL
        record["outcome"] = {"status": "failed", "class": EVIL, "reason": EVIL, "remedy": EVIL}
        record["validity"]["flags"] = [{"id": EVIL, "severity": "warn", "detail": EVIL}]
        refused = {"id": EVIL, "requested": EVIL, "applied": False, "reason": EVIL}
        record["optimizations"] = [refused]

    folder = rewritten(tmp_path / "evil", finished, poison)
    clean = tmp_path / "clean.html"
    ridgeline("report", finished, "--output", clean, "--title", "t")
    ridgeline("report", folder, "--format", ",".join(FORMATS), "--output", f"{tmp_path}/o/",
              "--title", EVIL)
    page = (tmp_path / "o/report.html").read_text()
    # As many scripts as a harmless page has, and the data come back as they were.
    for word in ("<script", "</script", "<img", "alert(1)</"):
        assert page.count(word) == clean.read_text().count(word), word
    assert payload_of(page)["cases"][0]["record"]["model"]["reference"] == EVIL
    assert "\u2028" not in page
    for name in FORMATS["svg"]:
        elements = ElementTree.parse(tmp_path / "o" / name).iter()
        tags = {element.tag.rpartition("}")[2] for element in elements}
        assert tags <= {"svg", "title", "desc", "style", "rect", "line", "polyline", "polygon",
                        "circle", "text"}
    markdown = (tmp_path / "o/report.md").read_text()
    # Within a span of code (the command) markup is text.
    outside = re.sub(r"`[^`\n]*`", "", markdown)
    assert "<script" not in outside and "<img" not in outside
    row, = csv.DictReader(io.StringIO((tmp_path / "o/report.csv").read_text(), newline=""))
    assert row["model"] == EVIL and row["phase"] == EVIL


def test_paths_of_a_record_do_not_leave_its_folder(finished, tmp_path):
    def climb(record):
        for part in record["invocations"]:
            part["phases"]["forward"]["samples"] = "../run/samples/x.bin"
        record["phases"][0]["energy"] = {"timeline": "/etc/passwd", "meters": []}

    case, = json_report(rewritten(tmp_path / "climbs", finished, climb))["cases"]
    assert "outside of its run folder" in case["distributions"]["forward"]["reason"]
    assert "outside of its run folder" in case["timeline"]["forward"]["reason"]


# --- files ----------------------------------------------------------------------------------------


def test_the_report_of_one_run_folder_goes_into_it(tmp_path):
    folder = measured(tmp_path / "run", "--report", "none")
    done = ridgeline("report", folder, cwd=tmp_path)
    assert done.stdout.strip() == f"{folder}/report.html"
    done = ridgeline("report", folder / "records.jsonl", cwd=tmp_path)
    assert (tmp_path / "report.html").exists()


def test_foreign_files_are_left_alone(finished, tmp_path):
    mine = tmp_path / "mine.html"
    mine.write_text("<html>mine</html>")
    done = ridgeline("report", finished, "--output", mine, check=False)
    assert_one_clear_line(done, code=2)
    assert mine.read_text() == "<html>mine</html>"
    ridgeline("report", finished, "--output", mine, "--force")
    ridgeline("report", finished, "--output", mine)
    assert payload_of(mine.read_text())


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
def test_a_device_is_never_replaced(finished):
    done = ridgeline("report", finished, "--output", "/dev/full", "--force", check=False)
    assert_one_clear_line(done, code=2)
    assert os.path.exists("/dev/full") and not os.path.isfile("/dev/full")


def test_a_disk_that_refuses_leaves_no_half_written_file(finished, tmp_path):
    target = tmp_path / "page.html"
    ridgeline("report", finished, "--output", target)
    before = target.read_text()
    # Files above 100 kB cannot be written, whoever asks.
    program = BIN / "ridgeline"
    command = f"trap '' XFSZ; ulimit -f 100; exec {program} report {finished} --output {target}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert done.returncode == 3, done.stderr
    assert target.read_text() == before
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def test_a_folder_that_cannot_be_made_is_a_lack_of_the_environment(finished, tmp_path):
    (tmp_path / "file").write_text("x")
    done = ridgeline("report", finished, "--output", tmp_path / "file/deep/page.html", check=False)
    assert_one_clear_line(done, code=3)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_a_lack_of_the_environment(finished, tmp_path):
    tmp_path.chmod(0o500)
    done = ridgeline("report", finished, "--output", tmp_path / "page.html", check=False)
    tmp_path.chmod(0o700)
    assert_one_clear_line(done, code=3)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "words",
    [
        ["--format", "pdf"],
        ["--format", ""],
        ["--format", "svg", "--output", "-"],
        ["--format", "html,md", "--output", "-"],
        ["--assets", "shared", "--output", "-"],
        ["--assets", "cdn"],
    ],
)
def test_wrong_flags_are_wrong_usage(words, finished, tmp_path):
    assert_one_clear_line(ridgeline("report", finished, *words, check=False, cwd=tmp_path), code=2)


def test_missing_runs_are_wrong_usage(tmp_path):
    assert_one_clear_line(ridgeline("report", check=False), code=2)
    assert_one_clear_line(ridgeline("report", tmp_path / "none", check=False), code=2)
    assert_one_clear_line(ridgeline("report", tmp_path, check=False), code=2)


def test_the_help_says_what_is_written():
    text = ridgeline("report", "--help").stdout
    for word in ("report.html", "roofline.svg", "--assets", "SI base units", "Examples:"):
        assert word in text
