"""Recorded phases against phases called kernel by kernel, on a CUDA device: what was recorded and what was
not, latencies by the host's clock and by the device's, and whether the outputs are the same. Prints a table
(gain: plain latency over that of replays; gaps: latency of replays over their time on the device); exits
with 1 when a run fails, a phase that could be recorded was not, or the replay of one was wrong.

    graphs.py [--presets bert-base,llama-3-8b] [--device cuda:0] [--budget 20s] [--output folder]

RIDGELINE_BIN names the folder of ridgeline (default: found through PATH).
"""

import argparse
import json
import os
import statistics
import struct
import subprocess
import sys
import tempfile

# Preset → flags of its workload: batch 1 throughout, where launches cost most.
CASES = {
    "bert-base": ["--sequence", "128"],
    "vit-b16": [],
    "clip-b32": ["--sequence", "77"],
    "whisper-small": ["--sequence", "4", "--depth", "64"],
    "llama-3.2-1b": ["--sequence", "512", "--depth", "512"],
}
OPTIONAL = {"llama-3-8b": ["--sequence", "512", "--depth", "512"]}
HEADER, ROW = 64, struct.Struct("<IIqqqqd")


def program():
    folder = os.environ.get("RIDGELINE_BIN")
    return os.path.join(folder, "ridgeline") if folder else "ridgeline"


def run(preset, flags, graph, arguments, folder):
    """The record of one run, and the folder it lies in."""
    output = os.path.join(folder, f"{preset}-{graph}")
    command = [program(), "run", preset, *flags, "--device", arguments.device, "--dtype", arguments.dtype]
    command += ["--optimize", f"graph={graph}", "--metrics", "time,load,memory", "--invocations", "1"]
    command += ["--budget", arguments.budget, "--output", output, "--quiet"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        with open(os.path.join(output, "records.jsonl")) as file:
            return json.loads(file.readline()), output
    except (OSError, ValueError):
        return {"outcome": {"status": "failed", "reason": done.stderr.strip()}}, output


def device_median(record, folder, phase):
    """Median of the device's own times of single calls, in s; None where it has none."""
    times = []
    for invocation in record["invocations"]:
        entry = invocation["phases"].get(phase)
        if entry is None:
            continue
        with open(os.path.join(folder, entry["samples"]), "rb") as file:
            rows = file.read()[HEADER:]
        first, last = entry["rows"]
        for row in list(ROW.iter_unpack(rows))[first:last]:
            _, row_flags, _, _, _, device_ns, _ = row
            if row_flags == 0 and device_ns >= 0:
                times.append(1e-9 * device_ns)
    return statistics.median(times) if times else None


def outcome_of(record, knob):
    return next((entry for entry in record["optimizations"] if entry["id"] == knob), {})


def milliseconds(seconds):
    return "-" if seconds is None else f"{1e3 * seconds:.3f}"


def ratio(over, under):
    return "-" if over is None or not under else f"{over / under:.2f}"


def print_table(rows):
    head = ("preset", "phase", "recorded", "plain ms", "on device", "graph ms", "on device", "gain", "gaps")
    rows = [head, *rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    for row in rows:
        cells = [cell.ljust(width) if i < 3 else cell.rjust(width)
                 for i, (cell, width) in enumerate(zip(row, widths))]
        print("  ".join(cells).rstrip())


def compare(preset, plain, graph):
    """Rows of the table for one preset."""
    (off, off_folder), (on, on_folder) = plain, graph
    recorded = outcome_of(on, "graph").get("value", "").split(",")
    rows = []
    for before, after in zip(off["phases"], on["phases"]):
        name = before["name"]
        host = [phase["metrics"]["latency"]["value"] for phase in (before, after)]
        device = [device_median(off, off_folder, name), device_median(on, on_folder, name)]
        # Host time of a replay beside the device's: what is left to gain on the host.
        rows.append((preset, name, "yes" if name in recorded else "no", milliseconds(host[0]),
                     milliseconds(device[0]), milliseconds(host[1]), milliseconds(device[1]),
                     ratio(host[0], host[1]), ratio(host[1], device[1])))
    return rows


def notes(preset, off, on):
    """Lines below the table, and whether all is well."""
    graph, stream = outcome_of(on, "graph"), outcome_of(on, "stream_priority")
    stages = on["invocations"][0]["stages"]
    same = off["digest"]["outputs"] == on["digest"]["outputs"]
    print(f"{preset}: graph {graph.get('value')} (applied: {graph.get('applied')}), "
          f"stream {stream.get('value')}, outputs {'equal bit by bit' if same else 'not bit-equal'}")
    if graph.get("reason"):
        print(f"  not recorded: {graph['reason']}")
    print("  start: " + ", ".join(f"{name} {seconds:.2f} s" for name, seconds in stages.items()))
    return bool(graph.get("applied")) and "the replay is wrong" not in (graph.get("reason") or "")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--presets", default=",".join(CASES))
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--dtype", default="bfloat16")
    parser.add_argument("--budget", default="20s")
    parser.add_argument("--output", help="keeps the run folders here")
    arguments = parser.parse_args()
    folder = arguments.output or tempfile.mkdtemp(prefix="ridgeline-graphs-")
    os.makedirs(folder, exist_ok=True)
    known = {**CASES, **OPTIONAL}
    rows, done, well = [], [], True
    for preset in arguments.presets.split(","):
        plain, graph = (run(preset, known.get(preset, []), mode, arguments, folder) for mode in ("off", "on"))
        failed = [record["outcome"] for record, _ in (plain, graph) if record["outcome"]["status"] != "ok"]
        if failed:
            print(f"{preset}: {failed[0].get('reason')}", file=sys.stderr)
            well = False
            continue
        rows += compare(preset, plain, graph)
        done.append((preset, plain[0], graph[0]))
    print_table(rows)
    for preset, off, on in done:
        well &= notes(preset, off, on)
    print(f"run folders: {folder}")
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
