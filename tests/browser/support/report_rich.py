"""A report made by hand with everything that a page may have to show: energy, timelines, several
engines, modalities, limits of every kind, cases that failed or were refused something."""

from report_payloads import comparison_of, payload_of, phase_analysis, read_fixture, spread_of

CEILINGS = {"bfloat16": (805.1e12, 989.4e12), "float32": (51.2e12, 66.9e12)}
BANDWIDTH = (4.682e12, 4.8e12)


def metric(value, unit, source="timed", spread=None, **more):
    """A metric of the record; `spread` is the relative half width of its interval."""
    found = {"value": value, "unit": unit, "source": source, **more}
    if spread:
        found.update(ci95=[value * (1 - spread), value * (1 + spread)], n=1200,
                     interval="between_invocations")
    return found


def derived(value, unit, inputs, weakest="modelled"):
    return metric(value, unit, "derived", inputs=inputs, weakest=weakest)


def absent(unit, reason, enable=None):
    return {"value": None, "unit": unit, "source": None, "reason": reason, "enable": enable}


def phase_of(name, latency, flops, moved, item="token", items=1, joules=None, dtype="bfloat16",
             spread=0.008):
    """A phase with all metrics that follow from its latency, cost and energy."""
    measured, sheet = CEILINGS[dtype]
    rate, speed = flops / latency, moved / latency
    metrics = {
        "latency": metric(latency, "s", spread=spread),
        "latency.p50": metric(latency * 0.999, "s", n=1200),
        "latency.p95": metric(latency * 1.04, "s", n=1200),
        "latency.p99": metric(latency * 1.12, "s", n=1200),
        "latency.p99.9": absent("s", "n=1200, p99.9 needs 2995"),
        f"throughput.{item}": derived(items / latency, f"{item}/s", [f"{name}.latency"], "timed"),
        "flops_rate": derived(rate, "FLOP/s", [f"cost.{name}.flops", f"{name}.latency"]),
        "bytes_rate": derived(speed, "B/s", [f"cost.{name}.bytes", f"{name}.latency"]),
        "arithmetic_intensity": derived(flops / moved, "FLOP/B", [f"cost.{name}.flops"]),
        "mfu": derived(rate / measured, "1", [f"cost.{name}.flops"]),
        "mbu": derived(speed / BANDWIDTH[0], "1", [f"cost.{name}.bytes"]),
        "ceiling.flops_rate": metric(measured, "FLOP/s"),
        "ceiling.bytes_rate": metric(BANDWIDTH[0], "B/s"),
        "datasheet.flops_rate": metric(sheet, "FLOP/s", "datasheet"),
        "datasheet.bytes_rate": metric(BANDWIDTH[1], "B/s", "datasheet"),
    }
    why = "no sensor of energy: the machine is a virtual one"
    if joules:
        power = joules / latency
        metrics.update({
            "energy.gross": metric(joules, "J", "counter", 0.012, systematic=0.05,
                                   quantisation=0.008),
            "energy.net": metric(joules - 118 * latency, "J", "counter", 0.02),
            "power.mean": metric(power, "W", "counter", 0.01),
            "power.idle": metric(118.0, "W", "counter"),
            "power.cold_idle": metric(74.5, "W", "counter"),
            f"energy_per_{item}.gross": {
                **metric(joules / items, f"J/{item}", "derived", 0.012),
                "inputs": [f"{name}.energy.gross"], "weakest": "counter"},
            f"energy_per_{item}.net": {
                **metric((joules - 118 * latency) / items, f"J/{item}", "derived", 0.02),
                "inputs": [f"{name}.energy.net"], "weakest": "counter"},
        })
    else:
        metrics["energy.gross"] = absent("J", why, "sudo sysctl kernel.perf_event_paranoid=0")
        reason = f"needs {name}.energy.gross: {why}"
        metrics[f"energy_per_{item}.gross"] = absent(f"J/{item}", reason)
    return {"name": name, "unit": item, "items": {item: items}, "growing": False,
            "metrics": metrics, "energy": None, "traffic": None}


