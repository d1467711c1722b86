#!/usr/bin/env bash
# Everything CI runs: the native engine, the oracle and the system suites as they are built for use,
# then the torch-free part and its unit tests under the sanitizers. Stops at the first that fails.
set -euo pipefail
cd "$(dirname "$0")/.."
JOBS="${JOBS:-$(nproc)}"

tools/setup.sh --test
cmake --preset release
cmake --build --preset release -j "$JOBS" --target ridgeline-suites
ctest --test-dir build/release --output-on-failure -j "$JOBS" -LE unit  # unit tests: below

# No leak check: it needs ptrace, which containers often forbid.
cmake --preset asan
cmake --build --preset asan -j "$JOBS"
ASAN_OPTIONS=detect_leaks=0 ctest --test-dir build/asan --output-on-failure -j "$JOBS" -L unit
