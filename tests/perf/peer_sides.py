"""Runs one process of either side, and the comparison of their outputs."""

import json
import math
import pathlib
import random
import shutil
import statistics
import struct
import subprocess
import sys

from peer_statistics import within
from support.program import ridgeline, ridgeline_json

WORKER = pathlib.Path(__file__).with_name("peer_worker.py")
FLOAT32_TOLERANCE = 1e-4
START_SECONDS = 300  # more than any process needs to load and warm up


def specs_of(config, batch, sequence):
    """Inputs of a forward pass: name → (shape, one above the highest id; None for features)."""
    kind = config["model_type"]
    text, vision = config.get("text_config", config), config.get("vision_config", config)
    specs = {}
    if kind == "whisper":
        specs["input_features"] = ((batch, config["num_mel_bins"], 3000), None)
        specs["decoder_input_ids"] = ((batch, sequence), config["vocab_size"])
    if kind in ("vit", "clip"):
        size = vision["image_size"]
        specs["pixel_values"] = ((batch, 3, size, size), None)
    if kind not in ("vit", "whisper"):
        specs["input_ids"] = ((batch, sequence), text["vocab_size"])
    if kind == "bert":
        specs["token_type_ids"] = ((batch, sequence), 2)
    return specs


def write_inputs(path, specs, seed=1):
    """Random ids and features as a safetensors file."""
    generator = random.Random(seed)
    header, data = {}, b""
    for name, (shape, high) in specs.items():
        count = math.prod(shape)
        if high is None:
            values = struct.pack(f"<{count}f", *(generator.gauss(0, 1) for _ in range(count)))
        else:
            values = struct.pack(f"<{count}q", *(generator.randrange(high) for _ in range(count)))
        offsets = [len(data), len(data) + len(values)]
        kind = "F32" if high is None else "I64"
        header[name] = {"dtype": kind, "shape": list(shape), "data_offsets": offsets}
        data += values
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def checkpoint(preset, work):
    """The folder with the preset's synthetic weights; written once."""
    folder = work / preset
    if not folder.exists():
        partial = work / f"{preset}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        ridgeline("synthesize", preset, "--outputs", partial, timeout=START_SECONDS)
        partial.rename(folder)
    return folder


def worker(task, case, threads, work, *flags, seconds=0.0):
    command = [sys.executable, WORKER, task, checkpoint(case.preset, work), "--dtype", case.dtype,
               "--threads", threads, "--inputs", inputs_of(case, work), "--phase", case.phase,
               "--depth", case.depth or 0, "--architecture", case.architecture or "", *flags]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True,
                          timeout=START_SECONDS + 3 * seconds)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))} → {done.returncode}\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def inputs_of(case, work):
    path = work / f"{case.preset}-{case.batch}x{case.sequence}.safetensors"
    if not path.exists():
        config = json.loads((checkpoint(case.preset, work) / "config.json").read_text())
        write_inputs(path, specs_of(config, case.batch, case.sequence))
    return path


def sample_seconds(path, rows):
    """Seconds of the calls in rows [from, end) of a sample file (src/protocol/sample_file.hpp)."""
    data = path.read_bytes()[64:]
    return [
        1e-9 * (done - begin)
        for begin, done in struct.iter_unpack("<8xq8xq16x", data[48 * rows[0] : 48 * rows[1]])
    ]


def architecture_flag(case):
    return ["--architecture", case.architecture] if case.architecture else []


def run_native(case, threads, seconds, work):
    """Times the native engine in a fresh process."""
    run = work / "run"
    shutil.rmtree(run, ignore_errors=True)
    record = ridgeline_json(
        "run", checkpoint(case.preset, work), *architecture_flag(case), "--batch", case.batch,
        "--sequence", case.sequence, "--dtype", case.dtype, "--threads", threads,
        *(["--depth", case.depth] if case.depth else []), "--phases", case.phase,
        "--invocations", 1, "--budget", f"{seconds:g}s", "--json", "--quiet", "--output", run,
        timeout=START_SECONDS + 3 * seconds,
    )
    assert record["outcome"]["status"] == "ok", record["outcome"]
    assert record["model"]["weights"]["source"] == "checkpoint", record["model"]
    applied = {one["id"]: one["value"] for one in record["optimizations"] if one["applied"]}
    assert applied["threads"] == str(threads), record["optimizations"]
    (phase,) = record["phases"]
    invocation = record["invocations"][0]
    timing = invocation["phases"][case.phase]
    samples = sample_seconds(run / timing["samples"], timing["rows"])
    shutil.rmtree(run, ignore_errors=True)
    return {
        "median": phase["metrics"]["latency"]["value"],
        "n": len(samples),
        "seconds": sum(samples),
        "stationary": invocation["warmup"][case.phase]["stationary"],
        "attention": applied.get("attention"),
        "torch": record["engine"]["versions"]["torch"],
    }


def run_peer(case, threads, seconds, work):
    """Times transformers in a fresh process; "samples" are all it timed."""
    timed = worker("time", case, threads, work, "--seconds", seconds, seconds=seconds)
    return {
        "samples": timed["samples"],
        "stationary": timed["warmup"]["stationary"],
        "versions": timed["versions"],
    }


def over_equal_time(native, peer):
    """The peer's figures over as many timed seconds as the native side had."""
    samples = within(peer["samples"], native["seconds"])
    kept = {name: value for name, value in peer.items() if name != "samples"}
    counted = {"median": statistics.median(samples), "n": len(samples), "seconds": sum(samples)}
    return {**counted, **kept}


def compare_outputs(case, threads, work):
    """Errors of both sides against transformers in float32, and whether the native one is right:
    within 1e-4 in float32; in a shorter type no more than twice as far off as transformers is."""
    outputs = work / "native.safetensors"
    outputs.unlink(missing_ok=True)
    ridgeline("forward", checkpoint(case.preset, work), *architecture_flag(case), "--dtype",
              case.dtype, "--threads", threads, "--inputs", inputs_of(case, work), "--outputs",
              outputs, timeout=START_SECONDS)
    errors = worker("outputs", case, threads, work, "--native", outputs)
    outputs.unlink()
    limit = max(FLOAT32_TOLERANCE, 2 * errors["peer"])
    return {"native": errors["native"], "peer": errors["peer"], "limit": limit,
            "right": errors["native"] <= limit}
