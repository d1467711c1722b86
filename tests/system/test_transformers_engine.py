"""The worker for transformers, driven through the protocol: what it answers, against transformers
itself and against the native engine."""

import importlib
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import time
import types

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from support import tiny
from support.engine import Engine
from support.program import ROOT, ridgeline
from support.schema import validate_file
from support.scripted import metric

PROGRAM = ROOT / "engines/transformers/ridgeline-engine-transformers"
HEADER = struct.Struct("<8sIIQQQ24x")
ROW = struct.Struct("<IIqqqqd")
TOLERANCE = 1e-4
ONE_THREAD = [{"id": "threads", "value": 1}]
FAMILIES = ("bert/base", "vit/image-classification", "clip/pair", "whisper/seq2seq", "llama/gqa")


class WorkerError(Exception):
    """The worker's error reply, as it is."""

    def __init__(self, reply):
        super().__init__(reply["message"])
        self.reply = reply


class Worker:
    """A worker in a process group of its own, as the coordinator starts it."""

    def __init__(self, log, **environment):
        self.log = log
        ours, theirs = os.pipe(), os.pipe()
        command = f"exec '{PROGRAM}' 3<&{ours[0]} 4>&{theirs[1]}"
        with open(log, "w") as output:
            self.process = subprocess.Popen(
                ["bash", "-c", command], pass_fds=(ours[0], theirs[1]), stdin=subprocess.DEVNULL,
                stdout=output, stderr=output, start_new_session=True,
                env={**os.environ, "RIDGELINE_ENGINE_PYTHON": sys.executable, **environment},
            )  # fmt: skip
        os.close(ours[0])
        os.close(theirs[1])
        self.requests = os.fdopen(ours[1], "wb", buffering=0)
        self.replies = os.fdopen(theirs[0])
        self.count = 0
        self.events = []

    def send(self, message, **fields):
        """Sends without waiting."""
        self.count += 1
        line = {"message": message, "id": self.count, **fields}
        self.requests.write(json.dumps(line).encode() + b"\n")

    def next_line(self):
        line = self.replies.readline()
        assert line, f"the worker died: {self.process.wait()}\n{open(self.log).read()}"
        return json.loads(line)

    def reply(self):
        """The next reply; events before it are kept, an error is raised."""
        self.events = []
        while True:
            line = self.next_line()
            if "event" in line:
                self.events.append(line)
                continue
            assert line["id"] == self.count, line
            if line["reply"] == "error":
                raise WorkerError(line)
            return line

    def ask(self, message, **fields):
        self.send(message, **fields)
        return self.reply()

    def load(self, model, optimizations=(), **fields):
        knobs = [*ONE_THREAD, *optimizations]
        return self.ask("load", model=str(model), optimizations=knobs, **fields)

    def close(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.requests.close()
        self.replies.close()


@pytest.fixture(scope="module")
def worker(tmp_path_factory):
    """One worker for all tests that leave it alive: it says hello once."""
    made = Worker(tmp_path_factory.mktemp("worker") / "log")
    made.hello = made.ask("hello", protocol=1)
    yield made
    made.close()


@pytest.fixture
def fresh(tmp_path):
    """Makes workers that end with the test."""
    made = []

    def start(**environment):
        made.append(Worker(tmp_path / f"log{len(made)}", **environment))
        return made[-1]

    yield start
    for one in made:
        one.close()


def row_of(name):
    return next(row for row in tiny.variants() if row["id"] == name)


def config_folder(folder, name, **over):
    row = row_of(name)
    folder.mkdir()
    config = {**row["config"], "architectures": [row["architecture"]], **over}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    """{row id: a folder that transformers saved}, with the models of tiny.py."""
    root = tmp_path_factory.mktemp("checkpoints")
    folders = {}
    for name in FAMILIES:
        folders[name] = root / name.replace("/", "-")
        tiny.model_of(name).save_pretrained(folders[name])
    return folders


def sample_file(path, capacity=64):
    """An empty sample file, as the coordinator makes it."""
    header = HEADER.pack(b"RLSAMPLE", 1, ROW.size, capacity, 0, 0)
    path.write_bytes(header + bytes(capacity * ROW.size))
    return path


def rows_in(path):
    """(count, dropped, complete rows)."""
    data = path.read_bytes()
    *_, count, dropped = HEADER.unpack_from(data)
    return count, dropped, [ROW.unpack_from(data, 64 + ROW.size * i) for i in range(count)]


def error_of(ask):
    with pytest.raises(WorkerError) as caught:
        ask()
    reply = caught.value.reply
    assert "\n" not in reply["message"] and "Traceback" not in reply["message"]
    return reply


# --- Hello ----------------------------------------------------------------------------------------


def test_hello_names_versions_devices_and_knobs(worker):
    hello = worker.hello
    assert hello["name"] == "transformers" and hello["protocol"] == 1
    assert hello["pid"] == hello["pgid"] == worker.process.pid
    assert hello["version"] in ridgeline("--version").stdout
    versions = hello["versions"]
    # A wheel's own name leaves out what it was built for: 2.13.0 of 2.13.0+cu130.
    assert torch.__version__.startswith(versions["torch"])
    assert versions["transformers"] == transformers.__version__
    assert versions["python"] == sys.version.split()[0]
    assert hello["devices"][0] == {"kind": "cpu", "ordinal": 0, "name": "cpu"}
    assert {"load", "plan", "run", "stop", "memory", "forward", "generate", "verify"} <= set(
        hello["abilities"]["messages"]
    )
    knobs = {knob["id"]: knob for knob in hello["knobs"]}
    assert {"threads", "cores", "compile", "attention", "cache", "tf32"} == set(knobs)
    assert all({"values", "default", "stage", "lossless"} <= set(knob) for knob in knobs.values())


def test_requests_that_break_the_protocol_are_answered(worker):
    for line, says in {
        b"{": "JSON", b"[1]": "message", b'{"message":"load"}': "id",
        b'{"message":3,"id":1}': "message", b'{"message":"load","id":1,"id":2}': "twice",
        b'{"message":"x","id":1,"y":NaN}': "NaN", b"[" * 200 + b"]" * 200: "deep",
    }.items():  # fmt: skip
        worker.requests.write(line + b"\n")
        reply = worker.next_line()
        assert (reply["reply"], reply["id"], reply["class"]) == ("error", -1, "protocol"), line
        assert says in reply["message"], (line, reply)
    assert error_of(lambda: worker.ask("juggle"))["class"] == "unsupported"
    reply = error_of(lambda: worker.ask("hello", protocol=2))
    assert reply["class"] == "protocol" and "2" in reply["message"]


def test_an_environment_without_packages_is_one_clear_line(fresh, tmp_path):
    # The interpreter without its site-packages: no torch, no transformers.
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S -E "$@"\n')
    bare.chmod(0o755)
    reply = error_of(lambda: fresh(RIDGELINE_ENGINE_PYTHON=str(bare)).ask("hello", protocol=1))
    assert reply["class"] == "environment"
    assert "torch, transformers, safetensors" in reply["message"]
    assert "--engine-python" in reply["remedy"]
    missing = fresh(RIDGELINE_ENGINE_PYTHON='/no/such/"python"')
    reply = error_of(lambda: missing.ask("hello", protocol=1))
    assert reply["class"] == "environment" and '/no/such/"python"' in reply["message"]
    assert "--engine-python" in reply["remedy"]


# --- Loading --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FAMILIES)
def test_outputs_are_those_of_transformers(name, worker, checkpoints, tmp_path):
    row = row_of(name)
    loaded = worker.load(checkpoints[name])
    model = loaded["model"]
    assert model["architecture"] == row["architecture"] and model["family"] == row["family"]
    assert model["weights"]["source"] == "checkpoint"
    stages = {stage["name"]: stage["ns"] for stage in loaded["stages"]}
    assert {"import", "context", "read", "transfer"} <= set(stages)
    assert model["parameters"] == sum(p.numel() for p in tiny.model_of(name).parameters())

    inputs = tiny.inputs_of(row)
    source, target = tmp_path / "in.safetensors", tmp_path / "out.safetensors"
    save_file({key: value.contiguous() for key, value in inputs.items()}, source)
    reply = worker.ask("forward", inputs=str(source), outputs=str(target))
    outputs = load_file(target)
    expected = tiny.run(tiny.model_of(name), inputs)
    tiny.compare(outputs, expected, inputs, TOLERANCE)
    assert reply["outputs"] == {key: list(value.shape) for key, value in outputs.items()}

    # verify: equal to its own outputs, and not to others; missing and unexpected ones are named.
    same = worker.ask("verify", inputs=str(source), expected=str(target))
    assert same["missing"] == same["unexpected"] == []
    for entry in same["outputs"]:
        assert entry["relative_error"] == 0 and entry["finite"], entry
        assert entry["cosine"] == pytest.approx(1)
        is_logits = "logits" in entry["name"] and entry["shape"][-1] >= 2
        assert entry["top1_agreement"] == (1 if is_logits else None)
    first, *_ = sorted(outputs)
    other = {**outputs, first: outputs[first] * 1.01, "more": torch.ones(1)}
    save_file(other, target)
    differs = worker.ask("verify", inputs=str(source), expected=str(target))
    assert differs["missing"] == ["more"]
    (entry,) = [entry for entry in differs["outputs"] if entry["name"] == first]
    assert entry["relative_error"] == pytest.approx(0.01 / 1.01, rel=1e-3)


@pytest.mark.parametrize("name", ["vit/image-classification", "whisper/seq2seq"])
def test_synthetic_weights_are_the_native_engines(name, worker, tmp_path):
    """Bit for bit; both families have parameters that files call by other names."""
    folder = config_folder(tmp_path / "model", name)
    written = tmp_path / "written"
    ridgeline("synthesize", folder, "--outputs", written, "--seed", 7)
    row = row_of(name)
    inputs = tmp_path / "in.safetensors"
    save_file(tiny.inputs_of(row), inputs)
    digests = []
    for model, weights in ((folder, "synthetic"), (written, "checkpoint")):
        loaded = worker.load(model, weights=weights, seed=7)
        assert loaded["model"]["weights"]["source"] == weights
        out = str(tmp_path / "out.safetensors")
        digests.append(worker.ask("forward", inputs=str(inputs), outputs=out)["digest"])
    assert digests[0] == digests[1] is not None


def test_a_config_alone_makes_a_model(worker):
    config = {**row_of("llama/gqa")["config"], "num_hidden_layers": 1}
    kind = {"config": config, "architecture": "LlamaForCausalLM"}
    loaded = worker.load("a-preset", dtype="bfloat16", **kind)
    assert loaded["model"]["weights"] == {
        "source": "synthetic", "path": None, "bytes": 2 * loaded["model"]["parameters"],
    }  # fmt: skip
    assert loaded["model"]["reference"] == "a-preset" and loaded["model"]["dtype"] == "bfloat16"


def test_what_cannot_be_loaded_is_one_clear_line(worker, checkpoints, tmp_path):
    config = row_of("bert/base")["config"]
    broken = tmp_path / "broken"
    shutil.copytree(checkpoints["bert/base"], broken)
    kept = load_file(broken / "model.safetensors")
    kept.pop("embeddings.word_embeddings.weight")
    save_file(kept, broken / "model.safetensors", {"format": "pt"})
    huge = {**config, "num_hidden_layers": 1, "hidden_size": 1 << 17, "intermediate_size": 1 << 17}
    huge["num_attention_heads"] = 8
    good = {"config": config, "architecture": "BertModel"}
    cases = [
        ({"mode": "fast", **good}, "bad_input", "no mode 'fast'"),
        ({"mode": "compile", "optimizations": [{"id": "compile", "value": "off"}], **good},
         "bad_input", "not the same"),
        ({"optimizations": [{"id": "prepack", "value": "on"}], **good}, "unsupported", "prepack"),
        ({"optimizations": [{"id": "attention", "value": "quick"}], **good}, "bad_input", "quick"),
        ({"config": config, "architecture": "BertForJuggling"}, "unsupported", "BertForJuggling"),
        ({"config": config, "architecture": "sys"}, "unsupported", "sys"),
        ({"config": {"model_type": "no-such"}}, "unsupported", "no-such"),
        ({"model": str(tmp_path / "nowhere")}, "bad_input", "no such folder"),
        ({"model": "some-one/no-model"}, "bad_input", "not in the hub cache"),
        ({"model": str(broken)}, "bad_input", "word_embeddings"),
        ({"dtype": "float8", **good}, "bad_input", "float8"),
        ({"device": "cuda:0", **good}, "environment", "CUDA"),
        ({"weights": "meta", **good}, "unsupported", "meta"),
        ({"config": huge, "architecture": "BertModel"}, "oom.host", "GB"),
    ]  # fmt: skip
    for fields, error_class, says in cases:
        fields = {"model": "a-preset", **fields}
        reply = error_of(lambda: worker.load(**fields))
        assert reply["class"] == error_class and says in reply["message"], (fields, reply)
    assert reply["bytes"] > 2e11
    assert error_of(lambda: worker.ask("plan", workload={}))["class"] == "protocol"


def test_another_attention_is_applied_or_refused_with_a_reason(worker, checkpoints):
    def outcome(value):
        reply = worker.load(checkpoints["bert/base"], [{"id": "attention", "value": value}])
        return next(row for row in reply["optimizations"] if row["id"] == "attention")

    eager = outcome("eager")
    assert eager["applied"] and eager["value"] == "eager"
    flash = outcome("flash_attention_2")
    assert not flash["applied"] and flash["value"] == "sdpa" and flash["reason"]


# --- Plan, run, memory ----------------------------------------------------------------------------


def test_phases_and_inputs_are_the_native_engines(worker, tmp_path):
    workload = {"batch": 2, "sequence": 8, "depth": 12, "new_tokens": 3}
    native = Engine()
    try:
        for name in FAMILIES:
            folder = config_folder(tmp_path / name.replace("/", "-"), name)
            expected_model = native.load(folder, weights="synthetic")["model"]
            expected = native.request("plan", workload=workload)
            model = worker.load(folder, weights="synthetic")["model"]
            planned = worker.ask("plan", workload=workload)
            # Of tied and fixed parameters each counts what it holds.
            for key in ("family", "modality", "architecture", "task", "parameters", "dtype"):
                assert model[key] == expected_model[key], (name, key)
            for key in ("phases", "workload", "inputs"):
                assert planned[key] == expected[key], (name, key)
            for phase in [phase["name"] for phase in expected["phases"]]:
                ours = worker.ask("memory", phase=phase)
                theirs = native.request("memory", phase=phase)
                for key in ("weights", "inputs", "outputs"):
                    assert ours["tracked"][key] <= theirs["tracked"][key], (name, phase, key)
                assert ours["tracked"]["activations_peak"] > 0
                assert ours["resident"]["now"] > ours["resident"]["library"] > 1e8
                if phase == "generate":  # greedy tokens of equal weights
                    assert ours["outputs"] == theirs["outputs"]
    finally:
        native.close()


def test_a_run_writes_rows_and_tokens(worker, tmp_path):
    folder = config_folder(tmp_path / "model", "llama/gqa")
    worker.load(folder, weights="synthetic")
    worker.ask("plan", workload={"batch": 2, "sequence": 8, "new_tokens": 3})
    path = sample_file(tmp_path / "samples", capacity=14)
    begin = time.monotonic_ns()
    ran = worker.ask("run", phase="decode", until={"n": 5}, samples=str(path))
    assert [event["event"] for event in worker.events] == ["started"]
    assert begin < worker.events[0]["ns"] < time.monotonic_ns()
    assert (ran["calls"], ran["rows"], ran["dropped"], ran["from"]) == (5, 5, 0, 0)
    assert not ran["stopped"] and 0 < ran["cpu_ns"]
    *_, rows = rows_in(path)
    assert ran["wall_ns"] == rows[-1][4] - rows[0][2]
    previous = begin
    for rank, flags, start, enqueued, done, device, items in rows:
        assert (rank, flags, device, items) == (0, 0, -1, 2)
        assert previous <= start < enqueued == done
        previous = done

    # A row a token behind each call, up to the room that is left.
    ran = worker.ask("run", phase="generate", until={"n": 3}, samples=str(path))
    assert (ran["from"], ran["rows"], ran["dropped"]) == (5, 9, 3)
    count, dropped, rows = rows_in(path)
    assert (count, dropped) == (14, 3)
    call, *tokens = rows[5:9]
    assert call[1] == 0 and call[6] == 6
    assert [row[1] for row in tokens] == [2, 2, 2] and [row[6] for row in tokens] == [1, 1, 1]
    assert tokens[0][2] == call[2] and tokens[-1][4] <= call[4]
    assert [row[2] for row in tokens[1:]] == [row[4] for row in tokens[:-1]]

    # Throughput: one row for all calls.
    path = sample_file(tmp_path / "more")
    ran = worker.ask("run", phase="prefill", until={"n": 4}, sync="end", samples=str(path))
    ((_, flags, start, enqueued, done, _, items),) = rows_in(path)[2]
    assert (ran["calls"], ran["rows"], flags, items) == (4, 1, 1, 4 * 16)
    assert start < enqueued <= done


class FakeTimer:
    """A device whose work takes 7 ns; notes what the loop asks of it, with the calls themselves."""

    def __init__(self):
        self.asked = []

    def __getattr__(self, name):
        return lambda: self.asked.append(name)

    def ns(self):
        return 7


@pytest.mark.parametrize("sync", ["each", "end"])
def test_a_device_is_waited_for_by_its_own_events(sync, package, tmp_path):
    loop = package("ridgeline_transformers.timed_loop")
    samples = package("ridgeline_transformers.samples")
    reader = package("ridgeline_transformers.request_reader")
    timer, path = FakeTimer(), sample_file(tmp_path / "samples")
    runnable = loop.Runnable(call=timer.call, items=3.0, restore=timer.restore, timer=timer)
    with samples.SampleWriter(str(path)) as writer:
        stop, progress = reader.StopFlag(), reader.Progress()
        ran = loop.timed_loop(runnable, writer, sync, loop.LoopLimits(calls=2), stop, progress)
    assert ran["calls"] == progress.value == 2
    *_, rows = rows_in(path)
    if sync == "each":
        assert timer.asked == ["restore", "settle", "start", "call", "stop", "wait"] * 2
        assert [row[5:] for row in rows] == [(7, 3), (7, 3)]
    else:
        assert timer.asked == ["start", *["restore", "call"] * 2, "stop", "wait"]
        assert [row[5:] for row in rows] == [(7, 6)]
    assert all(row[2] < row[3] < row[4] for row in rows)


def test_a_run_that_cannot_be_made_is_refused(worker, tmp_path):
    folder = config_folder(tmp_path / "model", "bert/base")
    worker.load(folder, weights="synthetic")
    worker.ask("plan", workload={"sequence": 8})
    good = {"phase": "forward", "until": {"n": 1}, "samples": str(sample_file(tmp_path / "good"))}
    short = sample_file(tmp_path / "short")
    short.write_bytes(short.read_bytes()[:100])
    cases = {
        "no phase": {"phase": "encode"}, "until": {"until": {}}, "above 0": {"until": {"n": -1}},
        "sync": {"sync": "often"}, "cut short": {"samples": str(short)},
        "not a regular file": {"samples": "/dev/null"},
        "No such file": {"samples": str(tmp_path / "none")},
    }  # fmt: skip
    for says, change in cases.items():
        reply = error_of(lambda: worker.ask("run", **{**good, **change}))
        assert reply["class"] == "bad_input" and says in reply["message"], (says, reply)
    assert worker.ask("run", **good)["rows"] == 1
    for workload, says in ({"batch": 0}, "batch"), ({"sequence": 10**4}, "positions"):
        assert says in error_of(lambda: worker.ask("plan", workload=workload))["message"]


def test_stop_ends_a_run_early_and_heartbeats_show_progress(worker, tmp_path):
    folder = config_folder(tmp_path / "model", "bert/base")
    worker.load(folder, weights="synthetic")
    worker.ask("plan", workload={"sequence": 8})
    path = sample_file(tmp_path / "samples", capacity=1 << 16)
    worker.send("run", phase="forward", until={"ns": 60 * 10**9}, samples=str(path))
    beats = []
    while len(beats) < 2:
        line = worker.next_line()
        if line["event"] == "heartbeat":
            assert line["id"] == worker.count
            beats.append(line)
    assert beats[0]["progress"] < beats[1]["progress"] and beats[0]["cpu_ns"] < beats[1]["cpu_ns"]
    assert rows_in(path)[0] > 0  # visible while it runs
    begin = time.monotonic()
    worker.requests.write(b'{"message":"stop"}\n')
    ran = worker.reply()
    assert ran["stopped"] and time.monotonic() - begin < 2
    assert ran["rows"] == rows_in(path)[0]


# --- Decoding -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def package():
    """The engine's own modules, in this process."""
    sys.path.insert(0, str(PROGRAM.parent))
    yield importlib.import_module
    sys.path.remove(str(PROGRAM.parent))


def phases_in_process(package, folder, workload, is_static):
    """(phases by name, model, inputs) of a planned workload."""
    of = {
        name: package(f"ridgeline_transformers.{name}")
        for name in ("loaded_model", "planned_workload", "workload", "request_reader")
    }
    request = of["loaded_model"].LoadRequest.of({"model": str(folder)})
    stages, progress = of["loaded_model"].Stages(), of["request_reader"].Progress()
    loaded, _ = of["loaded_model"].load(request, "auto", stages, progress)
    planned = of["planned_workload"].PlannedWorkload(loaded, of["workload"].workload_of(workload))
    planned.prepare("off", is_static, [], progress)
    return {phase.name: phase for phase in planned.phases}, loaded.model, planned.inputs


def called(phase):
    phase.restore()
    (output,) = phase.call().values()
    return output.clone()


@pytest.mark.parametrize("is_static", [False, True], ids=["dynamic", "static"])
@pytest.mark.parametrize("name", ["llama/gqa", "mistral/sliding-8", "whisper/seq2seq"])
def test_phases_of_decoding_are_parts_of_the_full_pass(name, is_static, package, tmp_path):
    """At a depth beyond the window of the sliding one; call after call, so caches are put back."""
    folder = tmp_path / "model"
    tiny.model_of(name).save_pretrained(folder)
    depth = 20
    with torch.inference_mode():
        phases, model, inputs = phases_in_process(
            package, folder, {"sequence": 8, "depth": depth, "new_tokens": 6}, is_static
        )
        is_pair = "decoder_input_ids" in inputs
        key = "decoder_input_ids" if is_pair else "input_ids"
        given = {"input_features": inputs["input_features"]} if is_pair else {}

        def last(ids):
            return model(**given, **{key: ids}).logits[:, -1]

        def check(actual, expected):
            error = (actual - expected).abs().max() / expected.abs().max()
            assert actual.shape == expected.shape and error <= TOLERANCE, float(error)

        ids = inputs[key]
        deep = ids.repeat(1, 3)[:, :depth]
        token = last(deep).argmax(-1, keepdim=True)
        answer = []
        for _ in range(6):
            answer.append(last(torch.cat([ids, *answer], 1)).argmax(-1, keepdim=True))
        for _ in range(3):
            check(called(phases["prefill"]), last(ids))
            check(called(phases["decode"]), last(torch.cat([deep, token], 1)))
            assert torch.equal(called(phases["generate"]), torch.cat(answer, 1))
        times = phases["generate"].token_times
        assert len(times) == 6 and times == sorted(times)


@pytest.mark.parametrize("is_static", [False, True], ids=["dynamic", "static"])
def test_padded_prompts_decode_as_each_alone(is_static, package, tmp_path):
    folder = tmp_path / "model"
    tiny.model_of("llama/gqa").save_pretrained(folder)
    with torch.inference_mode():
        _, model, inputs = phases_in_process(package, folder, {"batch": 2, "sequence": 8}, False)
        decoding = package("ridgeline_transformers.decoding")
        compiler = package("ridgeline_transformers.compiling").Plain(is_static)
        mask = inputs["attention_mask"].clone()
        mask[1, :3] = 0  # padded on the left
        loaded = types.SimpleNamespace(model=model)
        both = {"input_ids": inputs["input_ids"], "attention_mask": mask}
        prompt = decoding.CausalDecoding(loaded, both, 3, compiler)
        prompt.clear()
        logits = [prompt.prefill().clone()]
        for _ in range(2):
            logits.append(prompt.step(logits[-1].argmax(-1, keepdim=True)).clone())
        alone = [inputs["input_ids"][:1], inputs["input_ids"][1:, 3:]]
        for step in logits:
            for row, ids in enumerate(alone):
                expected = model(input_ids=ids).logits[0, -1]
                error = (step[row] - expected).abs().max() / expected.abs().max()
                assert error <= TOLERANCE, float(error)
                alone[row] = torch.cat([ids, step[row].argmax().view(1, 1)], 1)


def test_hashes_need_no_library(package):
    hash64 = package("ridgeline_transformers.hash64")
    # The values of the reference implementation's own test (seed 0).
    assert hash64.xxh64(b"") == 0xEF46DB3751D8E999
    assert hash64.xxh64(b"a") == 0xD24EC4F1A98C6E5B
    assert hash64.xxh64(b"abc") == 0x44BC2CF5AD770999
    for size in (0, 1, 7, 8, 31, 32, 33, 100, 1000):
        data = torch.arange(size, dtype=torch.int64).to(torch.uint8)
        by_hand, by_library = hash64._PythonHash(), hash64.new_hash()
        for one in (by_hand, by_library):
            one.update(data.data_ptr(), size)
        assert by_hand.hexdigest() == by_library.hexdigest(), size


@pytest.mark.parametrize("name", ["llama/gqa", "whisper/seq2seq"])
def test_generate_is_transformers_greedy_search(name, worker, checkpoints, tmp_path):
    row = row_of(name)
    prompt = tiny.prompt_of(row)
    source, target = tmp_path / "in.safetensors", tmp_path / "out.safetensors"
    save_file(prompt, source)
    worker.load(checkpoints[name])
    reply = worker.ask("generate", inputs=str(source), outputs=str(target), max_new_tokens=5)
    with torch.no_grad():
        expected = tiny.model_of(name).generate(
            **prompt, max_new_tokens=5, do_sample=False, num_beams=1
        )
    assert load_file(target)["sequences"].tolist() == expected.tolist()
    assert reply["texts"] is None and reply["outputs"]["sequences"] == list(expected.shape)


def test_a_model_without_a_language_head_generates_nothing(worker, checkpoints):
    worker.load(checkpoints["bert/base"])
    reply = error_of(lambda: worker.ask("generate", inputs="x", max_new_tokens=1))
    assert reply["class"] == "unsupported"


# --- torch.compile --------------------------------------------------------------------------------


def test_compiled_code_gives_the_same_tokens(fresh, tmp_path):
    """One layer, one thread, and a prompt of one token, so that prompt and step are one graph; the
    timed calls compile none."""
    config = {**row_of("llama/gqa")["config"], "num_hidden_layers": 1}
    workload = {"sequence": 1, "new_tokens": 8}
    worker = fresh(TORCHINDUCTOR_COMPILE_THREADS="1")
    digests = []
    for mode in ("eager", "reduce-overhead"):
        loaded = worker.load("tiny", config=config, architecture="LlamaForCausalLM", mode=mode)
        assert loaded["mode"] == mode
        planned = worker.ask("plan", workload=workload, phases=["generate"])
        assert [phase["name"] for phase in planned["phases"]] == ["generate"]
        cache, outcome = planned["optimizations"]
        assert cache["value"] == ("dynamic" if mode == "eager" else "static")
        stages = [stage["name"] for stage in planned["stages"]]
        assert outcome["id"] == "compile" and stages[0] == "inputs"
        assert ("compile" in stages) == (mode != "eager")
        digests.append(worker.ask("memory", phase="generate")["outputs"]["digest"])
    assert digests[0] == digests[1]
    # No CUDA graphs on a CPU: said, not hidden.
    assert outcome["requested"] == "reduce-overhead" and not outcome["applied"]
    assert outcome["value"] == "default" and "CUDA" in outcome["reason"]
    assert planned["compile"]["graphs"] == 1
    path = sample_file(tmp_path / "samples")
    ran = worker.ask("run", phase="generate", until={"n": 3}, samples=str(path))
    assert ran["rows"] == 3 * 9


# --- Its end --------------------------------------------------------------------------------------


def test_quit_is_answered_and_ends_it(fresh):
    worker = fresh()
    worker.ask("hello", protocol=1)
    assert worker.ask("quit")["reply"] == "bye"
    assert worker.process.wait(timeout=10) == 0


def test_it_dies_when_requests_end_even_in_the_middle_of_work(fresh):
    worker = fresh()
    worker.ask("hello", protocol=1)
    worker.send("load", model="a-preset", config=row_of("bert/base")["config"])
    time.sleep(0.2)  # it imports torch now
    worker.requests.close()
    assert worker.process.wait(timeout=5) == -signal.SIGKILL
    assert worker.replies.read() == ""


# --- By the coordinator ---------------------------------------------------------------------------


def test_a_run_gives_a_whole_record(tmp_path):
    folder = config_folder(tmp_path / "model", "llama/gqa")
    out = tmp_path / "run"
    ridgeline(
        "run", folder, "--weights", "synthetic", "--engine", PROGRAM, "--threads", 1,
        "--invocations", 1, "--budget", "5s", "--sequence", 8, "--new-tokens", 3, "--quiet",
        "--output", out, env={**os.environ, "RIDGELINE_ENGINE_PYTHON": sys.executable},
    )  # fmt: skip
    (record,) = validate_file(out / "records.jsonl")
    assert record["outcome"]["status"] == "ok", record["outcome"]
    assert record["engine"]["name"] == "transformers"
    assert [phase["name"] for phase in record["phases"]] == ["prefill", "decode", "generate"]
    for name in ("prefill", "decode", "generate"):
        assert metric(record, "latency", name)["value"] > 0
    for name in ("ttft", "tpot", "itl"):
        assert metric(record, name, "generate")["value"] > 0
    for name in ("spawn", "import", "build", "inputs"):
        assert record["load"]["metrics"][name]["value"] > 0, name
    memory = record["memory"]["metrics"]
    assert memory["peak"]["value"] > memory["weights"]["value"] > 0
    assert {entry["id"] for entry in record["optimizations"]} >= {"threads", "compile", "attention"}
