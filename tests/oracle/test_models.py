"""Every architecture against transformers: outputs, batches, FLOPs, weights of every spelling."""

import json

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from torch.utils.flop_counter import FlopCounterMode

from support import tiny
from support.program import assert_one_clear_line, ridgeline, ridgeline_json

TOLERANCE = 1e-4  # of the largest value, float32 on the CPU
# bfloat16 keeps 8 bits: an ulp is 2^-8 = 0.4 %, and a few layers add up.
BFLOAT16_TOLERANCE = 4e-2

ROWS = tiny.variants()
every_variant = pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "model"


def forward(folder, inputs, *flags):
    source, target = folder.parent / "in.safetensors", folder.parent / "out.safetensors"
    target.unlink(missing_ok=True)
    save_file({name: tensor.contiguous() for name, tensor in inputs.items()}, source)
    ridgeline("forward", folder, "--inputs", source, "--outputs", target, *flags)
    return load_file(target)


@every_variant
def test_forward_equals_transformers(row, folder):
    model = tiny.model_of(row["id"])
    model.save_pretrained(folder)
    inputs = tiny.inputs_of(row)
    reference = tiny.run(model, inputs)
    tiny.compare(forward(folder, inputs), reference, inputs, TOLERANCE)
    # A batch row equals the same row alone.
    alone = {name: tensor[:1] for name, tensor in inputs.items()}
    first = {name: tensor[:1] for name, tensor in reference.items()}
    tiny.compare(forward(folder, alone), first, alone, TOLERANCE)


@pytest.mark.parametrize("kernel", ["flash", "math"])
@pytest.mark.parametrize("variant", ["bert/base", "bert/decoder"])
def test_every_attention_kernel_gives_the_same(variant, kernel, folder):
    row = next(row for row in ROWS if row["id"] == variant)
    model = tiny.model_of(variant)
    model.save_pretrained(folder)
    inputs = tiny.inputs_of(row, batch=3)
    ours = forward(folder, inputs, "--optimize", f"attention={kernel}")
    tiny.compare(ours, tiny.run(model, inputs), inputs, TOLERANCE)


@pytest.mark.parametrize("variant", ["bert/base", "bert/masked-lm"])
def test_bfloat16_stays_within_its_bound(variant, folder):
    row = next(row for row in ROWS if row["id"] == variant)
    model = tiny.model_of(variant)
    model.save_pretrained(folder)
    inputs = tiny.inputs_of(row)
    ours = forward(folder, inputs, "--dtype", "bfloat16")
    tiny.compare(ours, tiny.run(model, inputs), inputs, BFLOAT16_TOLERANCE)


def flops_by_counter(architecture, config, batch, sequence):
    """torch's flop counter on the meta device with eager attention: nothing is fused, all counts."""
    config._attn_implementation = "eager"
    with torch.device("meta"):
        model = getattr(transformers, architecture)(config).eval()
        ids = torch.zeros(batch, sequence, dtype=torch.int64)
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        model(input_ids=ids)
    return counter.get_total_flops(), sum(p.numel() for p in model.parameters())


@every_variant
def test_cost_equals_the_flop_counter(row, folder):
    config = tiny.config_of(row)
    config.architectures = [row["architecture"]]
    config.save_pretrained(folder)
    cost = ridgeline_json("cost", folder, "--batch", 3, "--sequence", 20, "--json")
    expected = flops_by_counter(row["architecture"], config, 3, 20)
    assert (cost["flops"], cost["parameters"]) == expected
    assert cost["flops"] == sum(op["flops"] for op in cost["ops"])


# Golden counts, written down apart from both counters (batch, sequence, FLOPs, parameters).
GOLDEN = [
    ("bert-base", "BertModel", 1, 128, 22_348_431_360, 109_482_240),
    ("bert-base", "BertForMaskedLM", 1, 128, 28_499_116_032, 109_514_298),
    ("bert-base", "BertForSequenceClassification", 1, 128, 22_348_434_432, 109_483_778),
    ("bert-base", "BertModel", 8, 512, 773_103_550_464, 109_482_240),
    ("bert-large", "BertModel", 1, 128, 78_922_121_216, 335_141_888),
]


@pytest.mark.parametrize("preset,architecture,batch,sequence,flops,parameters", GOLDEN)
def test_cost_equals_the_golden_counts(preset, architecture, batch, sequence, flops, parameters):
    cost = ridgeline_json("cost", preset, "--architecture", architecture, "--batch", batch,
                          "--sequence", sequence, "--json")
    assert (cost["flops"], cost["parameters"]) == (flops, parameters)


def test_every_architecture_has_a_variant_and_no_variant_lacks_one():
    listed = {(row["family"], row["architecture"]) for row in
              ridgeline_json("list", "families", "--json")}
    tested = {(row["family"], row["architecture"]) for row in ROWS}
    assert listed == tested


# --- weights as files spell them ---------------------------------------------------------------

BASE = next(row for row in ROWS if row["id"] == "bert/base")