def record_of(number, model, engine, workload, phases, dtype="bfloat16", flags=(), knobs=(),
              synthetic=True, memory=None, modality="text", status="ok", **outcome):
    versions = {"torch": "2.13.0+cu130"}
    if engine != "native":
        versions["transformers"] = "5.23.0"
    failed = status == "failed"
    return {
        "schema": "ridgeline/1", "id": f"{number:016x}", "created": "2026-01-31T11:00:00Z",
        "command": "ridgeline run llama-3-8b bert-base vit-b16 whisper-small clip-b32 "
                   "--engine native,transformers,transformers:compile --device cuda:0 "
                   "--dtype bfloat16 --metrics time,energy,traffic --invocations 5",
        "ridgeline": {"version": "0.1.0", "build": {}},
        "engine": {"name": engine.split(":")[0], "version": "0.1.0", "versions": versions},
        "model": {"reference": model, "family": model.split("-")[0], "modality": modality,
                  "architecture": None, "parameters": 8030261248, "dtype": dtype,
                  "synthetic": synthetic,
                  "weights": {"source": "synthetic" if synthetic else "checkpoint"}},
        "workload": {"batch": 1, **workload, "inputs": {"digest": "ab", "synthetic": synthetic}},
        "configuration": {"engine": engine, "model": model, "dtype": dtype, "device": "cuda:0",
                          "threads": 16, "weights": "auto", "seed": 0},
        "optimizations": [dict(zip(("id", "requested", "applied", "value", "lossless", "reason"),
                                   one)) for one in knobs],
        "outcome": {"status": status, "class": None, "reason": None, "remedy": None, **outcome},
        "invocations": [], "phases": [] if failed else phases,
        "load": {"metrics": {"total": metric(4.2, "s")}}, "cost": {},
        "memory": {"metrics": {name: metric(value, "B", "tracked")
                               for name, value in (memory or {}).items()}},
        "stop_rule": {"invocations_planned": 5, "invocations_done": 5, "ended_by": "plan",
                      "precision_target": 0.02, "precision_reached": True},
        "validity": {"flags": [dict(zip(("id", "severity", "detail", "advice"), one))
                               for one in flags]},
        "samples": None,
    }


def classes_of(rows):
    names = ("class", "flops", "bytes", "bound_seconds", "limit", "seconds")
    found = [dict(zip(names, row)) for row in rows]
    for one in found:
        seconds = one["seconds"]
        one["flops_rate"] = one["flops"] / seconds if seconds else None
        one["bytes_rate"] = one["bytes"] / seconds if seconds else None
    return found


def memory_of(parts, capacity=141e9):
    """The memory part of an analysis."""
    split = [{"id": name, "bytes": size} for name, size in parts.items()]
    return {
        "capacity": capacity, "capacity_of": "GPU memory", "split": split,
        "peak": sum(parts.values()),
        "largest_batch": {"value": 412, "how": "what is left after the weights over the bytes "
                          "that one row adds", "reason": None},
        "largest_context": {"value": None, "how": None,
                            "reason": "the model has positions for 8192 tokens only"}}


def case_of(record, label, phases, memory=None, timeline=None, machine=0):
    dtype = record["model"]["dtype"]
    analysis = {"schema": "ridgeline-analysis/1", "phases": {}, "memory": memory}
    spreads = {}
    for number, phase in enumerate(record["phases"]):
        told = phases.get(phase["name"], {})
        one = phase_analysis(phase, dtype, told.get("limit"), told.get("advice", ()),
                             told.get("host", 0.02))
        if "evidence" in told:
            one["limit"]["evidence"] = told["evidence"]
        if "classes" in told:
            one["classes"] = classes_of(told["classes"])
        one["roofline"]["extra_roofs"] = [{"label": "L2 read", "bytes_rate": 9.1e12}]
        analysis["phases"][phase["name"]] = one
        latency = phase["metrics"]["latency"]["value"]
        spreads[phase["name"]] = spread_of(latency, f"{record['id']}{number}")
    return {"id": record["id"], "run": 0, "machine_index": machine, "label": label,
            "record": record, "analysis": analysis, "distributions": spreads,
            "timeline": timeline}


def gain(low, high):
    return {"low": low, "high": high}


VIRTUAL = ("virtual_machine", "info", "virtual machine: neighbours and clocks are not visible",
           "use several invocations; for absolute numbers measure on bare metal")
GRAPHS = ("cuda_graphs", None, True, "on", True, None)
FLASH = ("attention", "flash", True, "flash", True, None)
EAGER = ("attention", "flash", False, "math", True, "flash needs a head size of at most 256")
INT8 = ("quantize", None, False, None, False, "not asked for")


