"""Named tensors: from outputs of transformers, to and from files, and their digest."""

import ctypes
import os

from ridgeline_transformers.errors import bad_input, one_line
from ridgeline_transformers.hash64 import new_hash

# torch's names → those of c10::ScalarType, which the digest of the native engine has.
_C10_NAMES = {
    "float32": "Float",
    "float64": "Double",
    "float16": "Half",
    "bfloat16": "BFloat16",
    "int64": "Long",
    "int32": "Int",
    "int16": "Short",
    "int8": "Char",
    "uint8": "Byte",
    "bool": "Bool",
}


def flatten(value, name=""):
    """Nested outputs as flat tensors: `a.b` and `a[0]`; what is no tensor is left out."""
    import torch  # noqa: PLC0415

    if isinstance(value, torch.Tensor):
        return {name: value}
    flat = {}
    if isinstance(value, dict):
        for key, part in value.items():
            flat.update(flatten(part, f"{name}.{key}" if name else key))
    elif isinstance(value, (tuple, list)):
        for index, part in enumerate(value):
            flat.update(flatten(part, f"{name}[{index}]"))
    return flat


def outputs_of(result):
    """The tensors of a model's output, caches left out."""
    whole = dict(result) if isinstance(result, dict) else result
    if isinstance(whole, dict):
        whole.pop("past_key_values", None)
    return flatten(whole, "" if isinstance(whole, dict) else "output")


def shapes_of(tensors):
    """{name: shape}, for replies."""
    return {name: list(tensor.shape) for name, tensor in tensors.items()}


def bytes_of(tensors):
    """Bytes of all of them."""
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())


def digest_of(tensors):
    """As engines/native/engine/digest.cpp: equal tensors in equal order give equal digests. None
    where this machine has no fast hash and the tensors are large."""
    digest = new_hash()
    for name, tensor in tensors.items():
        data = tensor.detach().cpu().contiguous()
        kind = str(data.dtype).removeprefix("torch.")
        shape = ", ".join(str(size) for size in data.shape)
        head = f"{name} {_C10_NAMES.get(kind, kind)} [{shape}];".encode()
        digest.update(ctypes.cast(ctypes.c_char_p(head), ctypes.c_void_p).value, len(head))
        if data.numel() > 0:
            digest.update(data.data_ptr(), data.numel() * data.element_size())
    return digest.hexdigest()


def read_tensors(path):
    """{name: tensor} of a safetensors file."""
    from safetensors.torch import load_file  # noqa: PLC0415

    try:
        return load_file(path)
    except Exception as error:  # noqa: BLE001 - the file may be anything
        raise bad_input(f"{path}: {one_line(error)}") from None


def write_tensors(path, tensors):
    """Writes a safetensors file, whole or not at all; floats as F32, integers as I64."""
    import torch  # noqa: PLC0415
    from safetensors.torch import save_file  # noqa: PLC0415

    ready = {}
    for name, tensor in tensors.items():
        wide = tensor.detach().cpu()
        if wide.is_floating_point():
            wide = wide.float()
        elif wide.dtype != torch.bool:
            wide = wide.long()
        ready[name] = wide.clone(memory_format=torch.contiguous_format)  # tied ones apart
    partial = f"{path}.tmp{os.getpid()}"
    try:
        save_file(ready, partial, {"format": "pt"})
        os.replace(partial, path)
    except Exception as error:  # noqa: BLE001 - the folder may be missing or the disk full
        if os.path.exists(partial):
            os.unlink(partial)
        raise bad_input(f"cannot write {path}: {one_line(error)}") from None
