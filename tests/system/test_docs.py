"""What the README, the docs and the examples show is run, as a reader would type it."""

import json
import os
import re
import subprocess
import sys

import pytest

from support import schema
from support.program import BIN, ROOT, ridgeline

BLOCK = re.compile(r"^```console\n(.*?)^```$", re.M | re.S)
ANY_BLOCK = re.compile(r"^```\w*\n(.*?)^```$", re.M | re.S)
SHOWN_RUN = re.compile(r"^(?:\$ )?(?:\S*/)?(ridgeline run .*)$", re.M)
NOT_RUN = "<!-- not run -->"


def commands_of(text):
    """Commands in console blocks, `$ ridgeline …` with continued lines, unless marked."""
    commands = []
    for block in BLOCK.finditer(text):
        if text[: block.start()].rstrip().endswith(NOT_RUN):
            continue
        for line in re.sub(r"\\\n\s*", "", block.group(1)).splitlines():
            if line.startswith("$ ridgeline "):
                commands.append(line[2:])
    return commands


def runs_shown_in(text):
    """`ridgeline run` in any block, executed or not: its flags must exist at least."""
    runs = [line for block in ANY_BLOCK.finditer(text)
            for line in SHOWN_RUN.findall(re.sub(r"\\\n\s*", "", block.group(1)))]
    return [re.sub(r"\s+#.*", "", line) for line in runs if "--resume" not in line]


def pages():
    everything = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
    return [path for path in everything if path.exists()]


def run_as_typed(command, folder, timeout=180):
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=timeout,
    )


@pytest.fixture
def workplace(tmp_path):
    """A folder as the commands are typed in: the repository's inputs and examples are there."""
    for name in ("data", "examples", "docs"):
        if (ROOT / name).exists():
            (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


# --- the reading itself -------------------------------------------------------------------------


SAMPLE = """
```console
$ ridgeline list
families
$ ridgeline run bert-base \\
    --budget 5s
$ make bench
```
<!-- not run -->

```console
$ ridgeline run --suite all
```

```toml
$ ridgeline nothing
```
"""


def test_finds_the_commands_of_a_page():
    assert commands_of(SAMPLE) == ["ridgeline list", "ridgeline run bert-base --budget 5s"]


def test_finds_the_runs_of_a_page():
    assert runs_shown_in(SAMPLE + "\n```\nbin/ridgeline run a b  # both\n```\n") == [
        "ridgeline run bert-base --budget 5s",
        "ridgeline run --suite all",
        "ridgeline run a b",
    ]


def test_sees_a_command_that_fails(tmp_path):
    assert run_as_typed("ridgeline list", tmp_path).returncode == 0
    assert run_as_typed("ridgeline nonsense", tmp_path).returncode == 2
    assert run_as_typed("ridgeline list presets | grep nonsense", tmp_path).returncode == 1


# --- what stands there --------------------------------------------------------------------------


@pytest.mark.parametrize("page", [pytest.param(page, id=page.name) for page in pages()])
def test_the_commands_of_a_page_work_in_order(page, workplace):
    for command in commands_of(page.read_text()):
        done = run_as_typed(command, workplace)
        assert done.returncode == 0, f"{command}\n{done.stderr}"


def shown_runs():
    return [pytest.param(run, id=f"{page.name}: {run}"[:80]) for page in pages()
            for run in runs_shown_in(page.read_text())]


@pytest.mark.parametrize("command", shown_runs())
def test_a_run_that_is_shown_is_a_plan(command, workplace):
    (workplace / "plan.toml").write_text('models = ["bert-base"]\n')
    done = run_as_typed(f"{command} --dry-run", workplace)
    assert done.returncode == 0, f"{command}\n{done.stderr}"
    assert " worker start" in done.stdout


def examples():
    """The scripts; `# not run` in one leaves it out."""
    scripts = [path for path in sorted((ROOT / "examples").glob("*.sh"))
               if "# not run" not in path.read_text()]
    return [pytest.param(path.name, id=path.stem) for path in scripts]


@pytest.mark.parametrize("name", examples())
def test_an_example_works_and_its_records_are_valid(name, workplace):
    done = run_as_typed(f"bash examples/{name}", workplace)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    folders = sorted(plan.parent for plan in (workplace / "runs").rglob("plan.json"))
    script = (ROOT / "examples" / name).read_text()
    assert len(folders) == len(re.findall(r"^ridgeline run", script, re.M))
    for folder in folders:
        for record in schema.validate_file(folder / "records.jsonl"):
            assert record["outcome"]["status"] == "ok", record["outcome"]


def test_there_is_an_example_for_every_modality():
    listed = json.loads(ridgeline("list", "families", "--json").stdout)
    assert {row["modality"] for row in listed} <= {row.id for row in examples()}


def plans():
    found = [(page.name, text) for page in pages()
             for text in re.findall(r"^```toml\n(.*?)^```$", page.read_text(), re.M | re.S)]
    found += [(path.name, path.read_text()) for path in sorted((ROOT / "examples").glob("*.toml"))]
    return [pytest.param(text, id=f"{name}-{number}") for number, (name, text) in enumerate(found)]


@pytest.mark.parametrize("text", plans())
def test_a_plan_that_is_shown_is_a_plan(text, workplace):
    (workplace / "plan.toml").write_text(text)
    done = ridgeline("run", "--plan", "plan.toml", "--dry-run", cwd=workplace)
    assert done.stdout.splitlines()[-1].split()[1] in ("case", "cases")


def test_every_key_of_a_plan_is_documented_and_is_a_flag():
    page = (ROOT / "docs/plan.md").read_text()
    table = page.split("## Keys")[1].split("\n## ")[0]
    keys = re.findall(r"^\| `(\w+)` \|", table, re.M)
    flags = set(re.findall(r"^  --([\w-]+)", ridgeline("run", "--help").stdout, re.M))
    other = {"plan", "resume", "dry-run", "json", "quiet", "report"}
    assert {key.replace("_", "-") for key in keys} - {"models"} == flags - other
    assert other <= flags and "models" in keys


def test_links_between_pages_lead_somewhere():
    for page in pages():
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} → {target}"


