#!/usr/bin/env bash
# Speech: Whisper tiny with random weights on shipped sounds, so its words mean nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="$PATH:$PWD/build/release/bin"
out="$(mktemp -d)"
trap 'rm -rf "$out"' EXIT

# Sounds of any rate to log-mel features, as the Hugging Face feature extractor makes them.
ridgeline prepare whisper-tiny --audio data/inputs/speech.ogg --audio data/inputs/tone.flac \
    --outputs "$out/features.safetensors"

# Greedy decoding; a model with a tokenizer prints the text.
ridgeline generate whisper-tiny --audio data/inputs/voice.wav --max-new-tokens 8 \
    --outputs "$out/tokens.safetensors"

# Preprocessing, encoder, prefill, one token, and the whole request with its real-time factor.
ridgeline run whisper-tiny --audio data/inputs/speech.ogg --new-tokens 8 --budget 6s --invocations 1
