"""What a results file keeps of the records and comparisons that `ridgeline run --json` prints."""

import json
import struct

LOSSY_COSINE = 0.98  # of weight-only int8 against float32, on random weights
KEPT = ("value", "ci95", "interval", "n", "source", "reason", "systematic", "quantisation")
NO_RECORD = {"status": "failed", "reason": "there is no record", "latency": None, "processes": [],
             "bytes": None, "energy": None, "notes": []}


def parse(stdout):
    """(records, comparisons) of what a run printed."""
    lines = [json.loads(line) for line in stdout.splitlines() if line.strip()]
    return ([line for line in lines if line.get("schema") == "ridgeline/1"],
            [line for line in lines if line.get("schema") == "ridgeline-comparison/1"])


def kept(metric):
    return {key: metric[key] for key in KEPT if metric.get(key) is not None} if metric else None


def joules_of(phase):
    """Joules an item, with the item; a phase has energy only where its pass was made."""
    gross, unit = phase["metrics"].get("energy.gross"), phase["unit"]
    if not gross or gross.get("source") is None:
        return {"reason": (gross or {}).get("reason") or "not measured"}
    items = phase["items"].get(unit, 1)
    result = {"item": unit, **kept(gross), "value": gross["value"] / items}
    if "ci95" in result:
        result["ci95"] = [end / items for end in gross["ci95"]]
    return result


def compulsory_bytes(record, phase):
    """Weights and cache that a call of the phase must read, by the native engine's own ledger; None
    when they were not counted. Inputs and outputs are left out: they are next to nothing."""
    cost = (record.get("cost") or {}).get(phase) or {}
    return cost["bytes_weights"] + cost["bytes_cache"] if "bytes_weights" in cost else None


def notes_of(record, phase):
    """What a reader must know of these figures."""
    notes = [f"{flag['id']}: {flag.get('detail') or flag.get('advice') or ''}".rstrip(": ")
             for flag in record["validity"]["flags"] if flag["severity"] == "invalid"]
    stop = record["stop_rule"]
    if stop["invocations_done"] < stop["invocations_planned"]:
        notes.append(f"{stop['invocations_done']} of {stop['invocations_planned']} processes, "
                     f"ended by {stop['ended_by']}")
    few = [one["phases"][phase]["n"] for one in record["invocations"]
           if phase in one.get("phases", {}) and one["phases"][phase]["n"] < 10]
    if few:
        notes.append(f"as few as {min(few)} timed calls in a process")
    return notes


def figures_of(record, phase_name):
    """One engine's figures of one phase."""
    if record is None:
        return NO_RECORD
    outcome = record["outcome"]
    phase = next((one for one in record["phases"] if one["name"] == phase_name), None)
    figures = {**NO_RECORD, "status": outcome["status"], "reason": outcome["reason"]}
    if phase is None:
        return {**figures, "status": "failed", "reason": outcome["reason"] or "no such phase"}
    done = [one for one in record["invocations"] if phase_name in one.get("phases", {})]
    return {
        **figures,
        "latency": kept(phase["metrics"]["latency"]),
        "processes": [one["phases"][phase_name]["median"] for one in done],
        "bytes": compulsory_bytes(record, phase_name),
        "energy": joules_of(phase),
        "notes": notes_of(record, phase_name),
    }


def record_of(case, engine, records):
    """The record of a case by the engine that was asked for by this text."""
    return next((one for one in records if one["configuration"]["engine"] == engine
                 and case.fits(one["workload"])), None)


def ratios_of(case, phase, native, names, comparisons):
    """native / peer by peer: (times, joules). The baseline of the comparisons is native, so that
    the speed-up of a peer is the time of native over that of the peer."""
    times, joules = {}, {}
    for comparison in comparisons:
        rows = {row["engine"]: row for row in comparison["rows"]}
        if comparison["phase"] != phase or native is None or "native" not in rows:
            continue
        if rows["native"]["id"] != native["id"]:
            continue
        for engine, peer in names.items():
            if engine in rows and peer != "native":
                times[peer] = rows[engine]["speedup"]
                joules[peer] = inverse(rows[engine]["energy_ratio"])
    return times, joules


def inverse(ratio):
    """1 / ratio with its interval."""
    if ratio.get("value") is None:
        return ratio
    ends = ratio.get("ci95")
    return {**ratio, "value": 1 / ratio["value"],
            "ci95": [1 / ends[1], 1 / ends[0]] if ends and min(ends) > 0 else None}


def results_of(group, names, records, comparisons):
    """What each case of a group came to. `names`: text of --engine → name of the engine here."""
    results = []
    for case in group.cases:
        found = {peer: record_of(case, engine, records) for engine, peer in names.items()}
        times, joules = ratios_of(case, case.phase, found.get("native"), names, comparisons)
        results.append({
            "phase": case.phase,
            "shape": case.shape,
            "engines": {peer: figures_of(record, case.phase) for peer, record in found.items()},
            "ratios": times,
            "energy_ratios": joules,
        })
    return results


def stages_of(records):
    """Seconds of each stage of loading and planning of the only process, over its cases: what is
    once in the process counts once, compiling counts for each workload."""
    stages = {}
    for record in records:
        for invocation in record["invocations"]:
            for name, seconds in invocation["stages"].items():
                if name in ("compile", "capture", "inputs"):
                    stages[name] = stages.get(name, 0.0) + (seconds or 0.0)
                else:
                    stages.setdefault(name, seconds)
    return stages


def first_done_ns(run_folder):
    """CLOCK_MONOTONIC of the end of the first measured call of a run; None: there are no samples
    (docs/record.md has the form of the files)."""
    ends = []
    for path in run_folder.glob("samples/*/*.bin"):
        data = path.read_bytes()
        count = struct.unpack_from("<Q", data, 24)[0] if data[:8] == b"RLSAMPLE" else 0
        if count and len(data) >= 64 + 48:
            ends.append(struct.unpack_from("<q", data, 64 + 24)[0])
    return min(ends) if ends else None


def verification_of(report, lossless):
    """Whether a ridgeline-verify/1 passes, and in a few words why. What is lossy by design is held
    to the direction of its outputs alone."""
    outputs = report["outputs"]
    errors = [one["relative_error"] for one in outputs if one["relative_error"] is not None]
    cosines = [one["cosine"] for one in outputs if one["cosine"] is not None]
    largest = max(errors) if errors else None
    passed = report["passed"]
    if not lossless:
        passed = bool(cosines) and min(cosines) >= LOSSY_COSINE
    text = f"largest error {largest:.1e}" if largest is not None else "no error is known"
    own = [one["peer_error"] for one in outputs if one["peer_error"] is not None]
    if own:
        text += f" (transformers itself {max(own):.1e})"
    if not lossless:
        text += f", smallest cosine {min(cosines):.4f}" if cosines else ", no cosine"
    if not passed:
        why = [f"{one['name']}: {one['reason']}" for one in outputs if not one["passed"]]
        text += "; " + ("; ".join(why) or "outputs or tokens are not the same")
    return passed, text
