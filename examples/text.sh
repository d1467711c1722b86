#!/usr/bin/env bash
# Text, from the shapes of published models alone: what they cost, then how fast they run here.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="$PATH:$PWD/build/release/bin"

# A sentence encoder: FLOPs, bytes and parameters of a batch, then the speed of two batches.
ridgeline cost minilm-l6 --batch 8 --sequence 128
ridgeline run minilm-l6 --batch 1,8 --sequence 128 --budget 4s --invocations 1

# A language model: what a prompt costs, then one token behind a short and a long context.
ridgeline cost llama-124m --sequence 128
ridgeline run llama-124m --phases decode --depth 128,1024 --budget 5s --invocations 1
