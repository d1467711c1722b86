"""What the counters of a GPU say about kernels whose bytes are known: copies and sums of tensors far
larger than its caches, queued back to back. Prints a table; exits with 1 when a ratio is off by more
than 3 %.

    known_bytes.py [seconds of each]      RIDGELINE_BIN names the folder of ridgeline-sensor-driver
"""

import json
import os
import subprocess
import sys
import time

import torch

SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else 3.0
BOUND = 0.03
# What NVML publishes is up to 100 ms old.
SETTLE = 0.3


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


def run(work, seconds):
    """Calls `work` for about `seconds`; the number of calls."""
    work()
    torch.cuda.synchronize()
    begin = time.monotonic()
    for _ in range(20):
        work()
    torch.cuda.synchronize()
    calls = max(1, int(20 * seconds / (time.monotonic() - begin)))
    time.sleep(SETTLE)
    return calls


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
        calls = run(work, SECONDS)
        before = sensors.read()
        begin = time.monotonic()
        for _ in range(calls):
            work()
        torch.cuda.synchronize()
        seconds = time.monotonic() - begin
        time.sleep(SETTLE)
        after = sensors.read()
        domain = next(name for name in after if name.endswith("/traffic.dram"))
        # Nothing else runs, but refresh and other clients may read a little: see the idle line.
        ratio = (after[domain][1] - before[domain][1]) / (calls * bytes_per_call)
        worst = max(worst, abs(ratio - 1))
        print(f"| {name} | {calls} | {calls * bytes_per_call / seconds / 1e9:.0f} | {ratio:.4f} |")
    before = sensors.read()
    time.sleep(2)
    after = sensors.read()
    rate = (after[domain][1] - before[domain][1]) / (1e-9 * (after[domain][0] - before[domain][0]))
    print(f"idle: {rate / 1e9:.2f} GB/s")
    print(f"largest deviation {100 * worst:.2f} % (bound {100 * BOUND:.0f} %)")
    return int(worst > BOUND)


if __name__ == "__main__":
    sys.exit(main())
