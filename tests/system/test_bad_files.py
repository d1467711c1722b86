"""Broken, lying and hostile files: one clear line, the right exit code, nothing half written."""

import json
import struct

import pytest

from support.folder import CONFIG, TOKENIZER, bert_folder, ids, safetensors, with_header
from support.program import assert_one_clear_line, ridgeline
from support.scripted import Run, lines_of
from support.schema import validate

GOOD = {"input_ids": ids([[2, 5, 6, 3]]), "attention_mask": ids([[1, 1, 1, 1]])}
DEEP = b'{"a":' + b"[" * 100_000


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return bert_folder(tmp_path_factory.mktemp("whole") / "model")


@pytest.fixture
def model(whole, tmp_path):
    """A copy of the tiny model that a test may break."""
    folder = tmp_path / "model"
    folder.mkdir()
    for file in whole.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


def forward(model, tmp_path, *flags, inputs=None):
    source, target = tmp_path / "in.safetensors", tmp_path / "out.safetensors"
    source.write_bytes(safetensors(GOOD) if inputs is None else inputs)
    words = ["forward", model, "--inputs", source, "--outputs", target, *flags]
    return ridgeline(*words, check=False), target


def prepare(model, tmp_path):
    target = tmp_path / "in.safetensors"
    return ridgeline("prepare", model, "--text", "hello", "--outputs", target, check=False), target


def refused(done, says, target=None):
    assert_one_clear_line(done, code=2)
    assert says in done.stderr
    assert len(done.stderr) < 1000
    assert done.stdout == ""
    if target is not None:
        assert not target.exists()
        assert not list(target.parent.glob("*.tmp*"))


