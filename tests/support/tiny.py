"""Tiny random models of every family, made by transformers: the oracle's side of the tests."""

import functools
import json
import pathlib

import torch
import transformers

FAMILIES = pathlib.Path(__file__).resolve().parents[1] / "oracle/families"
BATCH, SEQUENCE, SOURCE = 2, 16, 7


def variants():
    """Every row of tests/oracle/families/*.json, with its family, merged config and inputs."""
    rows = []
    for path in sorted(FAMILIES.glob("*.json")):
        table = json.loads(path.read_text())
        for row in table["variants"]:
            rows.append(
                {
                    "id": f"{path.stem}/{row['id']}",
                    "family": path.stem,
                    "architecture": row["architecture"],
                    "config": {**table["base"], **row["config"]},
                    "inputs": row.get("inputs", table["inputs"]),
                }
            )
    return rows


def config_of(row):
    config = dict(row["config"])
    return transformers.AutoConfig.for_model(config.pop("model_type"), **config)


def randomize(model, seed=0):
    """Overwrites every parameter: default initialisation (zero biases, unit norms) hides mistakes."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            is_norm = "norm" in name.lower() and name.endswith("weight")
            parameter.copy_((1 if is_norm else 0) + 0.1 * noise)
    return model


@functools.lru_cache(maxsize=4)
def model_of(row_id, attention="eager"):
    row = next(row for row in variants() if row["id"] == row_id)
    architecture = getattr(transformers, row["architecture"])
    config = config_of(row)
    config._attn_implementation = attention
    torch.manual_seed(0)
    return randomize(architecture(config).eval())


def inputs_of(row, batch=BATCH, sequence=SEQUENCE, padded=True, seed=1):
    """Inputs by HF name; the second and later rows are padded to different lengths."""
    config = row["config"]
    generator = torch.Generator().manual_seed(seed)

    def ids(high, shape=(batch, sequence), low=0):
        return torch.randint(low, high, shape, generator=generator)

    def mask(length):
        ones = torch.ones(batch, length, dtype=torch.int64)
        for index in range(1, batch if padded else 0):
            ones[index, length - 1 - (index * 4) % (length - 2) :] = 0
        return ones

    makers = {
        "input_ids": lambda: ids(config["vocab_size"], low=3),
        "attention_mask": lambda: mask(sequence),
        "token_type_ids": lambda: ids(config["type_vocab_size"]),
        "position_ids": lambda: ids(config["max_position_embeddings"]),
        "encoder_hidden_states": lambda: torch.randn(
            batch, SOURCE, config["hidden_size"], generator=generator
        ),
        "encoder_attention_mask": lambda: mask(SOURCE),
    }
    return {name: makers[name]() for name in row["inputs"]}


def run(model, inputs):
    """forward() of transformers as flat tensors; caches are left out."""
    with torch.no_grad():
        outputs = model(**inputs)
    return {name: value for name, value in outputs.items() if isinstance(value, torch.Tensor)}


def compare(ours, reference, inputs, tolerance):
    """Largest error of the unpadded rows, relative to the largest value of the reference."""
    assert set(ours) == set(reference), (set(ours), set(reference))
    mask = inputs.get("attention_mask")
    for name, expected in reference.items():
        actual = ours[name]
        assert actual.shape == expected.shape, (name, actual.shape, expected.shape)
        expected = expected.float()
        if mask is not None and expected.shape[:2] == mask.shape:
            actual, expected = actual[mask.bool()], expected[mask.bool()]
        error = (actual - expected).abs().max() / expected.abs().max()
        assert error <= tolerance, (name, float(error))
