"""Decoding of every family against transformers: cached steps, greedy tokens, padding, end tokens."""

import copy
import json

import pytest
import torch

from support import tiny
from support.engine import EngineError

TOLERANCE = 1e-4
NEW_TOKENS = 32
ROWS = [row for row in tiny.variants() if tiny.generates(row)]
every_variant = pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])
FIRST = [row for i, row in enumerate(ROWS) if i == 0 or ROWS[i - 1]["family"] != row["family"]]
first_of_family = pytest.mark.parametrize("row", FIRST, ids=[row["id"] for row in FIRST])


def saved(row, folder, **generation):
    """The tiny model in a folder; `generation` overwrites fields of its generation config."""
    model = tiny.model_of(row["id"])
    model.save_pretrained(folder)
    path = folder / "generation_config.json"
    fields = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps({**fields, **generation}))
    return type(model).from_pretrained(folder, attn_implementation="eager").eval()


def sequences(model, inputs, new_tokens=NEW_TOKENS):
    """What generate() returns when asked for nothing else; Whisper's differ otherwise. On a copy:
    dynamic rotary frequencies stay with a model that has seen a longer sequence."""
    with torch.no_grad():
        return copy.deepcopy(model).generate(**inputs, do_sample=False, num_beams=1, max_new_tokens=new_tokens)


def step_logits(model, inputs, new_tokens=NEW_TOKENS):
    """[B, new tokens, V], before any processor."""
    with torch.no_grad():
        generated = copy.deepcopy(model).generate(**inputs, do_sample=False, num_beams=1,
                                   max_new_tokens=new_tokens, return_dict_in_generate=True,
                                   output_logits=True)
    return torch.stack(generated.logits, 1)


def assert_same_tokens(ours, theirs, logits):
    """Equal, but for rows from where on the reference's two best logits are too close to call."""
    assert ours.shape == theirs.shape
    steps = logits.shape[1]
    for row in range(ours.shape[0]):
        differing = (ours[row] != theirs[row]).nonzero()
        if len(differing) == 0:
            continue
        step = int(differing[0]) - (ours.shape[1] - steps)
        best = logits[row, step].topk(2).values
        assert best[0] - best[1] <= 2 * TOLERANCE * logits.abs().max(), (row, step, best)


@every_variant
@pytest.mark.parametrize("padding", [None, "left"])
def test_greedy_tokens_and_logits_equal(row, padding, engine, folder):
    if padding and "attention_mask" not in row["inputs"]:
        pytest.skip("nothing to pad")
    model = saved(row, folder, eos_token_id=None)
    inputs = tiny.prompt_of(row, padding=padding)
    theirs, logits = sequences(model, inputs), step_logits(model, inputs)
    engine.load(folder)
    ours = engine.tensors("generate", inputs, folder, max_new_tokens=NEW_TOKENS, logits=True)
    assert_same_tokens(ours["sequences"], theirs, logits)
    if torch.equal(ours["sequences"], theirs):
        error = (ours["logits"] - logits).abs().max() / logits.abs().max()
        assert error <= TOLERANCE


@first_of_family
def test_prefill_and_decode_equal_one_forward_pass(row, engine, folder):
    saved(row, folder, eos_token_id=None)
    inputs = tiny.prompt_of(row, padding=None)
    engine.load(folder)
    out = engine.tensors("generate", inputs, folder, max_new_tokens=12, logits=True)
    whole = engine.tensors("forward", tiny.with_tokens(row, inputs, out["sequences"]), folder)
    steps = whole["logits"][:, -13:-1] if "decoder_input_ids" not in row["inputs"] else \
        whole["logits"][:, -12:]
    assert (steps - out["logits"]).abs().max() <= TOLERANCE * whole["logits"].abs().max()


@first_of_family
def test_a_batch_row_generates_what_it_generates_alone(row, engine, folder):
    saved(row, folder, eos_token_id=None)
    inputs = tiny.prompt_of(row, padding=None)
    engine.load(folder)
    both = engine.tensors("generate", inputs, folder, max_new_tokens=8, logits=True)
    alone = engine.tensors("generate", tiny.first_row(inputs), folder, max_new_tokens=8, logits=True)
    assert torch.equal(both["sequences"][:1], alone["sequences"])


@first_of_family
def test_end_tokens_pad_and_shorten(row, engine, folder):
    model = saved(row, folder, eos_token_id=None)
    inputs = tiny.prompt_of(row, padding=None)
    free = sequences(model, inputs, 12)
    # Tokens that the rows produce at different steps become end tokens.
    ends = sorted({int(free[0, -8]), int(free[1, -3])})
    model = saved(row, folder, eos_token_id=ends, pad_token_id=9)
    engine.load(folder)
    ours = engine.tensors("generate", inputs, folder, max_new_tokens=12)["sequences"]
    assert torch.equal(ours, sequences(model, inputs, 12))
    assert ours.shape[1] < free.shape[1]


@first_of_family
def test_suppressed_and_forced_tokens(row, engine, folder):
    model = saved(row, folder, eos_token_id=None)
    inputs = tiny.prompt_of(row, padding=None)
    free = sequences(model, inputs, 6)
    fields = {"suppress_tokens": sorted({int(free[0, -6]), int(free[1, -4])}),
              "begin_suppress_tokens": [int(free[1, -6])], "forced_eos_token_id": 11,
              "eos_token_id": None}
    model = saved(row, folder, **fields)
    engine.load(folder)
    ours = engine.tensors("generate", inputs, folder, max_new_tokens=6)["sequences"]
    theirs = sequences(model, inputs, 6)
    assert torch.equal(ours, theirs)
    assert not torch.equal(ours, free)


@pytest.mark.parametrize("fields,words", [
    ({"repetition_penalty": 1.2}, "repetition_penalty"),
    ({"no_repeat_ngram_size": 2}, "no_repeat_ngram_size"),
    ({"eos_token_id": "x"}, "eos_token_id"),
    ({"suppress_tokens": [100000]}, "100000"),
])
def test_what_greedy_decoding_does_not_have_is_refused_by_name(fields, words, engine, folder):
    row = FIRST[0]
    tiny.model_of(row["id"]).save_pretrained(folder)
    (folder / "generation_config.json").write_text(json.dumps(fields))
    engine.load(folder)
    with pytest.raises(EngineError, match=words):
        engine.tensors("generate", tiny.prompt_of(row), folder, max_new_tokens=2)
    assert not (folder / "out.safetensors").exists()


def test_a_model_that_does_not_generate_says_so(engine, folder):
    row = next(row for row in tiny.variants() if row["id"] == "bert/base")
    tiny.model_of(row["id"]).save_pretrained(folder)
    engine.load(folder)
    with pytest.raises(EngineError, match="does not generate"):
        engine.tensors("generate", tiny.inputs_of(row), folder, max_new_tokens=2)
