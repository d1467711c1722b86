"""Does reading sensors change what is timed? Pairs of runs with and without sensors, in turns (ABBA),
each run a process of its own; the 95 % t interval of the mean log ratio of their medians.

    sensor_cost.py [--pairs 12] [--budget 2s] [--bound 0.015] [--output FILE] MODEL [flags of run…]

Without sensors of its own a machine is given scripted ones (RIDGELINE_SENSOR_SCRIPT): a package with
counter and power, a temperature, a clock and a throttle time. RIDGELINE_BIN names the folder of the
programs. Exits with 1 when the interval is not within the bound.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile

SCRIPT = {
    "domains": [
        {"id": "package-0", "kind": "energy", "scope": "package", "power": 90, "period": 0.001},
        {"id": "package-0/power", "kind": "power", "scope": "package", "power": 90, "period": 0.1},
        {"id": "temperature", "kind": "temperature", "scope": "package", "power": 50},
        {"id": "clock", "kind": "clock", "scope": "package", "power": 3e9},
        {"id": "throttle", "kind": "throttle_time", "scope": "core", "power": 0},
    ]
}
# Two-sided 95 % quantiles of Student's t for 1 to 30 degrees of freedom, then the normal's.
T95 = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160,
       2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056,
       2.052, 2.048, 2.045, 2.042]  # fmt: skip


def median_of_run(arguments, sensors, folder):
    """The median latency of the last phase of one run of one invocation."""
    command = [os.path.join(os.environ["RIDGELINE_BIN"], "ridgeline"), "run", *arguments]
    command += ["--invocations", "1", "--output", folder, "--quiet"]
    command += [] if sensors else ["--sensors", "none"]
    command += ["--energy-window", "300ms", "--energy-trials", "1"]
    environment = {**os.environ, "RIDGELINE_SENSOR_SCRIPT": json.dumps(SCRIPT)}
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    with open(os.path.join(folder, "records.jsonl")) as lines:
        record = json.loads(lines.readline())
    phases = record["invocations"][0]["phases"]
    assert bool(record["invocations"][0]["state"]["domains"]) == sensors
    return list(phases.values())[-1]["median"]


def interval_of(ratios):
    """Mean and half width of log ratios."""
    mean = statistics.mean(ratios)
    degrees = len(ratios) - 1
    t = T95[degrees - 1] if degrees <= len(T95) else 1.96
    return mean, t * statistics.stdev(ratios) / math.sqrt(len(ratios))


def measure(arguments, pairs):
    """Log ratios of medians, sensors on over sensors off."""
    ratios = []
    with tempfile.TemporaryDirectory() as scratch:
        for pair in range(pairs):
            order = (True, False) if pair % 2 == 0 else (False, True)
            medians = {}
            for sensors in order:
                folder = os.path.join(scratch, f"{pair}-{sensors}")
                medians[sensors] = median_of_run(arguments, sensors, folder)
            ratios.append(math.log(medians[True] / medians[False]))
    return ratios


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pairs", type=int, default=12)
    parser.add_argument("--budget", default="2s")
    parser.add_argument("--bound", type=float, default=0.015)
    parser.add_argument("--output", help="a JSON file with every ratio")
    parser.add_argument("model")
    known, rest = parser.parse_known_args()
    ratios = measure([known.model, "--budget", known.budget, *rest], known.pairs)
    mean, half = interval_of(ratios)
    low, high = math.expm1(mean - half), math.expm1(mean + half)
    inside = low > -known.bound and high < known.bound
    print(
        f"with sensors / without: {math.exp(mean):.5f}, 95 % [{1 + low:.5f}, {1 + high:.5f}] over "
        f"{known.pairs} pairs; bound ±{100 * known.bound:g} %: {'inside' if inside else 'NOT inside'}"
    )
    if known.output:
        with open(known.output, "w") as file:
            json.dump({"model": known.model, "flags": rest, "log_ratios": ratios}, file)
    return int(not inside)


if __name__ == "__main__":
    sys.exit(main())