def test_the_whole_folder_works(model, tmp_path):
    done, target = prepare(model, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "input_ids [1,3]" in done.stdout
    done, target = forward(model, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "last_hidden_state [1,4,32]" in done.stdout
    assert target.exists()


def one_tensor(shape, end=32, dtype="I64"):
    entry = f'"dtype":"{dtype}","shape":{shape},"data_offsets":[0,{end}]'
    return with_header(b'{"input_ids":{' + entry.encode() + b"}}", bytes(32))


INPUTS = {
    "empty": (b"", "0 bytes"),
    "seven bytes": (b"1234567", "7 bytes"),
    "header longer than the file": (struct.pack("<Q", 10_000) + b"{}", "in.safetensors"),
    "header of 8 EiB": (struct.pack("<Q", 2**63) + b"{}", "header of 9223372036854775808"),
    "not JSON": (with_header(b"{nope"), "JSON"),
    "a list": (with_header(b"[]"), "header"),
    "deep": (with_header(DEEP + b"]" * 100_000 + b"}"), "in.safetensors"),
    "NaN in the header": (one_tensor("[NaN]"), "JSON"),
    "cut short": (safetensors(GOOD)[:-5], "cut short"),
    "too long": (safetensors(GOOD) + b"xx", "2 bytes"),
    "data beyond the end": (one_tensor("[1,4]", 9999), "9999"),
    "shape larger than its data": (one_tensor("[1,400]"), "input_ids"),
    "negative shape": (one_tensor("[-1,4]"), "input_ids"),
    "shape overflows": (one_tensor("[4611686018427387904,4]"), "overflows"),
    "unknown dtype": (one_tensor("[1,4]", dtype="X9"), "X9"),
    "ids of float": (safetensors({"input_ids": ("F32", [1, 2], [1.0, 2.0])}), "integers"),
    "id beyond the vocabulary": (safetensors({"input_ids": ids([[2, 500]])}), "500"),
    "negative id": (safetensors({"input_ids": ids([[2, -5]])}), "-5"),
    "mask of another shape": (
        safetensors({"input_ids": ids([[2, 5, 3]]), "attention_mask": ids([[1, 1]])}),
        "attention_mask",
    ),
    "unknown input": (safetensors({**GOOD, "pixels": ids([[1]])}), "pixels"),
    "missing input": (safetensors({"attention_mask": ids([[1]])}), "input_ids"),
    "longer than the model": (safetensors({"input_ids": ids([[5] * 300])}), "300"),
    "no rows": (safetensors({"input_ids": ("I64", [0, 4], [])}), "input_ids"),
}


@pytest.mark.parametrize("case", INPUTS)
def test_forward_refuses_inputs(whole, tmp_path, case):
    content, says = INPUTS[case]
    done, target = forward(whole, tmp_path, inputs=content)
    refused(done, says, target)


def without(*keys, **changes):
    config = {**CONFIG, **changes}
    return json.dumps({key: value for key, value in config.items() if key not in keys}).encode()


CONFIGS = {
    "empty": (b"", "config.json"),
    "cut short": (without()[:40], "config.json"),
    "a list": (b"[]", "config.json"),
    "NaN": (without().replace(b"32", b"NaN"), "config.json"),
    "deep": (DEEP, "deeper"),
    "binary": (bytes(range(256)), "config.json"),
    "no type": (without("model_type"), "model_type"),
    "unknown type": (without(model_type="bertt"), "did you mean bert"),
    "unknown architecture": (without(architectures=["BertForX"]), "BertForX"),
    "text for a number": (without(hidden_size="32"), "hidden_size"),
    "fraction": (without(hidden_size=1.5), "hidden_size"),
    "negative": (without(hidden_size=-32), "hidden_size"),
    "huge": (without(hidden_size=2**62), "hidden_size"),
    "many layers": (without(num_hidden_layers=2**40), "num_hidden_layers"),
    "no head": (without(num_attention_heads=0), "num_attention_heads"),
    "no multiple of the heads": (without(num_attention_heads=5), "heads"),
    "unknown activation": (without(hidden_act="nope"), "nope"),
    "text for epsilon": (without(layer_norm_eps="x"), "layer_norm_eps"),
}


@pytest.mark.parametrize("case", CONFIGS)
def test_cost_refuses_config_json(model, case):
    content, says = CONFIGS[case]
    (model / "config.json").write_bytes(content)
    refused(ridgeline("cost", model, check=False), says)


def tokenizer(**changes):
    return json.dumps({**TOKENIZER, **changes}).encode()


def vocabulary(vocab):
    return tokenizer(model={**TOKENIZER["model"], "vocab": vocab})


TOKENIZERS = {
    "empty": (b"", "tokenizer.json"),
    "cut short": (tokenizer()[:100], "tokenizer.json"),
    "a list": (b"[]", "tokenizer.json"),
    "deep": (b"[" * 100_000, "deeper"),
    "no model": (tokenizer(model=None), "model"),
    "another model": (tokenizer(model={"type": "Unigram", "vocab": []}), "Unigram"),
    "a list of words": (vocabulary([1, 2]), "vocabulary"),
    "negative id": (vocabulary({"a": -1}), "-1"),
    "text for an id": (vocabulary({"a": "b"}), "'a'"),
}


@pytest.mark.parametrize("case", TOKENIZERS)
def test_prepare_refuses_tokenizer_json(model, tmp_path, case):
    content, says = TOKENIZERS[case]
    (model / "tokenizer.json").write_bytes(content)
    done, target = prepare(model, tmp_path)
    refused(done, says, target)


def break_weights(model, how):
    path = model / "model.safetensors"
    content = path.read_bytes()
    size = struct.unpack("<Q", content[:8])[0]
    header, data = content[8 : 8 + size], content[8 + size :]
    name = b'"embeddings.word_embeddings.weight"'
    other = b'"embeddings.word_embeddings.w_ight"'
    assert name in header
    broken = {
        "empty": b"",
        "cut short": content[: len(content) // 2],
        "lying header": struct.pack("<Q", 2**60) + content[8:],
        "NaN in the header": with_header(header.replace(b"[10,32]", b"[NaN,3]"), data),
        "a tensor is missing": with_header(header.replace(name, other), data),
    }[how]
    assert broken != content
    path.write_bytes(broken)


WEIGHTS = {
    "empty": "0 bytes",
    "cut short": "its data ends at byte",
    "lying header": "header of",
    "NaN in the header": "JSON",
    "a tensor is missing": "embeddings.word_embeddings.w",
}


@pytest.mark.parametrize("how", WEIGHTS)
def test_forward_refuses_weights(model, tmp_path, how):
    break_weights(model, how)
    done, target = forward(model, tmp_path)
    refused(done, WEIGHTS[how], target)


def test_weights_of_another_shape_are_named(model, tmp_path):
    (model / "config.json").write_bytes(without(hidden_size=64))
    done, target = forward(model, tmp_path)
    refused(done, "embeddings.word_embeddings.weight is [10, 32]", target)


@pytest.mark.parametrize("how", ["config.json", "tokenizer.json", *WEIGHTS, "no folder"])
def test_run_records_why_a_model_cannot_be_measured(model, tmp_path, how):
    path = tmp_path / "nowhere" if how == "no folder" else model
    if how in WEIGHTS:
        break_weights(model, how)
    elif path == model:
        (model / how).write_bytes(b'{"a":')
    folder = tmp_path / "run"
    with Run(path, "--text", "hello", "--budget", "5s", "--output", folder, engine=None) as run:
        assert run.finish() == 1
        run.assert_left_nothing()
    (record,) = lines_of(folder / "records.jsonl")
    validate(record)
    outcome = record["outcome"]
    assert outcome["status"] == "failed"
    assert outcome["class"] == "bad_input"
    assert len(record["invocations"]) == 1  # the next process would find the same file
    says = WEIGHTS.get(how, how if path == model else "nowhere")
    assert says in outcome["reason"] and "\n" not in outcome["reason"]
    assert outcome["reason"] in run.stderr
    assert len(run.stderr.splitlines()) == 2  # the reason, and that an invocation is done
