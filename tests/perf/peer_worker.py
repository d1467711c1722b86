"""The transformers side: one process, one model, as a user of PyTorch would write it.

Eager module, attn_implementation="sdpa", torch.inference_mode. Prints one JSON line.
  peer_worker.py time    FOLDER --dtype D --threads N --inputs FILE --seconds X
  peer_worker.py outputs FOLDER --dtype D --threads N --inputs FILE --native FILE
"""

import argparse
import gc
import json
import os
import statistics
import sys
import time

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"

import torch  # noqa: E402
import transformers  # noqa: E402
from safetensors.torch import load_file  # noqa: E402

from peer_statistics import Warmup  # noqa: E402


def load(arguments, dtype):
    folder = arguments.folder
    config = transformers.AutoConfig.from_pretrained(folder)
    architecture = getattr(transformers, arguments.architecture or config.architectures[0])
    model = architecture.from_pretrained(
        folder, dtype=getattr(torch, dtype), attn_implementation="sdpa"
    ).eval()
    assert model.config._attn_implementation == "sdpa"
    assert {p.dtype for p in model.parameters()} == {getattr(torch, dtype)}
    return model


def cast(inputs, dtype):
    """Features in the model's dtype, as a user of a half-precision model gives them."""
    kind = getattr(torch, dtype)
    return {k: v.to(kind) if v.is_floating_point() else v for k, v in inputs.items()}


def call_of(model, inputs, arguments):
    """The phase as (call, restore): restore puts the cache back and is not timed."""
    if arguments.phase == "forward":
        return lambda: model(**inputs), lambda: None
    if arguments.phase == "encode":
        encoder = model.get_encoder()
        return lambda: encoder(inputs["input_features"]), lambda: None
    if arguments.phase == "prefill":
        return lambda: model(**inputs, use_cache=True, logits_to_keep=1), lambda: None
    return decode_call(model, inputs, arguments.depth)


def decode_call(model, inputs, depth):
    """One token behind `depth` cached ones; the cache is cropped back, as is usual."""
    if "decoder_input_ids" in inputs:
        ids = inputs["decoder_input_ids"].repeat(1, depth)[:, :depth]
        state = model(input_features=inputs["input_features"], decoder_input_ids=ids, use_cache=True)
        given = {"encoder_outputs": (state.encoder_last_hidden_state,)}
        name = "decoder_input_ids"
    else:
        ids = inputs["input_ids"].repeat(1, depth)[:, :depth]
        state, given, name = model(input_ids=ids, use_cache=True), {}, "input_ids"
    cache, token = state.past_key_values, ids[:, :1]
    own = getattr(cache, "self_attention_cache", cache)  # cross-attention's stays as it is
    call = lambda: model(**{name: token}, past_key_values=cache, use_cache=True, **given)  # noqa: E731
    return call, lambda: own.crop(-1) if own.get_seq_length() > depth else None


def run_for(phase, seconds):
    """Seconds of each call, until `seconds` are over; at least one call."""
    call, restore = phase
    durations, spent = [], 0
    while not durations or spent < 1e9 * seconds:
        output = None  # freed before the clock starts, as on the native side
        restore()
        begin = time.perf_counter_ns()
        output = call()
        elapsed = time.perf_counter_ns() - begin
        spent += elapsed
        durations.append(1e-9 * elapsed)
    del output
    return durations


def timed(arguments, inputs):
    model = load(arguments, arguments.dtype)
    phase = call_of(model, cast(inputs, arguments.dtype), arguments)
    gc.collect()
    gc.disable()  # a collection is no part of the model
    first = run_for(phase, 0)
    warmup = Warmup(arguments.seconds)
    while not warmup.done:
        warmup.add(run_for(phase, warmup.block_seconds()))
    samples = run_for(phase, arguments.seconds)
    return {
        "median": statistics.median(samples),
        "n": len(samples),
        "samples": samples,
        "first_call": first[0],
        "warmup": {
            "calls": warmup.calls, "seconds": warmup.seconds, "stationary": warmup.stationary,
        },
    }


def error(outputs, reference):
    """The largest error of any output, relative to the largest value of that output."""
    assert set(reference) <= set(outputs), (set(outputs), set(reference))
    worst = 0.0
    for name, expected in reference.items():
        actual = outputs[name].float()
        assert actual.shape == expected.shape, (name, actual.shape, expected.shape)
        if not torch.isfinite(actual).all():
            return float("inf")
        worst = max(worst, float((actual - expected).abs().max() / expected.abs().max()))
    return worst


def compared(arguments, inputs):
    """Both sides' errors against transformers in float32, on the same inputs."""

    def outputs(dtype):
        result = load(arguments, dtype)(**cast(inputs, dtype))
        return {k: v.float() for k, v in result.items() if isinstance(v, torch.Tensor)}

    reference = outputs("float32")
    own = reference if arguments.dtype == "float32" else outputs(arguments.dtype)
    return {
        "native": error(load_file(arguments.native), reference),
        "peer": error(own, reference),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("task", choices=["time", "outputs"])
    parser.add_argument("folder")
    parser.add_argument("--dtype", required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--inputs", required=True)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--native")
    parser.add_argument("--phase", default="forward")
    parser.add_argument("--depth", type=int, default=0)
    parser.add_argument("--architecture", default="")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    assert torch.get_num_threads() == arguments.threads
    inputs = load_file(arguments.inputs)
    with torch.inference_mode():
        result = (timed if arguments.task == "time" else compared)(arguments, inputs)
    result["versions"] = {
        "python": sys.version.split()[0],
        "torch": torch.__version__,
        "transformers": transformers.__version__,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
