#!/usr/bin/env bash
# A text encoder from its shapes alone: what it costs, then how fast it runs here.
set -euo pipefail
out="$(mktemp -d)"
trap 'rm -rf "$out"' EXIT

ridgeline cost minilm-l6 --batch 8 --sequence 128
ridgeline run minilm-l6 --batch 1,8 --sequence 128 --budget 10s --invocations 2 --output "$out/run"
