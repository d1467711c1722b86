"""The command line: help, wrong usage, exit codes, what goes to stdout and what to stderr."""

import json
import pathlib
import shutil
import subprocess
import time

import pytest

from support.program import BIN, assert_one_clear_line, ridgeline, ridgeline_json
from support.schema import validate
from support.scripted import script

COMMANDS = [
    "run", "machine", "peaks", "list", "cost", "prepare", "forward", "generate", "synthesize", "verify",
]
KINDS = ["families", "presets", "suites", "engines", "optimizations", "metrics"]


# --- help ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [None, *COMMANDS])
def test_help_is_quick(command):
    words = [command, "--help"] if command else ["--help"]
    seconds = []
    for _ in range(5):
        begin = time.perf_counter()
        done = ridgeline(*words)
        seconds.append(time.perf_counter() - begin)
        assert "Usage: ridgeline" in done.stdout
        assert done.stderr == ""
    assert min(seconds) < 0.05


def test_help_names_every_command():
    text = ridgeline("--help").stdout
    for command in COMMANDS:
        assert f"\n  {command} " in text


def test_version_is_one_line():
    assert ridgeline("--version").stdout.startswith("ridgeline 0.")


def test_the_coordinator_links_no_framework():
    libraries = subprocess.run(
        ["ldd", BIN / "ridgeline"], capture_output=True, text=True, check=True
    ).stdout
    assert "libc.so" in libraries
    for name in ("torch", "c10", "python", "cuda", "gomp"):
        assert name not in libraries


