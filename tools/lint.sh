#!/usr/bin/env bash
# Formatting of all C++ files, and clang-tidy over those that need no torch (JOBS at a time).
set -euo pipefail
cd "$(dirname "$0")/.."
format="$(command -v clang-format-19 || command -v clang-format)"
git ls-files '*.cpp' '*.hpp' | grep -v unicode_tables | xargs "$format" --dry-run --Werror
tidy="$(command -v clang-tidy-19 || command -v clang-tidy)"
cmake --preset release -DRIDGELINE_TORCH=OFF -B build/lint >/dev/null
git ls-files 'src/*.cpp' | xargs -P "${JOBS:-$(nproc)}" -n 8 "$tidy" --quiet -p build/lint
