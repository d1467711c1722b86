"""Inputs of a model: what it takes, random ones, and checks of those a user gave.

Specifications and random numbers are those of the native engine's families, so both engines get
equal tensors; families that only transformers has follow the same rules.
"""

import dataclasses

from ridgeline_transformers.architectures import Kind, accepts
from ridgeline_transformers.errors import bad_input

IDS, MASK, FEATURES, FLAG = "ids", "mask", "features", "flag"
_LONGEST_ROTARY = 1 << 24
_SOUND_RATE = 16_000  # of models that take samples, where the config does not say
_SAMPLE_SECONDS = 10  # of sound for them, where the workload does not say


@dataclasses.dataclass
class InputSpec:
    """One input: ids, masks and flags are int64, features of the model's dtype; -1 is any size."""

    name: str
    kind: str
    shape: tuple
    low: int = 0
    high: int = 0  # ids: one above the highest value
    required: bool = False
    synthetic: bool = True  # synthetic workloads carry it


def text_config(loaded):
    """The part of the config that is about tokens."""
    config = loaded.model.config
    return getattr(config, "text_config", None) or config


def _vision_config(loaded):
    config = loaded.model.config
    return getattr(config, "vision_config", None) or config


def _positions(loaded):
    """Most tokens that the model has positions for, or None: rotary ones go on."""
    if any(name.rpartition(".")[2] == "rotary_emb" for name, _ in loaded.model.named_modules()):
        return None
    return getattr(text_config(loaded), "max_position_embeddings", None)


def _check_sequence(sequence, most, whose="the model's"):
    if most is not None and sequence > most:
        raise bad_input(f"sequence {sequence} is longer than {whose} {most} positions")


def _text_specs(loaded, workload, rows):
    config = text_config(loaded)
    positions = _positions(loaded)
    _check_sequence(workload.sequence, positions)
    ids = (rows, workload.sequence)
    arguments = accepts(loaded.model)
    specs = [InputSpec("input_ids", IDS, ids, high=config.vocab_size, required=True)]
    if "attention_mask" in arguments:
        specs.append(InputSpec("attention_mask", MASK, ids))
    if "token_type_ids" in arguments and getattr(config, "type_vocab_size", 0):
        specs.append(InputSpec("token_type_ids", IDS, ids, high=config.type_vocab_size))
    if "position_ids" in arguments:
        high = positions or _LONGEST_ROTARY
        shape = (-1, workload.sequence)
        specs.append(InputSpec("position_ids", IDS, shape, high=high, synthetic=False))
    return specs


def _plane(value):
    """Height and width of a config's image size: a number, a pair, or an object."""
    if isinstance(value, dict):
        value = (value.get("height"), value.get("width"))
    if isinstance(value, (list, tuple)):
        return tuple(value)
    return (value, value)


def _image_specs(loaded, workload):
    config = _vision_config(loaded)
    channels = getattr(config, "num_channels", 3)
    own = getattr(config, "image_size", None)
    size = _plane(own if own is not None else 224)
    interpolated = False
    shape = (workload.batch, channels, *size)
    if workload.is_real:
        shape = (-1, channels, -1, -1)
    elif workload.image_size is not None:
        side = workload.image_size
        interpolated = own is not None and size != (side, side)
        shape = (workload.batch, channels, side, side)
    specs = [InputSpec("pixel_values", FEATURES, shape, required=True)]
    if "interpolate_pos_encoding" in accepts(loaded.model):
        specs.append(InputSpec("interpolate_pos_encoding", FLAG, (), synthetic=interpolated))
    return specs


def window_positions(loaded):
    """Positions of the encoder of a model that hears, or None where sounds may have any length."""
    return getattr(loaded.model.config, "max_source_positions", None)


def _sound_specs(loaded, workload):
    config = loaded.model.config
    name = loaded.model.main_input_name
    if name == "input_values":
        rate = getattr(config, "sampling_rate", _SOUND_RATE)
        samples = int(rate * (workload.audio_seconds or _SAMPLE_SECONDS))
        return [InputSpec(name, FEATURES, (workload.batch, samples), required=True)]
    positions = window_positions(loaded)
    bins = getattr(config, "num_mel_bins", 80)
    frames = 2 * positions if positions else int(100 * (workload.audio_seconds or _SAMPLE_SECONDS))
    return [InputSpec(name, FEATURES, (workload.batch, bins, frames), required=True)]


def _decoder_specs(loaded, workload):
    config = loaded.model.config
    most = getattr(config, "max_target_positions", None)
    _check_sequence(workload.sequence, most, "the decoder's")
    ids = (workload.batch, workload.sequence)
    return [
        InputSpec("decoder_input_ids", IDS, ids, high=config.vocab_size),
        InputSpec("decoder_attention_mask", MASK, ids, synthetic=False),
    ]


def input_specs(loaded, workload):
    """What the model takes for a workload, in the order in which random inputs are drawn."""
    kind = loaded.kind
    main = loaded.model.main_input_name
    if kind is Kind.PAIR:
        rows = -1 if workload.is_real else workload.batch
        return _text_specs(loaded, workload, rows) + _image_specs(loaded, workload)
    if kind is Kind.IMAGE:
        return _image_specs(loaded, workload)
    if kind is Kind.SOUND:
        return _sound_specs(loaded, workload)
    if kind is Kind.SEQUENCE_PAIR and main != "input_ids":
        specs = _sound_specs(loaded, workload) + _decoder_specs(loaded, workload)
        # The extractor may return it; encoders of fixed windows do not read it.
        return [*specs, InputSpec("attention_mask", MASK, (workload.batch, -1), synthetic=False)]
    specs = _text_specs(loaded, workload, workload.batch)
    if kind is Kind.SEQUENCE_PAIR:
        specs += _decoder_specs(loaded, workload)
    return specs


