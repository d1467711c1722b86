#!/usr/bin/env bash
# Text and pictures: CLIP B/32 with random weights.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="$PATH:$PWD/build/release/bin"
out="$(mktemp -d)"
trap 'rm -rf "$out"' EXIT

# A picture to its embedding, by the tower of pictures alone.
ridgeline prepare clip-b32 --image data/inputs/landscape.webp --outputs "$out/pixels.safetensors"
ridgeline forward clip-b32 --architecture CLIPVisionModelWithProjection \
    --inputs "$out/pixels.safetensors" --outputs "$out/embedding.safetensors"

# The same tower timed on the picture.
ridgeline run clip-b32 --architecture CLIPVisionModelWithProjection \
    --image data/inputs/landscape.webp --budget 3s --invocations 1

# Both towers, apart and together. The inputs are synthetic: a preset has no tokenizer.
ridgeline run clip-b32 --budget 4s --invocations 1
