#!/usr/bin/env bash
# What docs/validation.md says of the sensors and ceilings of an NVIDIA GPU: run it out of a bundle of
# tools/device_bundle.sh, on a machine with python3 and the same torch release.
#
#   sensors.sh            OUT=folder: where results go (default: ./out)
set -u
bundle="$(cd "$(dirname "$0")" && pwd)"
out="${OUT:-$PWD/out}"
mkdir -p "$out"
torch="$(python3 -c "import importlib.util as u; print(u.find_spec('torch').submodule_search_locations[0])")"
LD_LIBRARY_PATH="$bundle/lib:$torch/lib:$(printf '%s:' "$torch"/../nvidia/*/lib)${LD_LIBRARY_PATH:-}"
XDG_CACHE_HOME="$out/cache"
export LD_LIBRARY_PATH XDG_CACHE_HOME RIDGELINE_BIN="$bundle/bin" PATH="$bundle/bin:$PATH"

step() { printf '\n== %s  (at %s s)\n' "$*" "$SECONDS"; }

step "ridgeline machine"; ridgeline machine
step "one reading of every NVML domain"; echo | ridgeline-sensor-driver nvml
step "counted traffic of kernels of known bytes"; python3 "$bundle/tests/gpu/known_bytes.py" 3
step "torch's copy and matrix product, and ridgeline peaks"
python3 "$bundle/tests/gpu/torch_ceilings.py" | tee "$out/torch.json"
ridgeline peaks --device cuda:0 --seconds 1 --json > "$out/peaks.json"
ridgeline peaks --device cuda:0 2>&1
python3 "$bundle/tests/gpu/torch_ceilings.py" | tee -a "$out/torch.json"
step "a steady load: counter and integrated power; every figure in one record"
ridgeline run bert-large --device cuda:0 --dtype bfloat16 --batch 32 --sequence 512 --budget 20s \
  --invocations 3 --output "$out/steady"
python3 - "$out/steady/records.jsonl" <<'P'
import json, sys
record = json.loads(open(sys.argv[1]).readline())
for phase in record["phases"]:
    if not phase["energy"]:
        continue
    ratios = [m["cross_check"] for t in phase["energy"]["trials"] for m in t["meters"].values() if m.get("cross_check")]
    print("counter / integral, each trial:", [round(r, 4) for r in ratios])
    for meter in phase["energy"]["meters"]:
        for c in meter["calibration"]:
            print("calibration", c)
    print("idle", phase["energy"]["idle"])
    print(json.dumps(phase["energy"]["trials"][0]))
    for name, metric in phase["metrics"].items():
        if not name.startswith("latency"):
            print(name, {k: v for k, v in metric.items() if k not in ("inputs",)})
print("flags", [(f["id"], f["severity"], f["detail"]) for f in record["validity"]["flags"]])
print("harness", record["validity"]["harness"])
P
step "a window shorter than the counter's period"
ridgeline run bert-base --device cuda:0 --dtype bfloat16 --budget 3s --invocations 1 --metrics time,energy \
  --energy-window 50ms --energy-trials 1 --output "$out/short"
step "prefill and decode apart"
ridgeline run llama-3.2-1b --device cuda:0 --dtype bfloat16 --sequence 512 --depth 512 --phases prefill,decode \
  --budget 10s --invocations 2 --output "$out/llama"
rm -rf "$out"/*/samples/*/*.bin "$out"/*/logs
