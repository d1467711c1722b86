#!/usr/bin/env bash
# The check on a machine with an accelerator, out of a bundle of tools/device_bundle.sh. Prints what
# docs/validation.md quotes.
#
#   check.sh [threads…]     of the comparison with transformers on the CPU (default: all cores)
#   OUT=folder              where results go (default: ./out)
set -u
bundle="$(cd "$(dirname "$0")" && pwd)"
threads=("$@") out="${OUT:-$PWD/out}"
mkdir -p "$out"
torch="$(python3 -c "import importlib.util as u; print(u.find_spec('torch').submodule_search_locations[0])")"
LD_LIBRARY_PATH="$bundle/lib:$torch/lib:$(printf '%s:' "$torch"/../nvidia/*/lib)${LD_LIBRARY_PATH:-}"
export LD_LIBRARY_PATH RIDGELINE_BIN="$bundle/bin" PATH="$bundle/bin:$PATH"
work="$(mktemp -d)"

step() { printf '\n== %s\n' "$*"; }

step "machine"; ridgeline machine
step "forward on cpu and cuda:0 against transformers"
python3 - "$work" <<'P'
import subprocess, sys, torch, transformers
from safetensors.torch import load_file, save_file
work = sys.argv[1]
subprocess.run(["ridgeline", "synthesize", "minilm-l6", "--outputs", f"{work}/minilm"], check=True)
model = transformers.BertModel.from_pretrained(f"{work}/minilm", attn_implementation="eager").eval()
ids = torch.randint(3, 30000, (3, 40))
mask = torch.ones_like(ids); mask[1, 30:] = 0; mask[2, 7:] = 0
save_file({"input_ids": ids, "attention_mask": mask}, f"{work}/in.safetensors")
with torch.no_grad():
    want = model(input_ids=ids, attention_mask=mask).last_hidden_state[mask.bool()]
for device in ("cpu", "cuda:0"):
    done = subprocess.run(["ridgeline", "forward", f"{work}/minilm", "--inputs", f"{work}/in.safetensors",
                           "--outputs", f"{work}/out.safetensors", "--device", device])
    if done.returncode == 0:
        got = load_file(f"{work}/out.safetensors")["last_hidden_state"][mask.bool()]
        print(device, "largest error / largest value:", float((got - want).abs().max() / want.abs().max()))
P
step "run on cuda:0"
ridgeline run bert-base --device cuda:0 --dtype float32,bfloat16 --batch 1,32 --budget 40s --invocations 3 \
  --output "$out/cuda" --quiet
for count in "${threads[@]:-}"; do
  step "native and transformers on the CPU, ${count:-all} threads"
  python3 "$bundle/tests/perf/peers.py" --output "$out/peers.jsonl" --work "$work/peers" \
    --slice cpu-bert-base,cpu-bert-base-bf16 ${count:+--threads "$count"}
done
rm -rf "$work"
