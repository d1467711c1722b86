#!/usr/bin/env bash
# Everything CI runs: build and test, then the torch-free part again under the sanitizers.
# Stops at the first suite that fails; the last line says what passed.
set -euo pipefail
cd "$(dirname "$0")/.."
JOBS="${JOBS:-$(nproc)}"

tools/setup.sh --test
cmake --preset release
cmake --build --preset release -j "$JOBS"
ctest --test-dir build/release --output-on-failure -j "$JOBS"

# No leak check: it needs ptrace, which containers often forbid.
cmake --preset asan
cmake --build --preset asan -j "$JOBS"
ASAN_OPTIONS=detect_leaks=0 ctest --test-dir build/asan --output-on-failure -j "$JOBS" -L unit