# --- wrong usage --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words, says",
    [
        ([], "subcommand"),
        (["nonsense"], ""),
        (["run"], "no model"),
        (["run", "--nonsense"], "--nonsense"),
        (["run", "minilm-l6", "--budget"], "--budget"),
        (["run", "minilm-l6", "--budget", "5"], "unit"),
        (["run", "minilm-l6", "--budget", "-5s"], "--budget"),
        (["run", "minilm-l6", "--dtype", "float23"], "did you mean float32"),
        (["run", "minilm-l6", "--weights", "real"], "--weights"),
        (["run", "minilm-l6", "--batch", "0"], "--batch"),
        (["run", "minilm-l6", "--batch", "1,x"], "'x'"),
        (["run", "minilm-l6", "--batch", "8-1"], "--batch"),
        (["run", "minilm-l6", "--sequence", "99999999999999999999"], "--sequence"),
        (["run", "minilm-l6", "--sequence", "8", "--text", "a"], "--text"),
        (["run", "minilm-l6", "--text-file", "/nowhere.txt"], "/nowhere.txt"),
        (["run", "vit-b16", "--image", "/nowhere.png"], "/nowhere.png"),
        (["run", "vit-b16", "--image", ""], "--image"),
        (["run", "vit-b16", "--image-size", "0"], "--image-size"),
        (["run", "whisper-tiny", "--audio", "/nowhere.wav"], "/nowhere.wav"),
        (["run", "whisper-tiny", "--audio-seconds", "x"], "--audio-seconds"),
        (["run", "llama-124m", "--depth", "8-2"], "--depth"),
        (["run", "llama-124m", "--new-tokens", "0"], "--new-tokens"),
        (["run", "llama-124m", "--chat"], "--text"),
        (["run", "minilm-l6", "--threads", "-1"], "--threads"),
        (["run", "minilm-l6", "--cores", "5-2"], "--cores"),
        (["run", "minilm-l6", "--invocations", "0"], "--invocations"),
        (["run", "minilm-l6", "--precision", "0"], "--precision"),
        (["run", "minilm-l6", "--warmup", "soon"], "--warmup"),
        (["run", "minilm-l6", "--metrics", "joy"], "--metrics"),
        (["run", "minilm-l6", "--suite", "quikc"], "quick"),
        (["run", "--plan", "/nowhere.toml"], "/nowhere.toml"),
        (["run", "--resume", "/nowhere"], "/nowhere"),
        (["run", "--resume", "/nowhere", "--seed", "1"], "--resume"),
        (["list", "nonsense"], "nonsense"),
        (["machine", "extra"], "extra"),
        (["cost"], "MODEL"),
        (["cost", "minilm-l6", "bert-base"], ""),
        (["cost", "minilm-l6", "--batch", "1,2"], "one value"),
        (["cost", "minilm-l6", "--dtype", "int9"], "int9"),
        (["prepare", "minilm-l6", "--outputs", "out"], "nothing to prepare"),
        (["prepare", "minilm-l6", "--text", "a"], "--outputs"),
        (["prepare", "vit-b16", "--image", "/nowhere.png", "--outputs", "out"], "/nowhere.png"),
        (["prepare", "whisper-tiny", "--audio", "/nowhere.wav", "--outputs", "out"], "/nowhere"),
        (["prepare", "minilm-l6", "--text", "a", "--outputs", "/nowhere/out"], "/nowhere"),
        (["forward", "minilm-l6", "--outputs", "out"], "--inputs"),
        (["forward", "minilm-l6", "--inputs", "/nowhere.st", "--outputs", "out"], "/nowhere.st"),
        (["generate"], "MODEL"),
        (["generate", "llama-124m", "--text", "a"], "--max-new-tokens"),
        (["generate", "llama-124m", "--max-new-tokens", "4"], "--text"),
        (["generate", "llama-124m", "--max-new-tokens", "0", "--text", "a"], "--max-new-tokens"),
        (["synthesize", "minilm-l6", "--outputs", "/nowhere/out"], "/nowhere"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_is_one_line_and_makes_nothing(tmp_path, words, says):
    done = ridgeline(*words, check=False, cwd=tmp_path)
    assert_one_clear_line(done, code=2)
    assert says in done.stderr
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["run", "cost", "list"])
def test_an_engine_that_is_not_installed_is_of_the_environment(tmp_path, command):
    model = [] if command == "list" else ["minilm-l6"]
    done = ridgeline(command, *model, "--engine", "nonsense", check=False, cwd=tmp_path)
    assert_one_clear_line(done, code=3)
    assert "nonsense" in done.stderr and "native" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_without_engines_what_needs_none_still_works(tmp_path):
    alone = tmp_path / "ridgeline"
    shutil.copy(BIN / "ridgeline", alone)

    def run(*words):
        return subprocess.run([alone, *words], capture_output=True, text=True, timeout=60)

    done = run("cost", "minilm-l6")
    assert_one_clear_line(done, code=3)
    machine = run("machine", "--json")
    assert machine.returncode == 0
    assert "missing" in json.loads(machine.stdout)["engine native"]
    assert run("list", "presets").returncode == 0


# --- list, machine, cost ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_list_shows(kind):
    rows = ridgeline_json("list", kind, "--json")
    assert rows and all(isinstance(row, dict) for row in rows)
    lines = ridgeline("list", kind).stdout.splitlines()
    assert len(lines) == len(rows) + 2  # a heading and a rule
    for row, line in zip(rows, lines[2:]):
        assert str(next(iter(row.values()))) in line


def test_list_shows_everything_together():
    everything = ridgeline_json("list", "--json")
    assert set(everything) == set(KINDS)
    for kind in KINDS:
        assert everything[kind] == ridgeline_json("list", kind, "--json")
    assert "minilm-l6" in [row["preset"] for row in everything["presets"]]
    assert {"native", "scripted"} <= {row["engine"] for row in everything["engines"]}
    assert {"threads", "attention"} <= {row["id"] for row in everything["optimizations"]}


def test_list_optimizations_of_another_engine():
    rows = ridgeline_json("list", "optimizations", "--engine", "scripted", "--json")
    assert [row["id"] for row in rows] == ["threads", "turbo"]


def test_machine_agrees_with_the_kernel():
    machine = ridgeline_json("machine", "--json")
    total = pathlib.Path("/proc/meminfo").read_text().split()[1]
    assert machine["memory"]["total_bytes"] == int(total) * 1024
    processors = pathlib.Path("/proc/cpuinfo").read_text().count("processor\t:")
    assert machine["cpu"]["logical_cpus"] == processors
    assert machine["engine native"]["torch"]
    assert len(machine["fingerprint"]) == 16
    for source in machine["sources"]:
        assert source["domains"] or source["absences"], source["name"]
        assert all(row["reason"] for row in source["absences"])
    text = ridgeline("machine").stdout
    assert machine["fingerprint"] in text
    assert machine["engine native"]["torch"] in text
    assert "\x1b" not in text


def test_cost_of_bert_base_is_the_golden_number():
    cost = ridgeline_json("cost", "bert-base", "--batch", 1, "--sequence", 128, "--json")
    assert cost["flops"] == 22_348_431_360
    assert cost["flops"] == cost["phases"]["forward"]["flops"]
    assert cost["flops"] == sum(op["flops"] for op in cost["ops"])
    eight = ridgeline_json("cost", "bert-base", "--batch", 8, "--sequence", 128, "--json")
    # The pooler and every layer see eight times the rows; the weights are the same.
    assert eight["flops"] == 8 * cost["flops"]
    assert eight["parameters"] == cost["parameters"]
    text = ridgeline("cost", "bert-base", "--batch", 1, "--sequence", 128).stdout
    assert "22.35 GFLOP" in text
    assert "attention" in text


# --- plans --------------------------------------------------------------------------------------


def dry_run(tmp_path, text, *flags, **kwargs):
    plan = tmp_path / "plan.toml"
    plan.write_text(text)
    return ridgeline("run", "--plan", plan, "--dry-run", *flags, **kwargs)


def test_a_plan_expands_lists_and_ranges(tmp_path):
    done = dry_run(
        tmp_path,
        """
        models = ["bert-base", "minilm-l6"]
        dtype = "float32,bfloat16"
        batch = "1-8*2"
        sequence = [128, "256-512+128"]
        budget = "2m"
        [optimize]
        auto = true
        attention = ["flash", "math"]
        """,
    )
    *cases, last = done.stdout.splitlines()
    assert len(cases) == 2 * 2 * 2 * 4 * 4
    assert last.startswith("128 cases of 8 configurations, 5 invocations each: 40 worker starts")
    assert "120s" in last or "2m" in last
    ids = [line.split()[0] for line in cases]
    assert len(set(ids)) == 128 and all(len(case) == 16 for case in ids)
    for batch in (1, 2, 4, 8):
        for sequence in (128, 256, 384, 512):
            wanted = f"batch={batch} sequence={sequence}"
            assert sum(line.endswith(wanted) for line in cases) == 8
    assert sum("attention=math" in line for line in cases) == 64
    assert sum("bfloat16" in line for line in cases) == 64
    assert done.stderr == ""


def test_a_flag_replaces_its_key(tmp_path):
    text = 'models = ["bert-base"]\nbatch = [1, 2, 4]\nsequence = 128\n'
    done = dry_run(tmp_path, text, "--batch", "16", "minilm-l6")
    *cases, _ = done.stdout.splitlines()
    assert len(cases) == 1
    assert "minilm-l6" in cases[0] and "batch=16 sequence=128" in cases[0]


def test_a_dry_run_makes_nothing(tmp_path):
    ridgeline("run", "minilm-l6", "--dry-run", "--output", tmp_path / "run", cwd=tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "text, where, says",
    [
        ('models = ["minilm-l6"]\nbtach = 2\n', ":2:", "did you mean batch"),
        ('models = ["minilm-l6"]\n\n\nbatch = "8-1"\n', ":4:", "batch"),
        ('models = ["minilm-l6"\nbatch = 2\n', ":2:", ""),
        ('models = ["minilm-l6"]\nbatch = 1.5\n', ":2:", "batch"),
        ('models = ["minilm-l6"]\nbudget = 5\n', ":2:", "budget"),
        ('models = ["minilm-l6"]\nsequence = 8\ntext = "a"\n', "", "text"),
        ("[models]\na = 1\n", ":1:", "models"),
        ("", "", "no model"),
        ("\x00\x01", ":1:", ""),
    ],
)
def test_a_wrong_plan_file_is_one_line_with_its_place(tmp_path, text, where, says):
    done = dry_run(tmp_path, text, check=False)
    assert_one_clear_line(done, code=2)
    assert f"plan.toml{where}" in done.stderr or not where
    assert says in done.stderr


# --- stdout is data, stderr is talk ---------------------------------------------------------------


def scripted(tmp_path, *flags):
    model = script()
    words = ["run", model, "--engine", "scripted", "--batch", "1,2", "--budget", "5s"]
    return ridgeline(*words, "--output", tmp_path / "run", *flags)


def test_json_on_stdout_is_the_records_and_nothing_else(tmp_path):
    done = scripted(tmp_path, "--json")
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(records) == 2
    for record in records:
        validate(record)
    kept = (tmp_path / "run/records.jsonl").read_text().splitlines()
    assert records == [json.loads(line) for line in kept]
    assert "invocation 1/" in done.stderr


def test_the_table_says_what_was_measured_on_what(tmp_path):
    text = scripted(tmp_path).stdout
    assert text.startswith("machine ")
    assert "synthetic!" in text
    assert "1.000 ± 0.000 ms" in text
    assert f"--output {tmp_path}/run" in text  # the command
    assert "\x1b" not in text


def test_quiet_is_quiet(tmp_path):
    done = scripted(tmp_path, "--quiet")
    assert done.stderr == ""
    assert "1.000 ± 0.000 ms" in done.stdout
