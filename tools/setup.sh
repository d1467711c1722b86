#!/usr/bin/env bash
# Sets up a fresh Debian 12+ / Ubuntu 22.04+ machine for Ridgeline: system packages, and a virtual
# environment with the pinned torch wheel and the file that draws the report's charts. Safe to run
# again; does nothing that is done already.
#
#   tools/setup.sh          what building and running needs
#   tools/setup.sh --test   also what the tests need (transformers, pytest, a small checkpoint,
#                           a browser)
#
#   OFFLINE=1    use what is there, download nothing
#   TORCH_SPEC   another torch requirement (default: torch==2.13.0)
#   PYTHON       the interpreter for the virtual environment (default: python3)
set -euo pipefail
cd "$(dirname "$0")/.."

TORCH_SPEC="${TORCH_SPEC:-torch==2.13.0}"
# Carries plotly.min.js, which the build puts into the program; none of its Python is used.
PLOTLY_SPEC=plotly==7.1.0
PYTHON="${PYTHON:-python3}"
packages=(g++ cmake ninja-build make python3-venv nlohmann-json3-dev libcli11-dev libfmt-dev
          libutf8proc-dev libpcre2-dev libtomlplusplus-dev libjpeg-dev libpng-dev libwebp-dev zlib1g-dev
          libsndfile1-dev libsoxr-dev libomp-dev libgtest-dev libgmock-dev)

say() { printf 'setup: %s\n' "$*" >&2; }

missing_packages() {
  local package
  for package in "${packages[@]}"; do
    # A compiler or Python that was installed by other means serves as well.
    case "$package" in
      g++) command -v g++ >/dev/null && continue ;;
      cmake) command -v cmake >/dev/null && continue ;;
      ninja-build) command -v ninja >/dev/null && continue ;;
      make) command -v make >/dev/null && continue ;;
      python3-venv) "$PYTHON" -c 'import venv, ensurepip' 2>/dev/null && continue ;;
    esac
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' ||
      printf '%s ' "$package"
  done
}

install_packages() {
  local missing as_root=()
  missing="$(missing_packages)"
  [ -n "$missing" ] || return 0
  if ! command -v apt-get >/dev/null; then
    say "these packages are missing and this is no Debian or Ubuntu: $missing"
    exit 3
  fi
  if [ "$(id -u)" != 0 ]; then
    if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
      as_root=(sudo)
    else
      say "system packages are missing; run this once, then try again:"
      say "  sudo apt-get update && sudo apt-get install -y --no-install-recommends $missing"
      exit 3
    fi
  fi
  if [ "${OFFLINE:-0}" = 1 ]; then
    say "OFFLINE=1, but these packages are missing: $missing"
    exit 3
  fi
  say "installing $missing"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq
  # shellcheck disable=SC2086  # a list on purpose
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends $missing >/dev/null
}

# The browser of the report's tests. They skip without one, so a system that has no such package
# (Ubuntu's only starts a snap) is told and goes on.
install_browser() {
  local name as_root=()
  for name in chromium chromium-browser google-chrome google-chrome-stable; do
    if command -v "$name" >/dev/null; then return 0; fi
  done
  if [ "${OFFLINE:-0}" = 1 ]; then
    say "OFFLINE=1: no chromium, so the report's browser tests will be skipped"
    return 0
  fi
  if [ "$(id -u)" != 0 ]; then as_root=(sudo -n); fi
  say "installing chromium"
  if ! { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq &&
         "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
           apt-get install -y -qq --no-install-recommends chromium >/dev/null; }; then
    say "chromium could not be installed: the report's browser tests will be skipped"
  fi
}

# Installs into the virtual environment unless a stamp says that exactly this was done before.
pip_install() {
  local name="$1"; shift
  local stamp=".venv/.ridgeline-$name"
  if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$*" ]; then return 0; fi
  if [ "${OFFLINE:-0}" = 1 ]; then
    say "OFFLINE=1: taking what .venv has for: $*"
    return 0
  fi
  say "installing $*"
  .venv/bin/python -m pip install --quiet --disable-pip-version-check "$@"
  printf '%s' "$*" > "$stamp"
}

install_packages
if [ ! -x .venv/bin/python ]; then
  say "creating .venv"
  "$PYTHON" -m venv .venv
fi
# numpy only silences a warning of torch on import; the program itself needs neither it nor Python.
pip_install torch "$TORCH_SPEC" numpy
pip_install plotly --no-deps "$PLOTLY_SPEC"
if [ "${1:-}" = --test ]; then
  install_browser
  # torch is named again so that nothing of this list replaces it.
  pip_install test "$TORCH_SPEC" -r tests/requirements.txt
fi