def synthetic_inputs(specs, seed, dtype):
    """Random inputs on the CPU: ids uniform over their range, masks all ones, features normal."""
    import torch  # noqa: PLC0415

    generator = torch.Generator().manual_seed(seed)
    inputs = {}
    for spec in specs:
        if not spec.synthetic:
            continue
        if spec.kind == FEATURES:
            made = torch.randn(spec.shape, generator=generator, dtype=torch.float32).to(dtype)
        elif spec.kind == IDS:
            made = torch.randint(
                spec.low, spec.high, spec.shape, generator=generator, dtype=torch.int64
            )
        else:
            made = torch.ones(spec.shape, dtype=torch.int64)
        inputs[spec.name] = made
    return inputs


def _fits(wanted, got):
    return len(wanted) == len(got) and all(w in (-1, g) for w, g in zip(wanted, got))


def _check_ids(name, tensor, spec):
    lowest, highest = int(tensor.min()), int(tensor.max())
    if lowest < spec.low or highest >= spec.high:
        worst = lowest if lowest < spec.low else highest
        raise bad_input(f"input '{name}' holds {worst} outside [{spec.low}, {spec.high})")


def _check_one(name, tensor, spec, dtype):
    """Features as `dtype`, all else as int64; what no spec is about goes by its own type."""
    import torch  # noqa: PLC0415

    if spec is None:
        return tensor.to(dtype) if tensor.is_floating_point() else tensor
    if spec.kind == FLAG:
        if tensor.dim() > 1 or tensor.numel() != 1 or tensor.is_floating_point():
            raise bad_input(f"input '{name}' must be true or false")
        return tensor.reshape(()).ne(0).to(torch.int64)
    if not _fits(spec.shape, tensor.shape):
        raise bad_input(f"input '{name}' is {list(tensor.shape)}, expected {list(spec.shape)}")
    if spec.kind == FEATURES:
        if not tensor.is_floating_point():
            raise bad_input(f"input '{name}' must hold floating-point values")
        return tensor.to(dtype)
    if spec.kind == IDS and tensor.is_floating_point():
        raise bad_input(f"input '{name}' must hold integers")
    integers = tensor.to(torch.int64)
    if spec.kind == IDS and integers.numel() > 0:
        _check_ids(name, integers, spec)
    return integers


def check_inputs(loaded, specs, given):
    """Inputs that a user gave, in the model's dtypes; ids out of range never reach a device."""
    known = {spec.name: spec for spec in specs}
    arguments = accepts(loaded.model)
    for name in given:
        if name not in arguments:
            raise bad_input(
                f"input '{name}' is not one this model takes", "it takes " + ", ".join(known)
            )
    missing = [spec.name for spec in specs if spec.required and spec.name not in given]
    if missing:
        raise bad_input(f"input '{missing[0]}' is missing")
    order = [name for name in known if name in given] + [n for n in given if n not in known]
    return {name: _check_one(name, given[name], known.get(name), loaded.dtype) for name in order}


def sizes_of(loaded, given, workload):
    """`workload` with the sizes that tensors of a user have."""
    main = given.get(loaded.model.main_input_name)
    if main is None or main.dim() < 2 or main.numel() == 0:
        raise bad_input(f"input '{loaded.model.main_input_name}' is missing or empty")
    tokens = given.get("decoder_input_ids", given.get("input_ids"))
    sequence = workload.sequence
    if tokens is not None:
        if tokens.dim() != 2 or tokens.numel() == 0:
            raise bad_input(f"tokens are {list(tokens.shape)}, expected [batch, sequence]")
        sequence = tokens.shape[1]
    elif loaded.kind is Kind.SEQUENCE_PAIR:
        sequence = 1
    return dataclasses.replace(workload, batch=main.shape[0], sequence=sequence)


def shape_specs(loaded, given, workload):
    """Specs against which tensors of a user are checked: sizes of images are their own."""
    specs = input_specs(loaded, sizes_of(loaded, given, workload))
    for spec in specs:
        if spec.name == "pixel_values" and spec.name in given:
            spec.shape = (-1, spec.shape[1], -1, -1)
        if spec.name == "input_ids" and loaded.kind is Kind.PAIR:
            spec.shape = (-1, spec.shape[1])
        if spec.name == "input_ids" and loaded.kind is Kind.SEQUENCE_PAIR:
            spec.shape = (-1, -1)
        if spec.name == "attention_mask" and loaded.kind in (Kind.PAIR, Kind.SEQUENCE_PAIR):
            spec.shape = (-1, -1)
    return specs


def arguments_of(inputs):
    """Keyword arguments of forward(): flags become what Python has for them."""
    return {
        name: bool(value) if value.dim() == 0 and name == "interpolate_pos_encoding" else value
        for name, value in inputs.items()
    }


def without_full_masks(inputs):
    """Leaves out masks that mask nothing: attention may then take its fastest kernel, and nothing
    looks at the mask again in every call. The native engine does the same."""
    return {
        name: value
        for name, value in inputs.items()
        if not (name.endswith("attention_mask") and bool(value.ne(0).all()))
    }
