"""torch's own copy and matrix product, as `ridgeline peaks` is to be compared with them: prints JSON.

    torch_ceilings.py [rounds]
"""

import json
import sys

import torch


def best_rate(work, amount, repetitions, rounds):
    """The best of `rounds` event-timed groups of back-to-back calls, in units a second."""
    best = 0.0
    for _ in range(3):
        work()
    for _ in range(rounds):
        begin = torch.cuda.Event(enable_timing=True)
        end = torch.cuda.Event(enable_timing=True)
        begin.record()
        for _ in range(repetitions):
            work()
        end.record()
        torch.cuda.synchronize()
        best = max(best, amount * repetitions / (1e-3 * begin.elapsed_time(end)))
    return best


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    source = torch.randn(2**30, device="cuda")
    target = torch.empty_like(source)
    copy = best_rate(lambda: target.copy_(source), 8 * 2**30, 20, rounds)
    a = torch.randn(8192, 8192, device="cuda", dtype=torch.bfloat16)
    b = torch.randn(8192, 8192, device="cuda", dtype=torch.bfloat16)
    out = torch.empty_like(a)
    gemm = best_rate(lambda: torch.mm(a, b, out=out), 2 * 8192**3, 20, rounds)
    print(json.dumps({"copy": copy, "gemm.bfloat16": gemm}))


if __name__ == "__main__":
    main()
