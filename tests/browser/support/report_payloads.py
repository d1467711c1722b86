"""Payloads for the page's tests ("ridgeline-report/1"): of real records, by hand, hostile and many.

The analysis of the real ones is made here in the simplest way that has the right form: what the
page shows is tested, not whether the analysis is right (that is the C++ tests' matter).
"""

import copy
import json
import math
import pathlib
import random

FIXTURES = pathlib.Path(__file__).resolve().parents[1] / "fixtures"

HEADLINES = {"memory": "memory bandwidth", "compute": "compute", "host": "host",
             "kernels": "kernels", "power": "power cap", "input": "input preparation",
             "thermal": "heat", "capacity": "memory capacity", "mixed": "mixed",
             "unknown": "not known"}

GLOSSARY = {
    "latency": ("Latency", "s", "Duration of one call of the phase.",
                "mean over invocations of the median call within each", "timed"),
    "latency.p95": ("Latency p95", "s", "95 of 100 timed calls took at most so long.",
                    "quantile of all timed calls", "timed"),
    "latency.p99": ("Latency p99", "s", "99 of 100 timed calls took at most so long.",
                    "quantile of all timed calls", "timed"),
    "throughput.token": ("Throughput, token", "token/s", "Tokens per second.",
                         "tokens of a call / latency", "derived"),
    "energy_per_token.gross": ("Energy per token", "J/token", "Energy of a token, idle included.",
                               "energy.gross / tokens of a call", "derived"),
    "flops_rate": ("FLOP rate", "FLOP/s", "Operations of matrix products done in a second.",
                   "cost.flops / latency", "derived"),
    "mfu": ("Model FLOPs utilisation", "1", "Share of the matrix rate measured here.",
            "cost.flops / (latency · ceiling.flops_rate)", "derived"),
    "mbu": ("Model bandwidth utilisation", "1", "Share of the read bandwidth measured here.",
            "cost.bytes / (latency · ceiling.bytes_rate)", "derived"),
    "memory.peak": ("Peak memory", "B", "Most bytes that were held at once.",
                    "tracked by the engine's allocators", "tracked"),
}


def read_fixture(name):
    return json.loads((FIXTURES / f"{name}.json").read_text())


def glossary():
    names = ("label", "unit", "definition", "formula", "source")
    return {key: dict(zip(names, row)) for key, row in GLOSSARY.items()}


def value_of(phase, name):
    return (phase["metrics"].get(name) or {}).get("value")


def ceilings_of(phase, dtype):
    """Both pairs of ceilings that a phase's metrics carry."""
    found = []
    for kind, prefix in (("measured", "ceiling"), ("datasheet", "datasheet")):
        flops = value_of(phase, f"{prefix}.flops_rate")
        rate = value_of(phase, f"{prefix}.bytes_rate")
        found.append({"kind": kind, "flops_rate": flops, "bytes_rate": rate, "dtype": dtype,
                      "level": "memory",
                      "ridge": flops / rate if flops and rate else None,
                      "reason": None if flops and rate else "not measured"})
    return found


def waterfall(latency, bound, ceiling, host):
    """Steps that add up to the latency."""
    launch = min(host, max(0.0, latency - ceiling))
    rest = latency - ceiling - launch
    steps = [
        ("datasheet", "datasheet bound", bound, "FLOPs and bytes over the vendor's rates",
         "datasheet"),
        ("ceiling", "what no program reaches", ceiling - bound, "the same over measured ceilings",
         "modelled"),
        ("launch", "launch gaps", launch, "time of the host between kernels", "timed"),
        ("kernels", "inside kernels", rest, "what is left of the latency", "derived"),
    ]
    return {"latency": latency, "reason": None,
            "steps": [dict(zip(("id", "label", "seconds", "how", "source"), one))
                      for one in steps]}