def llama(number, engine, decode, prefill, knobs, flags=(), joules=(0.95, 14.3)):
    phases = [phase_of("prefill", prefill, 7.285e12, 15.08e9, items=512, joules=joules[1]),
              phase_of("decode", decode, 15.28e9, 15.08e9, joules=joules[0])]
    record = record_of(number, "llama-3-8b", engine, {"sequence": 512, "depth": 512}, phases,
                       knobs=knobs, flags=flags, memory={"peak": 17.4e9})
    fast = engine == "native"
    told = {
        "decode": {
            "limit": "memory" if fast else "host", "host": 0.02 if fast else 0.79,
            "evidence": "Each token reads 15.1 GB in 3.85 ms: 3.92 TB/s, 84 % of the 4.68 TB/s "
            "that this GPU's memory was measured to read." if fast else
            f"The host is busy for 79 % of the {1e3 * decode:.1f} ms: memory would need 3.22 ms.",
            "advice": [
                ("Store the weights as int8 (--optimize quantize=int8).", gain(1.55, 1.9),
                 "15.0 of 15.1 GB moved for a token are weights; int8 halves them"),
                ("Decode several sequences at once (--batch 8).", gain(1.0, 7.2),
                 "at batch 1 arithmetic takes 0.5 % of the time, so rows are nearly free"),
                ("Keep the cache in 8 bits.", gain(1.0, 1.002), "the cache is 0.4 % of the bytes"),
            ] if fast else [
                ("Record the step as a CUDA graph (transformers:reduce-overhead).",
                 gain(3.4, 4.1), "the host needs 17.3 ms to enqueue what the GPU does in 4.6 ms")],
            "classes": [
                ("matmul", 15.0e9, 15.0e9, 3.21e-3, "memory", 3.44e-3 if fast else None),
                ("attention", 0.27e9, 67e6, 14e-6, "memory", 121e-6 if fast else None),
                ("norm", 0, 1.6e6, 0.4e-6, "memory", 96e-6 if fast else None),
                ("elementwise", 0, 9.4e6, 2e-6, "memory", 88e-6 if fast else None),
                ("lookup", 0, 16e3, 3e-9, "memory", None)]},
        "prefill": {
            "limit": "compute" if fast else "host", "host": 0.01 if fast else 0.52,
            "evidence": "Its 7.29 TFLOP take 14.3 ms: 509 TFLOP/s, 63 % of the 805 TFLOP/s that "
            "products of this dtype reach here." if fast else None,
            "advice": [("Use float8 products (--dtype float8_e4m3).", None,
                        "float8 was not measured by ridgeline peaks on this machine")]}}
    if not fast:
        del told["prefill"]["evidence"]
    memory = memory_of({"weights": 16.06e9, "cache": 0.13e9, "activations": 0.42e9,
                        "inputs": 4096, "outputs": 0.26e9, "graphs": 0.31e9 if fast else 0})
    return case_of(record, f"llama-3-8b 1×512 bfloat16 {engine}", told, memory,
                   {"decode": read_fixture("timeline")} if fast else None)


def bert():
    phases = [phase_of("preprocess", 0.41e-3, 1.0, 1.0, "sequence", 1),
              phase_of("forward", 1.503e-3, 22.35e9, 0.223e9, "sequence", 1, joules=0.243)]
    # Preparing inputs has no cost, so no place on the roofline.
    for name in ("flops_rate", "bytes_rate", "arithmetic_intensity", "mfu", "mbu"):
        phases[0]["metrics"][name] = absent("1", "preprocess has no FLOP count")
    record = record_of(4, "bert-base", "native", {"sequence": 128}, phases, knobs=[GRAPHS, EAGER],
                       memory={"peak": 0.93e9}, synthetic=False,
                       flags=[VIRTUAL, ("clock_drift", "warn",
                                        "the clock moved by 7 % while it was measured",
                                        "warm up for longer, or fix the clock")])
    told = {"forward": {
        "limit": "kernels", "host": 0.06,
        "evidence": "The GPU is busy all the time, yet reaches 2 % of its matrix rate and 3 % of "
        "its bandwidth: 171 small kernels of 8.6 µs each.",
        "advice": [("Batch more sequences (--batch 16).", gain(4, 11),
                    "at batch 1 a kernel fills 12 % of the GPU's units")]}}
    return case_of(record, "bert-base 1×128 bfloat16 native", told, memory_of(
        {"weights": 0.22e9, "activations": 0.012e9, "outputs": 0.4e6}))


