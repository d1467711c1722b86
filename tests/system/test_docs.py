"""What the README, the docs and the examples show is run, as a reader would type it."""

import os
import re
import subprocess

import pytest

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


def test_the_examples_work(workplace):
    """All of a script, in a folder of its own; `# not run` in it leaves it out."""
    for example in sorted((ROOT / "examples").glob("*.sh")):
        text = example.read_text()
        if "# not run" in text:
            continue
        folder = workplace / example.stem
        folder.mkdir()
        done = run_as_typed(text, folder)
        assert done.returncode == 0, f"{example.name}\n{done.stdout}\n{done.stderr}"


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
    other = {"plan", "resume", "dry-run", "json", "quiet"}
    assert {key.replace("_", "-") for key in keys} - {"models"} == flags - other
    assert other <= flags and "models" in keys


def test_links_between_pages_lead_somewhere():
    for page in pages():
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} → {target}"
