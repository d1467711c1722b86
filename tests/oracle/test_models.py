"""Every architecture of every family against transformers: outputs, batches, padding, costs. The rows
are tests/oracle/families/*.json; a family is added there, not here."""

import pytest
from torch.utils.flop_counter import FlopCounterMode

from support import tiny
from support.program import ridgeline_json

TOLERANCE = 1e-4  # of the largest value, float32 on the CPU
# bfloat16 keeps 8 bits: an ulp is 2^-8 = 0.4 %, and a few layers add up.
BFLOAT16_TOLERANCE = 4e-2

ROWS = tiny.variants()
every_variant = pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])
# The first row of a family stands for it where all variants would tell nothing new.
FIRST = [row for i, row in enumerate(ROWS) if i == 0 or ROWS[i - 1]["family"] != row["family"]]
first_of_family = pytest.mark.parametrize("row", FIRST, ids=[row["id"] for row in FIRST])


def saved(row, folder):
    model = tiny.model_of(row["id"])
    model.save_pretrained(folder)
    return model


def without_pooler(tensors):
    return {name: value for name, value in tensors.items() if name != "pooler_output"}


@every_variant
def test_forward_equals_transformers(row, engine, folder):
    model = saved(row, folder)
    engine.load(folder)
    inputs = tiny.inputs_of(row)
    reference = tiny.run(model, inputs)
    tiny.compare(engine.tensors("forward", inputs, folder), reference, inputs, TOLERANCE)
    # A batch row equals the same row alone.
    alone = tiny.first_row(inputs)
    tiny.compare(engine.tensors("forward", alone, folder), tiny.run(model, alone), alone, TOLERANCE)
    if tiny.pads_left(row):
        left = tiny.inputs_of(row, padding="left")
        ours, reference = engine.tensors("forward", left, folder), tiny.run(model, left)
        # The first position, which a pooler reads, is padding here.
        tiny.compare(without_pooler(ours), without_pooler(reference), left, TOLERANCE)


@pytest.mark.parametrize("kernel", ["flash", "math"])
@first_of_family
def test_every_attention_kernel_gives_the_same(row, kernel, engine, folder):
    model = saved(row, folder)
    engine.load(folder)
    inputs = tiny.inputs_of(row, batch=3)
    ours = engine.tensors("forward", inputs, folder, optimize={"attention": kernel})
    tiny.compare(ours, tiny.run(model, inputs), inputs, TOLERANCE)


@pytest.mark.parametrize("optimize", [{"prepack": "off", "row_kernel": "off"}, {"prepack": "on"}],
                         ids=["plain", "prepacked"])
@first_of_family
def test_every_weight_layout_gives_the_same(row, optimize, engine, folder):
    model = saved(row, folder)
    engine.load(folder, optimize=optimize)
    inputs = tiny.inputs_of(row)
    ours = engine.tensors("forward", inputs, folder)
    tiny.compare(ours, tiny.run(model, inputs), inputs, TOLERANCE)


@first_of_family
def test_bfloat16_stays_within_its_bound(row, engine, folder):
    model = saved(row, folder)
    engine.load(folder, dtype="bfloat16")
    inputs = tiny.inputs_of(row)
    ours = engine.tensors("forward", inputs, folder)
    tiny.compare(ours, tiny.run(model, inputs), inputs, BFLOAT16_TOLERANCE)


@every_variant
def test_cost_equals_the_flop_counter(row, engine, folder):
    """torch's flop counter with eager attention: nothing is fused, all counts."""
    config = tiny.config_of(row)
    config.architectures = [row["architecture"]]
    config.save_pretrained(folder)
    model = tiny.model_of(row["id"])
    # At the config's own image size, and as many texts as pictures.
    row = {**row, "make": {key: value for key, value in row["make"].items()
                           if key not in ("image_size", "texts")}}
    inputs = tiny.inputs_of(row, batch=3, sequence=20, padding=None)
    workload = {"batch": 3, "sequence": 20}
    if "decoder_input_ids" in inputs:
        workload["sequence"] = inputs["decoder_input_ids"].shape[1]
    # Counted as synthetic inputs are: those that only some callers give are left out.
    optional = {"position_ids", "encoder_hidden_states", "encoder_attention_mask",
                "decoder_attention_mask", "interpolate_pos_encoding"}
    inputs = {name: value for name, value in inputs.items() if name not in optional}
    counter = FlopCounterMode(display=False)
    with counter:
        tiny.run(model, inputs)
    parameters = sum(p.numel() for p in model.parameters())
    # Without weights, as `ridgeline cost` asks for it.
    cost = engine.request("cost", model=str(folder), dtype="float32", device="cpu",
                          weights="meta", workload=workload)["phases"]["forward"]
    assert (cost["flops"], cost["parameters"]) == (counter.get_total_flops(), parameters)
    assert cost["flops"] == sum(op["flops"] for op in cost["ops"])


def test_every_architecture_has_a_variant_and_no_variant_lacks_one():
    listed = {(row["family"], row["architecture"]) for row in
              ridgeline_json("list", "families", "--json")}
    tested = {(row["family"], row["architecture"]) for row in ROWS}
    assert listed == tested
