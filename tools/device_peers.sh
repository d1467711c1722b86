#!/usr/bin/env bash
# The native engine beside transformers on a machine with an accelerator, out of a bundle of
# tools/device_bundle.sh. Each slice fits ten minutes; a repetition goes on where the last one stopped.
#
#   peers.sh [--flag…] [slice…]    slices of tests/perf/peers.py (default: those of the GPU, in order);
#                                  flags go to it, with '=' before their values (--invocations=3)
#   OUT=folder                     where results go (default: ./out): peers.jsonl and peers.md
#   WORK=folder                    runs, compile caches and results, kept from call to call
#                                  (default: ./build/peers)
#   RESULTS=file                   results of an earlier machine, to go on with
#   WITHIN=seconds                 no group is begun later than this (default 480)
set -u
bundle="$(cd "$(dirname "$0")" && pwd)"
out="${OUT:-$PWD/out}" work="${WORK:-$PWD/build/peers}" within="${WITHIN:-480}"
mkdir -p "$out" "$work"
python="${RIDGELINE_ENGINE_PYTHON:-python3}"
torch="$("$python" -c "import importlib.util as u; print(u.find_spec('torch').submodule_search_locations[0])")"
LD_LIBRARY_PATH="$bundle/lib:$torch/lib:$(printf '%s:' "$torch"/../nvidia/*/lib)${LD_LIBRARY_PATH:-}"
export LD_LIBRARY_PATH RIDGELINE_BIN="$bundle/bin" RIDGELINE_ENGINE_PYTHON="$python" PATH="$bundle/bin:$PATH"

flags=() slices=()
for word in "$@"; do
  case "$word" in
    --*) flags+=("$word") ;;
    *) slices+=("$word") ;;
  esac
done
[ ${#slices[@]} -gt 0 ] || slices=(bert llama encoders llama-long energy-encoders energy-llama)
results="$work/peers.jsonl"
[ -e "$results" ] || cp "${RESULTS:-/dev/null}" "$results"
peers() { "$python" "$bundle/tests/perf/peers.py" --output "$results" --work "$work/work" "$@"; }

status=0
for flag in ${flags[@]+"${flags[@]}"}; do
  # All groups at once, on a machine that has many cores and little time.
  [ "$flag" != --warm ] || { peers --slice "$(IFS=,; echo "${slices[*]}")" "${flags[@]}" > /dev/null; exit; }
done
# One group at a time, so that what is finished has left the machine when the rest is cut off.
for group in $(for slice in "${slices[@]}"; do peers --list --slice "$slice"; done | awk '!seen[$1]++ {print $1}'); do
  if [ "$SECONDS" -gt "$within" ]; then
    printf '== %s: not begun, %s s are over; the same command goes on\n' "$group" "$within"
    continue
  fi
  printf '\n== %s  (at %s s)\n' "$group" "$SECONDS"
  peers --slice "$group" ${flags[@]+"${flags[@]}"} > /dev/null || status=$?
  cp "$results" "$out/peers.jsonl"
done
peers --table > "$out/peers.md" || status=$?
cat "$out/peers.md"
exit "$status"
