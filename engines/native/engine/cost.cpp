// Costs of phases on meta tensors.
#include "engines/native/engine/cost.hpp"

#include <ATen/ops/empty.h>

#include <nlohmann/json.hpp>

#include "engines/native/device/device.hpp"
#include "engines/native/ops/ledger.hpp"
#include "engines/native/optimize/knobs.hpp"

namespace ridgeline::native {
namespace {

// Counts are whole numbers; JSON keeps them exact up to 2^53 as integers.
Json whole(double count) {
  return static_cast<std::int64_t>(count);
}

double bytes_of_all(const NamedTensors& tensors) {
  double bytes = 0;
  for (const auto& [name, tensor] : tensors) bytes += bytes_of(tensor);
  return bytes;
}

Json ops_json(const Ledger& ledger) {
  Json ops = Json::array();
  for (const LedgerEntry& entry : ledger.entries()) {
    ops.push_back({{"op", entry.op},
                   {"class", name_of(entry.op_class)},
                   {"dtype", name_of(entry.arithmetic)},
                   {"storage", name_of(entry.storage)},
                   {"calls", entry.calls},
                   {"flops", whole(entry.cost.flops)},
                   {"flops_minimum", whole(entry.cost.flops_minimum)},
                   {"flops_elementwise", whole(entry.cost.flops_elementwise)},
                   {"bytes_weights", whole(entry.cost.weight_bytes)},
                   {"bytes_read", whole(entry.cost.read_bytes)},
                   {"bytes_written", whole(entry.cost.written_bytes)}});
  }
  return ops;
}

Json phase_cost(const Phase& phase, const NamedTensors& inputs, std::int64_t parameters) {
  Ledger ledger;
  NamedTensors outputs;
  {
    const LedgerGuard guard(ledger);
    outputs = phase.call();
  }
  const OpCost total = ledger.total();
  const double compulsory = ledger.unique_weight_bytes() + ledger.cache_bytes() +
                            bytes_of_all(inputs) + bytes_of_all(outputs);
  return {{"flops", whole(total.flops)},
          {"flops_minimum", whole(total.flops_minimum)},
          {"flops_elementwise", whole(total.flops_elementwise)},
          {"bytes", whole(compulsory)},
          {"bytes_unfused", whole(total.weight_bytes + total.read_bytes + total.written_bytes)},
          {"bytes_weights", whole(ledger.unique_weight_bytes())},
          {"bytes_cache", whole(ledger.cache_bytes())},
          {"parameters", parameters},
          {"ops", ops_json(ledger)}};
}

}  // namespace

Result<Json> cost_of(const ResolvedModel& resolved, at::ScalarType dtype, const Workload& workload,
                     const NamedTensors* inputs, bool int8_weights) {
  RIDGELINE_TRY(BuiltModel built, build(resolved));
  const auto source = meta_source();
  RIDGELINE_TRY(const Materialised materialised,
                built.declarations->materialise(*source, dtype, at::kMeta));
  if (int8_weights) quantize_product_weights(*built.declarations);
  NamedTensors shapes;
  if (inputs != nullptr) {
    for (const auto& [name, tensor] : *inputs) {
      shapes.emplace_back(name, at::empty(tensor.sizes(), tensor.options().device(at::kMeta)));
    }
  } else {
    RIDGELINE_TRY(const auto specs, built.model->input_specs(workload));
    shapes = synthetic_inputs(specs, 0, dtype, /*meta=*/true);
  }
  // The whole forward pass always, beside the phases that are measured.
  RIDGELINE_TRY(const Phase forward, built.model->forward(shapes));
  RIDGELINE_TRY(const std::vector<Phase> phases, built.model->phases(shapes, workload));
  Json costs = Json::object();
  costs[forward.name] = phase_cost(forward, shapes, materialised.parameters);
  for (const Phase& phase : phases) {
    if (phase.name == forward.name) continue;
    if (phase.restore) phase.restore();
    costs[phase.name] = phase_cost(phase, shapes, materialised.parameters);
  }
  return Json{{"phases", std::move(costs)}};
}

}  // namespace ridgeline::native
