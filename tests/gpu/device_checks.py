"""What optimizations of the native engine do on a GPU: one table for each question.

    device_checks.py [check ...] [--budget SECONDS of each run]

    tests      what a device alone can show: synthetic weights bit by bit, every attention kernel,
               two streams
    load       from command to first token of the 8B shape, twice, with the stages of loading
    attention  each kernel for each model: what ran, and how long a call took
    towers     CLIP's encoders one after the other and side by side
    tf32       BERT and Whisper in float32, and how far the outputs move
    layout     Whisper's convolutions with channels last and with cuDNN's benchmark
    verify     a model of each family beside transformers: outputs, and greedy tokens of decoders
    decode     the fused step beside plain ops, one sequence of the 8B and the 1B shape

Without a name, all of them. RIDGELINE_BIN names the folder of the programs.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

BIN = pathlib.Path(os.environ.get("RIDGELINE_BIN", "build/release/bin"))
DEVICE = "cuda:0"
TESTS = "OnCuda*:Nvrtc*:OpenMp*:*HostDecode*:FusedTrial*"
# A model of each family. Of the last the 64 tokens are the point: in float32 they must be the same.
VERIFIED = [
    ("bert-base", "bfloat16", 0), ("vit-b16", "bfloat16", 0), ("clip-b32", "bfloat16", 0),
    ("whisper-small", "bfloat16", 16), ("llama-3.2-1b", "bfloat16", 16),
    ("mistral-7b", "bfloat16", 16), ("llama-3.2-1b", "float32", 64),
]  # fmt: skip


def measured(model, budget, *flags):
    """The records of one run of one invocation; when it fails, the reason is printed."""
    command = [str(BIN / "ridgeline"), "run", model, "--device", DEVICE, "--invocations", "1"]
    command += ["--budget", f"{budget}s", "--metrics", "time,load", "--sensors", "none"]
    with tempfile.TemporaryDirectory() as folder:
        command += ["--json", "--quiet", "--output", f"{folder}/run", *flags]
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        print(f"  {' '.join(command)} → {done.returncode}: {done.stderr.strip()[-300:]}")
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def outcome(record, knob):
    """What is in force for a knob, and why not what was asked for."""
    for entry in record.get("optimizations", []):
        if entry["id"] == knob:
            return entry["value"] + (f" ({entry['reason']})" if entry["reason"] else "")
    return "?"


def latencies(record):
    """Milliseconds of each phase."""
    found = {}
    for phase in record.get("phases", []):
        value = phase.get("metrics", {}).get("latency", {}).get("value")
        if value is not None:
            found[phase["name"]] = 1e3 * value
    return found


def line(label, record, *knobs):
    times = "  ".join(f"{name} {value:.4f} ms" for name, value in latencies(record).items())
    times = times or f"no figure: {json.dumps(record.get('outcome'))[:200]}"
    values = "  ".join(f"{knob}={outcome(record, knob)}" for knob in knobs)
    print(f"  {label:<34} {times}  [{values}]")


def check_tests(_):
    program = BIN / "ridgeline-native-tests"
    if not program.exists():
        print(f"  no {program}: build the target ridgeline-native-tests")
        return False
    return subprocess.run([str(program), f"--gtest_filter={TESTS}"]).returncode == 0


def check_load(budget):
    flags = ("--dtype", "bfloat16", "--sequence", "512", "--phases", "decode")
    for launch in ("first", "second"):
        begin = time.monotonic()
        records = measured("llama-3-8b", budget, *flags)
        wall = time.monotonic() - begin
        for record in records:
            stages = record["load"]["metrics"]
            shown = ", ".join(f"{name} {stage['value']:.2f}" for name, stage in stages.items()
                              if stage.get("value") is not None)
            note = record["model"]["weights"].get("note", "made on the device")
            print(f"  {launch} launch, {wall:.1f} s in all; seconds: {shown}; weights: {note}")
    return True


def check_attention(budget):
    cases = [("bert-base", "--batch", "1,32"), ("vit-b16", "--batch", "1,64"),
             ("clip-b32", "--phases", "forward"), ("whisper-small", "--phases", "encode,decode"),
             ("llama-3.2-1b", "--sequence", "512", "--phases", "prefill,decode")]
    for model, *flags in cases:
        print(f"  {model}")
        for kernel in ("auto", "flash", "cudnn", "efficient", "math"):
            for record in measured(model, budget, "--dtype", "bfloat16", "--optimize",
                                   f"attention={kernel}", *flags):
                line(f"{kernel}, batch {record['workload'].get('batch')}", record, "attention")
    return True


def check_towers(budget):
    for batch in (1, 32):
        for way in ("serial", "parallel"):
            for record in measured("clip-b32", budget, "--dtype", "bfloat16", "--batch", str(batch),
                                   "--phases", "forward", "--optimize", f"towers={way}"):
                line(f"clip-b32 batch {batch}", record, "towers", "graph")
    return True


def largest_difference(model, values, folder):
    """Largest difference between two runs of `forward`, over the largest value."""
    from safetensors.torch import load_file

    outputs = []
    for value in values:
        target = f"{folder}/{value}.safetensors"
        command = [str(BIN / "ridgeline"), "forward", model, "--device", DEVICE, "--inputs",
                   f"{folder}/in.safetensors", "--outputs", target, "--optimize", f"tf32={value}"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            print(f"  {' '.join(command)}: {done.stderr.strip()[-300:]}")
            return float("nan")
        outputs.append(load_file(target))
    first, second = outputs
    return max(float((first[n] - second[n]).abs().max() / first[n].abs().max()) for n in first)


def check_tf32(budget):
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(0)
    inputs = {
        "bert-base": {"input_ids": torch.randint(0, 30000, (1, 128))},
        "whisper-small": {"input_features": torch.randn(1, 80, 3000),
                          "decoder_input_ids": torch.randint(0, 50000, (1, 4))},
    }
    for model, tensors in inputs.items():
        phases = ("--phases", "encode") if model.startswith("whisper") else ("--batch", "1,32")
        for value in ("off", "on"):
            for record in measured(model, budget, "--optimize", f"tf32={value}", *phases):
                line(f"{model} batch {record['workload'].get('batch')}", record, "tf32")
        with tempfile.TemporaryDirectory() as folder:
            save_file(tensors, f"{folder}/in.safetensors")
            moved = largest_difference(model, ("off", "on"), folder)
        print(f"  {model}: outputs move by {moved:.1e} of the largest value")
    return True


def check_layout(budget):
    for dtype in ("bfloat16", "float32"):
        for layout in ("off", "on"):
            for benchmark in ("off", "on"):
                knobs = f"channels_last={layout},cudnn_benchmark={benchmark}"
                for record in measured("whisper-small", budget, "--dtype", dtype, "--phases",
                                       "encode", "--optimize", knobs):
                    line(f"whisper-small {dtype}", record, "channels_last", "cudnn_benchmark")
    return True


def check_verify(_):
    right = True
    for model, dtype, tokens in VERIFIED:
        command = [str(BIN / "ridgeline"), "verify", model, "--dtype", dtype, "--device", DEVICE,
                   "--quiet", *(["--max-new-tokens", str(tokens)] if tokens else [])]
        begin = time.monotonic()
        done = subprocess.run(command, capture_output=True, text=True)
        print(f"  {' '.join(command[1:])}  ({time.monotonic() - begin:.0f} s)")
        print(done.stdout.strip() or done.stderr.strip()[-300:], flush=True)
        right &= done.returncode == 0
    return right


def check_decode(budget):
    for model in ("llama-3-8b", "llama-3.2-1b"):
        for value in ("auto", "off", "on", "off", "on"):
            for record in measured(model, budget, "--dtype", "bfloat16", "--sequence", "512",
                                   "--depth", "512", "--phases", "decode", "--optimize",
                                   f"fused={value}"):
                line(f"{model}, fused={value}", record, "fused", "graph")
    return True


CHECKS = {"tests": check_tests, "load": check_load, "attention": check_attention,
          "towers": check_towers, "tf32": check_tf32, "layout": check_layout,
          "verify": check_verify, "decode": check_decode}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checks", nargs="*", metavar="check", help=", ".join(CHECKS))
    parser.add_argument("--budget", type=float, default=6)
    asked = parser.parse_args()
    for name in asked.checks:
        if name not in CHECKS:
            parser.error(f"unknown check '{name}': known are {', '.join(CHECKS)}")
    failed = False
    for name in asked.checks or CHECKS:
        print(f"== {name}", flush=True)
        failed |= not CHECKS[name](asked.budget)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
