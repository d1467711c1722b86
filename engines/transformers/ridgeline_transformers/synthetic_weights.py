"""Synthetic weights, equal bit for bit to those of engines/native/scope/synthetic_source.cpp.

Each element is SplitMix64 of a counter behind a key, and the key is made of the seed and the stored
name; so any element can be made alone, on any device, in pieces.
"""

import ctypes
import math

from ridgeline_transformers.stored_names import stored_names

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15
_MIX = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))
_FNV_BASIS, _FNV_PRIME = 0xCBF29CE484222325, 0x100000001B3
_CPU_PIECE, _DEVICE_PIECE = 1 << 17, 1 << 25  # elements: what fits a cache, and what fills a GPU


def _mix(x):
    x = (x + _GOLDEN) & _MASK
    for shift, factor in _MIX:
        x = ((x ^ (x >> shift)) * factor) & _MASK
    return x ^ (x >> 31)


def key_of(name, seed):
    """FNV-1a over the name, started with the seed."""
    value = _FNV_BASIS ^ _mix(seed & _MASK)
    for byte in name.encode("utf-8", "surrogateescape"):
        value = ((value ^ byte) * _FNV_PRIME) & _MASK
    return _mix(value)


def _float32(value):
    return ctypes.c_float(value).value


def _signed(value):
    """The int64 of the same bits."""
    value &= _MASK
    return value - (1 << 64) if value >> 63 else value


_ROOT3 = _float32(1.7320508)


def distribution_of(module, name, parameter):
    """(centre, half width) of the uniform values, by what the parameter is.

    Half widths are sqrt(3) times the standard deviation: weights by their fan-in, embeddings 1,
    norms around 1, everything else small around 0.
    """
    import torch  # noqa: PLC0415

    bias = 0.0, _float32(_float32(0.02) * _ROOT3)
    own = name.rpartition(".")[2]
    if own.endswith("bias"):
        return bias
    if isinstance(module, torch.nn.Embedding):
        return 0.0, _ROOT3
    if own == "weight" and parameter.dim() == 1:
        return 1.0, _float32(_float32(0.1) * _ROOT3)
    if own != "weight" and ("embedding" in own or own.endswith("_token")):
        return 0.0, _ROOT3
    if parameter.dim() < 2:
        return bias
    fan_in = max(1, parameter.numel() // parameter.shape[0])
    return 0.0, _float32(_ROOT3 / _float32(math.sqrt(_float32(fan_in))))


def _shift_right(x, bits, spare):
    """x >> bits as if x were unsigned, in `spare`."""
    import torch  # noqa: PLC0415

    torch.bitwise_right_shift(x, bits, out=spare)
    return spare.bitwise_and_((1 << (64 - bits)) - 1)


def uniform(begin, end, key, distribution, device):
    """Elements [begin, end) as float32."""
    import torch  # noqa: PLC0415

    x = torch.arange(begin, end, dtype=torch.int64, device=device)
    x.mul_(_signed(_GOLDEN)).add_(_signed(key + _GOLDEN))
    spare = torch.empty_like(x)
    for shift, factor in _MIX:
        x.bitwise_xor_(_shift_right(x, shift, spare)).mul_(_signed(factor))
    x.bitwise_xor_(_shift_right(x, 31, spare))
    # The top 24 bits fill a float exactly; the half step centres the grid on zero.
    values = _shift_right(x, 40, spare).to(torch.float32)
    centre, half_width = distribution
    return values.add_(0.5).mul_(2.0 / 16777216.0).sub_(1.0).mul_(half_width).add_(centre)


def fill(parameter, key, distribution):
    """Overwrites a parameter where it is, rounded to its dtype."""
    flat = parameter.data.view(-1)
    piece = _CPU_PIECE if flat.device.type == "cpu" else _DEVICE_PIECE
    for begin in range(0, flat.numel(), piece):
        end = min(begin + piece, flat.numel())
        flat[begin:end].copy_(uniform(begin, end, key, distribution, flat.device))


def fill_model(model, seed, progress):
    """Fills every parameter of a model; tied ones are filled once, under the name files have."""
    import torch  # noqa: PLC0415

    modules = dict(model.named_modules())
    stored = stored_names(model)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            module = modules[name.rpartition(".")[0]]
            fill(parameter, key_of(stored[name], seed), distribution_of(module, name, parameter))
            progress.tick()