def vit():
    phases = [phase_of("forward", 21.4e-3, 1.124e12, 1.32e9, "image", 32, joules=13.1)]
    record = record_of(5, "vit-b16", "native", {"batch": 32, "image_size": 224}, phases,
                       dtype="float32", knobs=[GRAPHS], memory={"peak": 1.9e9}, modality="vision",
                       flags=[("power_cap", "warn", "the power limit held the clock down for 61 % "
                               "of the time", "raise the limit, or report it with the number")])
    phases[0]["metrics"].update(phase_of("forward", 21.4e-3, 1.124e12, 1.32e9, "image", 32, 13.1,
                                         "float32")["metrics"])
    told = {"forward": {"limit": "mixed", "host": 0.0,
                        "evidence": "Arithmetic reaches 100 % of the measured rate while the power "
                        "limit held the clock at 1.44 of 1.98 GHz for 61 % of the time.",
                        "advice": [("Use bfloat16 (--dtype bfloat16).", gain(3.1, 9.0),
                                    "products in bfloat16 were measured 15.7 times as fast")]}}
    return case_of(record, "vit-b16 32 224 px float32 native", told, memory_of(
        {"weights": 0.346e9, "activations": 1.43e9, "inputs": 19e6, "outputs": 98e3}))


def whisper():
    phases = [phase_of("encode", 6.1e-3, 0.69e12, 0.31e9, "audio_second", 30, joules=2.2),
              phase_of("decode", 1.13e-3, 0.48e9, 0.49e9, "token", 1)]
    record = record_of(6, "whisper-small", "native", {"audio_seconds": 30.0, "depth": 64}, phases,
                       memory={"peak": 1.1e9}, modality="speech",
                       flags=[("drift", "invalid", "decode slowed by 14 % within an invocation",
                               "let the machine cool down, then measure again")])
    told = {"encode": {"limit": "input",
                       "evidence": "Preparing the sound takes 41 ms for an encode of 6.1 ms: the "
                       "GPU waits for 87 % of the time.",
                       "advice": [("Prepare sounds on more threads (--threads 16).", gain(2, 6.5),
                                   "preparing uses one of 16 cores")]},
            "decode": {"limit": "power", "evidence": "The power limit held the clock down for 34 % "
                       "of the time."}}
    return case_of(record, "whisper-small 30 s bfloat16 native", told)


def failed():
    record = record_of(7, "llama-3-70b", "native", {"sequence": 4096}, [], status="failed",
                       **{"class": "oom.device", "bytes": 141107412992,
                          "reason": "141.1 GB were needed for the weights, the GPU has 141.0 GB",
                          "remedy": "use --optimize quantize=int8, or two GPUs"})
    record["model"] = None
    record["configuration"]["model"] = "llama-3-70b"
    return {"id": record["id"], "run": 0, "machine_index": 0, "record": record,
            "label": "llama-3-70b 1×4096 bfloat16 native",
            "analysis": {"phases": {}, "memory": None}, "distributions": None, "timeline": None}


def rich():
    """The payload."""
    machine = read_fixture("h200_llama")["machine"]
    native = llama(1, "native", 3.85e-3, 14.3e-3, [GRAPHS, FLASH, INT8], [VIRTUAL])
    eager = llama(2, "transformers", 21.97e-3, 21.58e-3, [FLASH, INT8], [VIRTUAL], (3.1, 10.5))
    compiled = llama(3, "transformers:compile", 5.02e-3, 15.9e-3, [FLASH, INT8], [VIRTUAL],
                     (1.18, 12.9))
    cases = [native, eager, compiled, bert(), vit(), whisper(), failed()]
    comparisons = [comparison_of(cases[:3], phase, "transformers")
                   for phase in ("prefill", "decode")]
    for one in comparisons:
        for row, case in zip(one["rows"], cases):
            phase = next(two for two in case["record"]["phases"] if two["name"] == one["phase"])
            row["energy"] = phase["metrics"]["energy.gross"]
        for row in one["rows"]:
            if not row["is_baseline"]:
                ratio = row["energy"]["value"] / one["rows"][1]["energy"]["value"]
                row["energy_ratio"] = {"value": ratio, "ci95": [0.96 * ratio, 1.04 * ratio],
                                       "method": "welch_t", "n": [4, 4], "detectable": 0.05}
    notes = [
        "failed, oom.device: 141.1 GB were needed for the weights; use --optimize quantize=int8",
        "synthetic!: random weights of the model's shapes: its speed is real, its outputs mean "
        "nothing (5 cases)",
        "optimization attention=flash was requested and not applied: flash needs a head size of at "
        "most 256 (bert-base 1×128 bfloat16)"]
    return payload_of(cases, machine, "Five models on an NVIDIA H200", comparisons, notes)
