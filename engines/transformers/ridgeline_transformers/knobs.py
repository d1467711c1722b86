"""The optimisations of this engine as declared knobs, and applying those of process and load."""

import dataclasses
import os

from ridgeline_transformers.cpu_list import parse_cpu_list, to_cpu_list
from ridgeline_transformers.errors import bad_input, unsupported
from ridgeline_transformers.fields import get

_MOST_THREADS = 4096
_NOT_ASKED = "not asked for"
MODES = {"eager": "off", "compile": "default", "reduce-overhead": "reduce-overhead"}


@dataclasses.dataclass
class Knob:
    """A row of the table that "hello" shows."""

    id: str
    values: str
    default: str | None
    stage: str
    lossless: bool
    description: str


KNOBS = (
    Knob("cores", "list of CPU numbers, such as 0-3,8", None, "process", True,
         "CPUs the process may run on"),
    Knob("threads", "a count", None, "process", True,
         "threads of one operation on the CPU (default: torch's own choice)"),
    Knob("tf32", "on|off", "off", "load", False,
         "float32 products and convolutions in TF32, where the device has it"),
    Knob("attention", "auto|eager|sdpa|flash_attention_2|flash_attention_3|flex_attention", "auto",
         "load", True, "attn_implementation of transformers"),
    Knob("cache", "auto|dynamic|static", "auto", "plan", True,
         "key-value cache of decoding (auto: dynamic, or static where torch.compile is on)"),
    Knob("compile", "off|default|reduce-overhead", "off", "plan", True,
         "torch.compile, with CUDA graphs in reduce-overhead; the engine's mode sets it"),
)  # fmt: skip


def knobs_json():
    """For "hello"."""
    return [
        {
            "id": knob.id,
            "values": knob.values,
            "default": knob.default,
            "stage": knob.stage,
            "lossless": knob.lossless,
            "conflicts": [],
            "description": knob.description,
        }
        for knob in KNOBS
    ]


def requests_of(fields):
    """{id: value as text} of a message's "optimizations"; unknown ids are errors."""
    known = {knob.id: knob for knob in KNOBS}
    asked = {}
    for entry in get(fields, "optimizations", "message", list, []):
        if not isinstance(entry, dict):
            raise bad_input("optimization: not an object")
        name = get(entry, "id", "optimization", str)
        if name not in known:
            raise unsupported(
                f"unknown optimization '{name[:80]}'", "known: " + ", ".join(known)
            )
        value = entry.get("value")
        if isinstance(value, (dict, list)):
            raise bad_input(f"optimization {name}: the value must be text or a number")
        if value is not None:
            asked[name] = str(value).lower() if isinstance(value, bool) else str(value)
    return asked


def choice_of(asked, knob_id):
    """The value that is asked for, or the default; one the table lacks is an error."""
    knob = next(row for row in KNOBS if row.id == knob_id)
    value = asked.get(knob_id, knob.default)
    if value not in knob.values.split("|"):
        raise bad_input(f"{knob_id} '{value[:80]}' is not {knob.values.replace('|', ', ')}")
    return value


def outcome(knob_id, requested, applied, value, reason=""):
    """One entry of the record: id, requested (null by default), applied, value, reason."""
    knob = next(row for row in KNOBS if row.id == knob_id)
    return {
        "id": knob_id,
        "requested": requested,
        "applied": applied,
        "value": value,
        "lossless": knob.lossless,
        "reason": reason or None,
    }


def mode_of(fields):
    """The engine's mode of a load request; unknown ones are errors that list the known."""
    mode = get(fields, "mode", "load", str, "eager")
    if mode not in MODES:
        raise bad_input(
            f"the transformers engine has no mode '{mode[:80]}'", "known: " + ", ".join(MODES)
        )
    return mode


def compile_choice(mode, asked):
    """The value of the knob `compile` that a mode and a request make up; both must agree."""
    by_mode = MODES[mode]
    if "compile" not in asked:
        return by_mode, (None if mode == "eager" else by_mode)
    value = choice_of(asked, "compile")
    if mode != "eager" and value != by_mode:
        raise bad_input(f"mode '{mode}' and compile={value} are not the same", "name one of them")
    return value, value


def _pin(cpus):
    """Every thread of the process: those that start later inherit it."""
    for task in os.listdir("/proc/self/task"):
        os.sched_setaffinity(int(task), cpus)


def apply_cores(asked):
    """Before torch is imported: its threads are counted by the CPUs that are left."""
    reason = _NOT_ASKED
    applied = False
    if "cores" in asked:
        wanted = parse_cpu_list(asked["cores"])
        try:
            _pin(wanted)
            applied, reason = True, ""
        except (OSError, ValueError):
            reason = "the system refuses these CPUs"
    now = to_cpu_list(os.sched_getaffinity(0))
    return outcome("cores", asked.get("cores"), applied, now, reason)


def apply_threads(asked):
    """torch's threads of one operation."""
    import torch  # noqa: PLC0415

    reason = _NOT_ASKED
    applied = False
    if "threads" in asked:
        text = asked["threads"]
        if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= _MOST_THREADS:
            raise bad_input(f"threads '{text[:80]}' is not a count from 1 to {_MOST_THREADS}")
        torch.set_num_threads(int(text))
        applied = torch.get_num_threads() == int(text)
        reason = "" if applied else "torch uses another number of threads"
    requested = int(asked["threads"]) if "threads" in asked else None
    return outcome("threads", requested, applied, str(torch.get_num_threads()), reason)


def apply_tf32(asked, device, dtype):
    """One switch for products and convolutions, which torch has apart and sets differently."""
    import torch  # noqa: PLC0415

    wanted = choice_of(asked, "tf32") == "on"
    torch.backends.cuda.matmul.allow_tf32 = wanted
    torch.backends.cudnn.allow_tf32 = wanted
    requested = asked.get("tf32")
    if not wanted:
        reason = "" if requested else _NOT_ASKED
        return outcome("tf32", requested, requested is not None, "off", reason)
    if device.type != "cuda" or dtype != torch.float32:
        return outcome("tf32", requested, False, "off", "only float32 on a CUDA device has TF32")
    if torch.cuda.get_device_capability(device)[0] < 8:
        return outcome("tf32", requested, False, "off", "this device has no TF32")
    return outcome("tf32", requested, True, "on")


def attention_outcome(asked, loaded, reason):
    """What the model's config says is in force."""
    requested = asked.get("attention")
    in_force = getattr(loaded.model.config, "_attn_implementation", None)
    if in_force is None:
        return outcome("attention", requested, False, None, "the model has no choice of attention")
    if requested not in (None, "auto", in_force):
        reason = reason or f"transformers uses {in_force}"
        return outcome("attention", requested, False, in_force, reason)
    return outcome("attention", requested, True, in_force)


def cache_choice(asked, compile_value):
    """"dynamic" or "static"; compiled code takes static ones only."""
    value = choice_of(asked, "cache")
    if value == "auto":
        return "dynamic" if compile_value == "off" else "static"
    if value == "dynamic" and compile_value != "off":
        raise bad_input("torch.compile needs cache=static", "leave cache=dynamic out, or use eager")
    return value


def cache_outcome(asked, value, generates):
    """What decoding works on; models that do not decode have no cache."""
    requested = asked.get("cache")
    if not generates:
        return outcome("cache", requested, False, None, "the model keeps no cache")
    return outcome("cache", requested, True, value)
