"""Tiny random models of every family, made by transformers: the oracle's side of the tests."""

import copy
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
                    "config": merged(table["base"], row["config"]),
                    "inputs": row.get("inputs", table["inputs"]),
                    "make": {**table.get("make", {}), **row.get("make", {})},
                }
            )
    return rows


def merged(base, over):
    """`over` on top of `base`, nested objects too."""
    both = dict(base)
    for key, value in over.items():
        nested = isinstance(value, dict) and isinstance(base.get(key), dict)
        both[key] = merged(base[key], value) if nested else value
    return both


def config_of(row):
    """The config of the row's class: a tower's own part when the row has the whole model's."""
    config = dict(row["config"])
    whole = transformers.AutoConfig.for_model(config.pop("model_type"), **config)
    wanted = getattr(transformers, row["architecture"]).config_class
    if isinstance(whole, wanted):
        return whole
    parts = (getattr(whole, name, None) for name in ("text_config", "vision_config"))
    return next(part for part in parts if isinstance(part, wanted))


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


def inputs_of(row, batch=BATCH, sequence=SEQUENCE, padding="right", seed=1):
    """Inputs by HF name. With padding ("right", "left", or None) all rows but the first have some."""
    config = row["config"]
    make = row["make"]
    text = config.get("text_config", config)
    vision = config.get("vision_config", config)
    sequence = make.get("sequence", sequence)
    generator = torch.Generator().manual_seed(seed)

    def ids(high, shape=(batch, sequence), low=0):
        return torch.randint(low, high, shape, generator=generator)

    def mask(length):
        ones = torch.ones(batch, length, dtype=torch.int64)
        for index in range(1, batch if padding else 0):
            count = 1 + (index * 4) % (length - 2)
            ones[index, :count] = 0
            if padding == "right":
                ones[index] = ones[index].flip(0)
        return ones

    rows = make.get("texts", batch)  # of texts, where pictures have another number

    def clip_ids():
        """Start, words, the token at which the row is pooled, padding."""
        values = ids(text["vocab_size"] - 2, (rows, sequence), low=3)
        # Files of old releases name 2: there the largest id ends a text.
        end = text["eos_token_id"] if text["eos_token_id"] != 2 else text["vocab_size"] - 1
        values[values == end] -= 1
        values[:, 0] = text["bos_token_id"]
        for index in range(rows):
            last = sequence - 1 - (3 * index % 12 if padding else 0)
            values[index, last] = end
            values[index, last + 1 :] = text["pad_token_id"]
        return values

    def clip_mask():
        last = [sequence - 1 - (3 * index % 12 if padding else 0) for index in range(rows)]
        return torch.stack([torch.arange(sequence) <= at for at in last]).long()

    def input_ids():
        if "text_config" in config:
            return clip_ids()
        values = ids(text["vocab_size"], low=make.get("lowest_id", 3))
        if "end" in make:  # the id at which a row ends; what follows is padding
            values[values == make["end"]] -= 1
            for index in range(batch):
                last = sequence - 1 - (3 * index if padding else 0)
                values[index, last] = make["end"]
                values[index, last + 1 :] = text.get("pad_token_id", 0)
        return values

    def attention_mask():
        if "text_config" in config:
            return clip_mask()
        if "end" not in make:
            return mask(sequence)
        return torch.stack(
            [torch.arange(sequence) <= sequence - 1 - (3 * i if padding else 0) for i in range(batch)]
        ).long()

    def pixel_values():
        def pair(value):
            return tuple(value) if isinstance(value, list) else (value, value)

        size = pair(make.get("image_size", vision.get("image_size", 224)))
        shape = (batch, vision.get("num_channels", 3), *size)
        return torch.randn(shape, generator=generator)

    def positions():
        return (attention_mask().cumsum(1) - 1).clamp_min(0)

    makers = {
        "input_ids": input_ids,
        "attention_mask": attention_mask,
        "token_type_ids": lambda: ids(config["type_vocab_size"]),
        "position_ids": lambda: ids(text["max_position_embeddings"]),
        "positions_of_mask": positions,
        "encoder_hidden_states": lambda: torch.randn(
            batch, SOURCE, config["hidden_size"], generator=generator
        ),
        "encoder_attention_mask": lambda: mask(SOURCE),
        "pixel_values": pixel_values,
        "interpolate_pos_encoding": lambda: torch.tensor(True),
        "input_features": lambda: torch.randn(
            batch, config["num_mel_bins"], 2 * config["max_source_positions"], generator=generator
        ),
        "decoder_input_ids": lambda: ids(config["vocab_size"], (batch, 8), low=3),
        "decoder_attention_mask": lambda: mask(8),
    }
    names = row["inputs"]
    return {"position_ids" if name == "positions_of_mask" else name: makers[name]() for name in names}


def pads_left(row):
    """Whether rows may be padded on the left: not where a text ends in a token of its own."""
    whole = "end" not in row["make"] and "text_config" not in row["config"]
    return "attention_mask" in row["inputs"] and whole


def first_row(tensors):
    """The first of the batch; what has no batch stays."""
    return {name: value[:1] if value.dim() > 0 else value for name, value in tensors.items()}


def flatten(value, name=""):
    """Nested outputs as flat tensors: `a.b` and `a[0]`; caches and what is no tensor are left out."""
    if isinstance(value, torch.Tensor):
        return {name: value}
    flat = {}
    if isinstance(value, dict):
        for key, part in value.items():
            flat |= flatten(part, f"{name}.{key}" if name else key)
    elif isinstance(value, (tuple, list)):
        for index, part in enumerate(value):
            flat |= flatten(part, f"{name}[{index}]")
    return flat


def run(model, inputs):
    """forward() of transformers as flat tensors; caches are left out. On a copy: dynamic rotary
    frequencies stay with a model that has seen a longer sequence."""
    inputs = {
        name: value.item() if value.dtype == torch.bool and value.dim() == 0 else value
        for name, value in inputs.items()
    }
    with torch.no_grad():
        outputs = dict(copy.deepcopy(model)(**inputs))
    outputs.pop("past_key_values", None)
    return flatten(outputs)


def compare(ours, reference, inputs, tolerance):
    """Largest error of the unpadded rows, relative to the largest value of the reference."""
    assert set(ours) == set(reference), (set(ours), set(reference))
    mask = inputs.get("attention_mask", inputs.get("decoder_attention_mask"))
    for name, expected in reference.items():
        actual = ours[name]
        assert actual.shape == expected.shape, (name, actual.shape, expected.shape)
        expected = expected.float()
        if mask is not None and expected.shape[:2] == mask.shape:
            actual, expected = actual[mask.bool()], expected[mask.bool()]
        error = (actual.float() - expected).abs().max() / expected.abs().max()
        assert error <= tolerance, (name, float(error))


# --- generation ----------------------------------------------------------------------------------


def generates(row):
    return row["architecture"].endswith(("ForCausalLM", "ForConditionalGeneration"))


def prompt_of(row, padding=None):
    """What generate() is given: features, or ids with a mask when something is padded."""
    inputs = inputs_of(row, padding=padding)
    names = {"input_ids", "pixel_values", "input_features"} | ({"attention_mask"} if padding else set())
    return {name: value for name, value in inputs.items() if name in names}


def with_tokens(row, inputs, sequences):
    """Inputs of one forward pass over what generate() returned."""
    if "decoder_input_ids" not in row["inputs"]:
        return {**inputs, "input_ids": sequences}
    start = torch.full((sequences.shape[0], 1), row["config"]["decoder_start_token_id"])
    return {**inputs, "decoder_input_ids": torch.cat([start, sequences[:, :-1]], 1)}