def phase_analysis(phase, dtype, limit=None, advice=(), host_share=0.02):
    """The analysis of one phase, from its own metrics."""
    latency = value_of(phase, "latency")
    mfu, mbu = value_of(phase, "mfu"), value_of(phase, "mbu")
    if not latency:
        return None
    if limit is None:
        limit = ("unknown" if mfu is None or mbu is None else
                 "memory" if mbu > max(mfu, 0.5) else "compute" if mfu > 0.5 else "host")
    shares = {"compute": mfu, "memory": mbu, "host": host_share}
    text = {
        "memory": "Moving its bytes takes {m} of the time at the bandwidth measured here; "
                  "arithmetic takes {c}.",
        "compute": "Its matrix products take {c} of the time at the rate measured here; moving "
                   "its bytes takes {m}.",
        "unknown": "There is no measured ceiling to hold it against.",
    }.get(limit, "Neither memory ({m} of the time) nor arithmetic ({c}) fills the call.")
    bound = min(1.0, max(mfu or 0, mbu or 0)) * latency
    return {
        "limit": {"id": limit, "among": ["memory", "compute"] if limit == "mixed" else [],
                  "headline": HEADLINES[limit],
                  "evidence": text.format(m=f"{100 * (mbu or 0):.0f} %",
                                          c=f"{100 * (mfu or 0):.0f} %")},
        "shares": shares,
        "advice": [dict(zip(("do", "gain", "why"), one)) for one in advice],
        "roofline": {
            "intensity": value_of(phase, "arithmetic_intensity"),
            "flops_rate": value_of(phase, "flops_rate"),
            "bytes_rate": value_of(phase, "bytes_rate"),
            "ceilings": ceilings_of(phase, dtype), "extra_roofs": []},
        "waterfall": waterfall(latency, 0.92 * bound, bound, host_share * latency) if bound else
        {"latency": latency, "steps": [], "reason": "no ceiling was measured"},
        "classes": [],
        "energy_efficiency": energy_efficiency_of(value_of(phase, "energy.gross")),
    }


def energy_efficiency_of(joules):
    """As if the ceiling took four fifths of what was measured."""
    known = joules is not None
    return {"score": 0.8 if known else None, "formula": "bound_joules / attained_joules",
            "bound_joules": 0.8 * joules if known else None, "attained_joules": joules,
            "reason": None if known else "no energy was measured"}


def case_of(record, index, distributions=None, timeline=None, analysis=None):
    dtype = (record.get("model") or {}).get("dtype") or "float32"
    work = record["workload"]
    shape = f"{work['batch']}×{work['sequence']}" if work.get("sequence") else f"{work['batch']}"
    return {
        "id": record["id"], "run": 0, "machine_index": 0, "record": record,
        "label": f"{record['configuration']['model']} {shape} {dtype} "
                 f"{record['configuration']['engine']}",
        "analysis": analysis or {
            "schema": "ridgeline-analysis/1",
            "phases": {one["name"]: phase_analysis(one, dtype) for one in record["phases"]},
            "memory": {"capacity": None, "capacity_of": "memory", "split": [], "peak": None,
                       "largest_batch": {"value": None, "how": "", "reason": "no split"},
                       "largest_context": {"value": None, "how": "", "reason": "no split"}}},
        "distributions": distributions, "timeline": timeline,
    }


def payload_of(cases, machine, title, comparisons=(), notes=()):
    command = cases[0]["record"]["command"] if cases else "ridgeline report"
    return {
        "schema": "ridgeline-report/1", "title": title, "created": "2026-01-31T12:00:00Z",
        "command": "ridgeline report runs/one", "ridgeline": "0.1.0", "machine": machine,
        "machines": [machine], "cases": list(cases),
        "runs": [{"folder": "runs/one", "command": command, "created": "2026-01-31T11:00:00Z"}],
        "comparisons": list(comparisons), "notes": list(notes), "glossary": glossary(),
    }


def comparison_of(cases, phase, baseline):
    """Engines side by side, as ridgeline-comparison/1."""
    def find(case):
        return next(one for one in case["record"]["phases"] if one["name"] == phase)

    base = next(one for one in cases if one["record"]["configuration"]["engine"] == baseline)
    base_latency = value_of(find(base), "latency")
    rows = []
    for case in cases:
        metric = find(case)["metrics"]["latency"]
        ratio = base_latency / metric["value"]
        rows.append({
            "engine": case["record"]["configuration"]["engine"], "id": case["id"],
            "is_baseline": case is base, "latency": metric, "energy": None,
            "energy_ratio": {"value": None, "ci95": None, "reason": "no energy was measured"},
            "speedup": {"value": ratio, "ci95": [0.97 * ratio, 1.03 * ratio], "method": "paired_t",
                        "n": [6, 6], "detectable": 0.041},
            "notes": []})
    record = base["record"]
    return {"schema": "ridgeline-comparison/1", "baseline": baseline, "phase": phase,
            "model": record["model"]["reference"], "dtype": record["model"]["dtype"],
            "device": record["configuration"]["device"], "workload": record["workload"],
            "rows": rows}


