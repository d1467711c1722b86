"""What the counters of a GPU say about kernels whose bytes are known: copies and sums of tensors far
larger than its caches, read within a steady load. Prints a table; exits with 1 when a ratio is off by more
than 3 %.

    known_bytes.py [seconds of each]      RIDGELINE_BIN names the folder of ridgeline-sensor-driver
"""

import json
import os
import subprocess
import sys
import threading
import time

import torch

SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else 3.0
BOUND = 0.03
# NVML publishes means every 100 ms: a reading must lie well within the load.
SETTLE = 0.5


class Sensors:
    def __init__(self):
        program = os.path.join(os.environ["RIDGELINE_BIN"], "ridgeline-sensor-driver")
        self.process = subprocess.Popen(
            [program, "nvml"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def read(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


class Load(threading.Thread):
    """Calls `work` until stopped; remembers how many calls were done when (CLOCK_MONOTONIC)."""

    def __init__(self, work):
        super().__init__()
        self.work, self.done, self.stopping = work, [(time.monotonic_ns(), 0)], False

    def run(self):
        calls = 0
        while not self.stopping:
            for _ in range(10):
                self.work()
            torch.cuda.synchronize()
            calls += 10
            self.done.append((time.monotonic_ns(), calls))

    def calls_at(self, ns):
        for (t0, c0), (t1, c1) in zip(self.done, self.done[1:]):
            if t0 <= ns <= t1:
                return c0 + (c1 - c0) * (ns - t0) / (t1 - t0)
        raise ValueError("read outside of the load")


def measure(sensors, work, seconds):
    """Counted bytes and calls between two readings within a steady load, and their seconds."""
    load = Load(work)
    load.start()
    time.sleep(SETTLE)
    before = sensors.read()
    time.sleep(seconds)
    after = sensors.read()
    time.sleep(SETTLE)
    load.stopping = True
    load.join()
    domain = next(name for name in after if name.endswith("/traffic.dram"))
    (t0, v0), (t1, v1) = before[domain], after[domain]
    return v1 - v0, load.calls_at(t1) - load.calls_at(t0), 1e-9 * (t1 - t0)


def main():
    sensors = Sensors()
    words = 2**30
    a = torch.randn(words, device="cuda")
    b = torch.empty_like(a)
    half = a.to(torch.bfloat16).view(-1, 8192)
    vector = torch.randn(8192, device="cuda", dtype=torch.bfloat16)
    out = torch.empty(half.shape[0], device="cuda", dtype=torch.bfloat16)
    cases = {
        "copy of 4 GiB": (lambda: b.copy_(a), 8 * words),
        "fill of 4 GiB": (lambda: b.fill_(1.5), 4 * words),
        "bfloat16 matrix times vector, 2 GiB": (
            lambda: torch.mv(half, vector, out=out),
            2 * words + 2 * 8192 + 2 * half.shape[0],
        ),
    }
    worst = 0.0
    print("| kernel | calls | GB/s by the clock | counted / known bytes |")
    print("|---|--:|--:|--:|")
    for name, (work, bytes_per_call) in cases.items():
        work()
        counted, calls, seconds = measure(sensors, work, SECONDS)
        known = calls * bytes_per_call
        worst = max(worst, abs(counted / known - 1))
        print(f"| {name} | {calls:.0f} | {known / seconds / 1e9:.0f} | {counted / known:.4f} |")
    time.sleep(1)
    before = sensors.read()
    time.sleep(2)
    after = sensors.read()
    domain = next(name for name in after if name.endswith("/traffic.dram"))
    rate = (after[domain][1] - before[domain][1]) / (1e-9 * (after[domain][0] - before[domain][0]))
    print(f"idle: {rate / 1e9:.2f} GB/s")
    print(f"largest deviation {100 * worst:.2f} % (bound {100 * BOUND:.0f} %)")
    return int(worst > BOUND)


if __name__ == "__main__":
    sys.exit(main())
