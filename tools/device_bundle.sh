#!/usr/bin/env bash
# Builds Ridgeline against an unpacked CUDA wheel of torch on a machine without a GPU, and gathers what
# another machine needs to run it: programs, the two system libraries, the check and the peer script.
#
#   tools/device_bundle.sh <unpacked wheel>/torch [folder]      (default folder: build/device)
#
# Copy the folder over (or carry it as it is) and run `<folder>/check.sh` there: that machine needs
# python3 with the same torch release, transformers and safetensors.
set -euo pipefail
cd "$(dirname "$0")/.."
torch_root="${1:?give the torch folder of the unpacked wheel}"
out="${2:-build/device}"

cmake --preset cuda -DTORCH_ROOT="$torch_root"
cmake --build --preset cuda
rm -rf "$out"
mkdir -p "$out/bin" "$out/lib" "$out/tests"
cp build/cuda/bin/ridgeline build/cuda/bin/ridgeline-engine-native "$out/bin/"
strip "$out"/bin/*
for library in libfmt libutf8proc; do
  cp -L "$(ldd build/cuda/bin/ridgeline-engine-native | awk -v l="$library" 'index($1, l) {print $3}')" \
    "$out/lib/"
done
cp -r tests/perf tests/support "$out/tests/"
cp tools/device_check.sh "$out/check.sh"
du -sh "$out"
