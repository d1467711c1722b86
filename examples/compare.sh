#!/usr/bin/env bash
# Two runs of one model on this machine, compared: what a check before a merge does.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="$PATH:$PWD/build/release/bin"
base="runs/base-$(date +%s)-$$"
new="runs/new-$(date +%s)-$$"

# Before the change. Several invocations: how far processes spread is what a verdict rests on.
ridgeline run minilm-l6 --sequence 64 --budget 6s --invocations 3 --output "$base"

# After it. Here nothing changed, so the answer should be SAME, or UNDECIDED on a busy machine.
ridgeline run minilm-l6 --sequence 64 --budget 6s --invocations 3 --output "$new"

# The table; then what a gate does: exit code 1 when a slowdown of at least 5 % is shown, or more
# memory, or when a case is gone. The Markdown is for a comment of a pull request.
ridgeline compare "$base" "$new"
status=0
ridgeline compare "$base" "$new" --fail-on slower:5%,memory:5%,missing --format markdown ||
    status=$?
[ "$status" -le 1 ]
echo "exit code of the gate: $status (0: passed, 1: tripped)"
