#!/usr/bin/env bash
# Builds Ridgeline against an unpacked CUDA wheel of torch on a machine without a GPU, and gathers what
# another machine needs to run it: programs, the system libraries, the check and the peer script.
#
#   tools/device_bundle.sh <unpacked wheel>/torch [folder]      (default folder: build/device)
#
# Copy the folder over (or carry it as it is) and run `<folder>/check.sh`, `sensors.sh` or `peers.sh` there: that machine needs
# python3 with the same torch release, transformers and safetensors.
set -euo pipefail
cd "$(dirname "$0")/.."
torch_root="${1:?give the torch folder of the unpacked wheel}"
out="${2:-build/device}"

cmake --preset cuda -DTORCH_ROOT="$torch_root" -DRIDGELINE_TESTS=ON
cmake --build --preset cuda --target ridgeline ridgeline-engine-native ridgeline-cuda ridgeline-native-tests \
  ridgeline-fused-bench ridgeline-decode-floor
rm -rf "$out"
mkdir -p "$out/bin" "$out/lib" "$out/tests"
cp build/cuda/bin/{ridgeline,ridgeline-engine-native,libridgeline-cuda.so,ridgeline-native-tests,ridgeline-fused-bench,ridgeline-decode-floor} "$out/bin/"
# Every system library but those of the C and C++ runtimes, which the other machine has.
ldd build/cuda/bin/ridgeline build/cuda/bin/ridgeline-engine-native |
  awk '$3 ~ "^/(usr/)?lib" && $1 !~ "^(libc|libm|libdl|librt|libpthread|libstdc\\+\\+|libgcc_s)\\.so" {print $3}' |
  sort -u | xargs -I{} cp -L {} "$out/lib/"
# The driver that shows sensors to scripts has no torch in it: the plain build's is as good.
cmake --build --preset release --target ridgeline-sensor-driver
cp build/release/bin/ridgeline-sensor-driver "$out/bin/"
strip "$out"/bin/*
# The transformers engine is Python: a launcher with its package beside it.
cp -r engines/transformers/ridgeline-engine-transformers engines/transformers/ridgeline_transformers "$out/bin/"
rm -rf "$out"/bin/ridgeline_transformers/__pycache__
cp -r tests/perf tests/support tests/gpu "$out/tests/"
cp tools/device_check.sh "$out/check.sh"
cp tools/device_sensors.sh "$out/sensors.sh"
cp tools/device_peers.sh "$out/peers.sh"
du -sh "$out"