def real(name):
    """The payload of records that were measured."""
    data = read_fixture(name)
    cases = [case_of(record, index, distributions=spread) for index, (record, spread) in
             enumerate(zip(data["records"], data["distributions"]))]
    groups = {}
    for case in cases:
        key = (case["record"]["model"]["dtype"], json.dumps(case["record"]["workload"]))
        groups.setdefault(key, []).append(case)
    comparisons = []
    for group in groups.values():
        engines = [one["record"]["configuration"]["engine"] for one in group]
        if len(group) > 1 and "transformers" in engines:
            comparisons += [comparison_of(group, phase["name"], "transformers")
                            for phase in group[0]["record"]["phases"]]
    return payload_of(cases, data["machine"], f"Ridgeline: {name}", comparisons,
                      ["synthetic!: random weights of the model's shapes"])


def spread_of(latency, seed, processes=3, calls=400):
    """Latencies as calls have them: a narrow body, a tail, a level of its own for each process."""
    noise = random.Random(seed)
    invocations, everything = [], []
    for index in range(processes):
        level = latency * (1 + noise.gauss(0, 0.008))
        values = sorted(level * math.exp(noise.gauss(0, 0.012)) *
                        (1 + (noise.random() < 0.04) * noise.expovariate(12)) for _ in range(calls))
        everything += values
        steps = [values[round(at * (calls - 1) / 100)] for at in range(101)]
        invocations.append({"index": index, "n": calls, "quantiles": steps})
    everything.sort()
    low, high = everything[len(everything) // 200], everything[-len(everything) // 200]
    edges = [low + (high - low) * at / 40 for at in range(41)]
    counts = [0] * 40
    for one in everything:
        counts[min(39, max(0, int((one - low) / (high - low) * 40)))] += 1
    return {"n": len(everything), "invocations": invocations,
            "histogram": {"edges": edges, "counts": counts}}


def many(count):
    """The hand-made report over and over: as many cases as asked for, all different."""
    from report_rich import rich

    payload = rich()
    templates = [one for one in payload["cases"] if one["record"]["outcome"]["status"] == "ok"]
    cases = []
    for index in range(count):
        case = copy.deepcopy(templates[index % len(templates)])
        factor = 1 + 0.37 * math.sin(index) + index / count
        case["id"] = f"{index:016x}"
        case["record"]["id"] = case["id"]
        case["record"]["workload"]["batch"] = 1 + index
        case["label"] = f"{case['record']['model']['reference']} batch {1 + index} variant {index}"
        for phase in case["record"]["phases"]:
            for name in ("latency", "latency.p95", "latency.p99"):
                metric = phase["metrics"].get(name)
                if metric and metric["value"]:
                    metric["value"] *= factor
                    metric["ci95"] = [0.99 * metric["value"], 1.01 * metric["value"]]
            point = case["analysis"]["phases"][phase["name"]]["roofline"]
            if point["flops_rate"]:
                point["flops_rate"] /= factor
        cases.append(case)
    payload["cases"] = cases
    return payload


# Everything that has ever broken a page, once in each text.
ATTACKS = (
    "</script><script>window.attacked=1</script>",
    "<img src=x onerror=\"window.attacked=2\">",
    "'\"><svg/onload=window.attacked=3>",
    "javascript:window.attacked=4",
    "<a href='javascript:window.attacked=5'>press</a>",
    "<!--<script>",
    "\u2028window.attacked=6\u2029",
    "%{customdata} ${window.attacked=7} {{window.attacked=8}} $\\href{javascript:1}{x}$",
    "\u202eright to left\u2066 \u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627",
    "A" * 20000,
    "\x00\x1b[31m\U0001f600<b>bold</b><sub>1</sub><br>",
    "__proto__",
)
# Texts by which the page finds or tells things; all others are attacked.
STRUCTURE = {"schema", "unit", "kind"}


def hostile(payload):
    """Every text of a payload with an attack in front; names of phases and metrics too."""
    turn = [0]

    def attack(text):
        turn[0] += 1
        return f"{ATTACKS[turn[0] % len(ATTACKS)]}{text}"

    renamed = {}

    def rename(name):
        return renamed.setdefault(name, attack(name))

    def walk(value, key=""):
        if isinstance(value, dict):
            inside = key in ("phases", "distributions", "timeline", "shares", "versions")
            return {(rename(name) if inside else name): walk(one, name)
                    for name, one in value.items()}
        if isinstance(value, list):
            return [walk(one) for one in value]
        if isinstance(value, str):
            if key in STRUCTURE:
                return value
            return rename(value) if key == "name" else attack(value)
        return value

    return walk(payload)
