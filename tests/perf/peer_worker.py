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


def load(folder, dtype):
    model = transformers.BertModel.from_pretrained(
        folder, dtype=getattr(torch, dtype), attn_implementation="sdpa"
    ).eval()
    assert model.config._attn_implementation == "sdpa"
    assert {p.dtype for p in model.parameters()} == {getattr(torch, dtype)}
    return model


def run_for(model, inputs, seconds):
    """Seconds of each call, until `seconds` are over; at least one call."""
    durations, spent = [], 0
    while not durations or spent < 1e9 * seconds:
        output = None  # freed before the clock starts, as on the native side
        begin = time.perf_counter_ns()
        output = model(**inputs)
        elapsed = time.perf_counter_ns() - begin
        spent += elapsed
        durations.append(1e-9 * elapsed)
    del output
    return durations


def timed(arguments, inputs):
    model = load(arguments.folder, arguments.dtype)
    gc.collect()
    gc.disable()  # a collection is no part of the model
    first = run_for(model, inputs, 0)
    warmup = Warmup(arguments.seconds)
    while not warmup.done:
        warmup.add(run_for(model, inputs, warmup.block_seconds()))
    samples = run_for(model, inputs, arguments.seconds)
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
    assert set(outputs) == set(reference), (set(outputs), set(reference))
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
        result = load(arguments.folder, dtype)(**inputs)
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
