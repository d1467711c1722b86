#!/usr/bin/env bash
# Two sides of a change on this machine, compared: what a check before a merge does.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="$PATH:$PWD/build/release/bin"
folder="runs/compare-$(date +%s)-$$"
how=(--sequence 64 --budget 4s --invocations 2 --report none)

# In turns, so that both sides see the same states of the machine; several processes, because how far
# they spread is what a verdict rests on. Here nothing changed between the sides, so the answer should
# be SAME, or UNDECIDED on a busy machine.
ridgeline run minilm-l6 "${how[@]}" --output "$folder/base/1"
ridgeline run minilm-l6 "${how[@]}" --output "$folder/new/1"
ridgeline run minilm-l6 "${how[@]}" --output "$folder/new/2"
ridgeline run minilm-l6 "${how[@]}" --output "$folder/base/2"

# The table; then what a gate does: exit code 1 when a slowdown of at least 5 % is shown, or more
# memory, or when a case is gone. The Markdown is for a comment of a pull request.
ridgeline compare "$folder/base" "$folder/new"
status=0
ridgeline compare "$folder/base" "$folder/new" --fail-on slower:5%,memory:5%,missing \
  --format markdown || status=$?
[ "$status" -le 1 ]
echo "exit code of the gate: $status (0: passed, 1: tripped)"