# --- the schema of records, where docs/record.md has more than the approved records ---------------


@pytest.fixture
def record():
    approved = ROOT / "tests/unit/results/approved.jsonl"
    return json.loads(approved.read_text().splitlines()[0])


WORKLOAD = {"depth": 128, "new_tokens": 32, "image_size": [224, 384], "audio_seconds": 3.05,
            "image": ["/a.png"], "audio": ["/a.wav"], "chat": True}


def test_the_schema_takes_every_member_of_a_workload(record):
    page = (ROOT / "docs/record.md").read_text().split("## The workload")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (`.*?) \|", page, re.M)
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    record["workload"].update(WORKLOAD)
    schema.validate(record)
    assert named - {"batch", "sequence", "text", "inputs"} == set(WORKLOAD)


@pytest.mark.parametrize("key, value", [
    ("depth", 0), ("new_tokens", "8"), ("image_size", [224]), ("image_size", 0.5),
    ("audio_seconds", -1), ("image", []), ("audio", "voice.wav"), ("chat", 1)])
def test_the_schema_refuses_a_workload_with(key, value, record):
    record["workload"][key] = value
    assert schema.errors(record)


@pytest.mark.parametrize("name, unit, wrong", [
    ("ttft", "s", "1"), ("tpot", "s", "token/s"), ("itl.p99", "s", "B"),
    ("real_time_factor", "1", "s"), ("throughput.image", "image/s", "image"),
    ("latency.p50", "s", "1")])
def test_the_schema_knows_the_units_of_a_phase(name, unit, wrong, record):
    metrics = record["phases"][0]["metrics"]
    metrics[name] = {"value": 1.5, "unit": unit, "source": "timed"}
    schema.validate(record)
    metrics[name]["unit"] = wrong
    assert schema.errors(record)


def test_the_page_of_metrics_is_the_glossary():
    done = subprocess.run([sys.executable, ROOT / "tools/make_metrics_doc.py", "--check"],
                          env={**os.environ, "RIDGELINE_BIN": str(BIN)}, capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, done.stderr