def rewrite(folder, change):
    """Applies `change` to the tensors of the saved checkpoint."""
    path = folder / "model.safetensors"
    save_file(change(load_file(path)), path, metadata={"format": "pt"})


def check(folder, row=BASE, flags=()):
    inputs = tiny.inputs_of(row)
    reference = tiny.run(tiny.model_of(row["id"]), inputs)
    tiny.compare(forward(folder, inputs, *flags), reference, inputs, TOLERANCE)


def test_reads_shards(folder):
    tiny.model_of("bert/base").save_pretrained(folder, max_shard_size="30KB")
    assert len(list(folder.glob("*.safetensors"))) > 1
    check(folder)


def test_reads_layer_norms_of_old_files(folder):
    tiny.model_of("bert/base").save_pretrained(folder)
    rewrite(folder, lambda tensors: {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias",
                                                                    "LayerNorm.beta"): tensor
        for name, tensor in tensors.items()})
    check(folder)


def test_reads_a_base_model_from_the_file_of_a_head_and_back(folder):
    tiny.model_of("bert/base").save_pretrained(folder)
    rewrite(folder, lambda tensors: {f"bert.{name}": tensor for name, tensor in tensors.items()} |
            {"cls.predictions.bias": torch.zeros(120),
             "bert.embeddings.position_ids": torch.arange(64)[None]})
    check(folder)


def test_prefers_a_tied_tensor_that_the_file_holds(folder):
    row = next(row for row in ROWS if row["id"] == "bert/masked-lm")
    tiny.model_of(row["id"]).save_pretrained(folder)
    decoder = torch.randn(120, 32)
    rewrite(folder, lambda tensors: tensors | {"cls.predictions.decoder.weight": decoder})
    inputs = tiny.inputs_of(row)
    reference = tiny.run(transformers.BertForMaskedLM.from_pretrained(
        folder, attn_implementation="eager"), inputs)
    tiny.compare(forward(folder, inputs), reference, inputs, TOLERANCE)


@pytest.mark.parametrize("change,words", [
    (lambda t: {k: v for k, v in t.items() if "layer.1.output.dense.weight" not in k}, "missing"),
    (lambda t: t | {"pooler.dense.weight": torch.zeros(31, 32)}, "wrong shape"),
    (lambda t: t | {"encoder.extra": torch.zeros(1)}, "unused"),
])
def test_names_tensors_that_do_not_fit(change, words, folder):
    tiny.model_of("bert/base").save_pretrained(folder)
    rewrite(folder, change)
    inputs = folder.parent / "in.safetensors"
    save_file(tiny.inputs_of(BASE), inputs)
    out = folder.parent / "o.safetensors"
    done = ridgeline("forward", folder, "--inputs", inputs, "--outputs", out, check=False)
    assert_one_clear_line(done)
    assert words in done.stderr
    assert not out.exists()


@pytest.mark.parametrize("inputs,words", [
    ({"input_ids": torch.full((1, 4), 120)}, "120 outside"),
    ({"input_ids": torch.full((1, 4), -1)}, "-1 outside"),
    ({"input_ids": torch.ones(1, 65, dtype=torch.int64)}, "longer than the model's 64"),
    ({"input_ids": torch.ones(4, dtype=torch.int64)}, "expected [batch, sequence]"),
    ({"input_ids": torch.ones(1, 4)}, "must hold integers"),
    ({"input_ids": torch.ones(1, 4, dtype=torch.int64),
      "attention_mask": torch.ones(1, 5, dtype=torch.int64)}, "attention_mask"),
    ({"input_ids": torch.ones(1, 4, dtype=torch.int64), "pixels": torch.ones(1)}, "pixels"),
    ({"attention_mask": torch.ones(1, 4, dtype=torch.int64)}, "input_ids"),
])
def test_refuses_inputs_the_model_cannot_take(inputs, words, folder):
    tiny.model_of("bert/base").save_pretrained(folder)
    path = folder.parent / "in.safetensors"
    save_file(inputs, path)
    out = folder.parent / "out.safetensors"
    done = ridgeline("forward", folder, "--inputs", path, "--outputs", out, check=False)
    assert_one_clear_line(done)
    assert words in done.stderr


def test_synthesize_writes_what_transformers_loads(folder):
    config = tiny.config_of(BASE)
    config.architectures = ["BertForMaskedLM"]
    source = folder.parent / "config-only"
    config.save_pretrained(source)
    ridgeline("synthesize", source, "--outputs", folder, "--seed", 5)
    model = transformers.BertForMaskedLM.from_pretrained(folder, attn_implementation="eager")
    inputs = tiny.inputs_of(BASE)
    reference = tiny.run(model, inputs)
    tiny.compare(forward(folder, inputs), reference, inputs, TOLERANCE)
    # The same weights without the detour over a file.
    synthetic = forward(source, inputs, "--weights", "synthetic", "--seed", 5)
    tiny.compare(synthetic, reference, inputs, TOLERANCE)
    assert json.loads((folder / "config.json").read_text())["ridgeline_synthetic"]["seed"] == 5
