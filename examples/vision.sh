#!/usr/bin/env bash
# Vision: ViT-B/16 with random weights on two shipped pictures.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="$PATH:$PWD/build/release/bin"
out="$(mktemp -d)"
trap 'rm -rf "$out"' EXIT

# Pictures to pixel_values, as the Hugging Face processor makes them; then the model on them, once.
ridgeline prepare vit-b16 --image data/inputs/spheres.jpg --image data/inputs/document.png \
    --outputs "$out/pixels.safetensors"
ridgeline forward vit-b16 --inputs "$out/pixels.safetensors" --outputs "$out/logits.safetensors"

# What larger pictures cost, without running anything.
ridgeline cost vit-b16 --image-size 384

# How fast it runs here, reading and resizing of the picture apart.
ridgeline run vit-b16 --image data/inputs/spheres.jpg --budget 5s --invocations 1
