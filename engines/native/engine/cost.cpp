// Costs of phases on meta tensors.
#include "engines/native/engine/cost.hpp"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "engines/native/device/device.hpp"
#include "engines/native/device/memory.hpp"
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

// What is there whichever phase runs.
struct Held {
  std::int64_t parameters;
  std::int64_t weight_bytes;
  std::int64_t packed_bytes;
  double input_bytes;
};

// The same parts as the memory pass of a real run tracks, with the same meaning.
Json memory_json(const Held& held, const Phase& phase, const MemoryUse& use, double output_bytes) {
  const double peak = static_cast<double>(held.weight_bytes + held.packed_bytes +
                                          phase.cache_bytes + use.peak_bytes) +
                      held.input_bytes;
  return {{"weights", held.weight_bytes},
          {"packed", held.packed_bytes},
          {"cache", phase.cache_bytes},
          {"inputs", whole(held.input_bytes)},
          {"outputs", whole(output_bytes)},
          {"activations", use.peak_bytes},
          {"peak", whole(peak)}};
}

// What a second layout of all weights of products would take.
std::int64_t product_weight_bytes(Declarations& declarations) {
  double bytes = 0;
  declarations.change_product_weights(
      [&](ops::ProductWeight& weight) { bytes += bytes_of(weight.plain); });
  return static_cast<std::int64_t>(bytes);
}

Json shapes_json(const NamedTensors& tensors) {
  Json shapes = Json::object();
  for (const auto& [name, tensor] : tensors) shapes[name] = tensor.sizes().vec();
  return shapes;
}

Json items_json(const Phase& phase) {
  Json items = Json::object();
  for (const auto& [unit, count] : phase.items) items[unit] = count;
  return items;
}

// `measured`: `ridgeline run` times it.
Json phase_cost(const Phase& phase, MetaMemory& memory, const Held& held, bool measured) {
  Ledger ledger;
  NamedTensors outputs;
  const MemoryUse use = memory.measure([&] {
    const LedgerGuard guard(ledger);
    outputs = phase.call();
  });
  const OpCost total = ledger.total();
  const double output_bytes = bytes_of_all(outputs);
  const double compulsory =
      ledger.unique_weight_bytes() + ledger.cache_bytes() + held.input_bytes + output_bytes;
  return {{"flops", whole(total.flops)},
          {"flops_minimum", whole(total.flops_minimum)},
          {"flops_elementwise", whole(total.flops_elementwise)},
          {"bytes", whole(compulsory)},
          {"bytes_unfused", whole(total.weight_bytes + total.read_bytes + total.written_bytes)},
          {"bytes_weights", whole(ledger.unique_weight_bytes())},
          {"bytes_cache", whole(ledger.cache_bytes())},
          {"parameters", held.parameters},
          {"measured", measured},
          {"unit", phase.unit},
          {"items", items_json(phase)},
          {"memory", memory_json(held, phase, use, output_bytes)},
          {"ops", ops_json(ledger)}};
}

}  // namespace

Result<Json> cost_of(const ResolvedModel& resolved, at::ScalarType dtype, const Workload& workload,
                     const NamedTensors* inputs, bool int8_weights, std::int64_t packed_bytes) {
  MetaMemory memory;
  RIDGELINE_TRY(BuiltModel built, build(resolved));
  const auto source = meta_source();
  RIDGELINE_TRY(const Materialised materialised,
                built.declarations->materialise(*source, dtype, at::kMeta));
  std::int64_t weight_bytes = materialised.bytes;
  if (int8_weights) weight_bytes += quantize_product_weights(*built.declarations);
  NamedTensors shapes;
  if (inputs != nullptr) {
    for (const auto& [name, tensor] : *inputs) {
      shapes.emplace_back(name, at::empty(tensor.sizes(), tensor.options().device(at::kMeta)));
    }
  } else {
    RIDGELINE_TRY(const auto specs, built.model->input_specs(workload));
    shapes = synthetic_inputs(specs, 0, dtype, /*meta=*/true);
  }
  const Held held{materialised.parameters, weight_bytes, packed_bytes, bytes_of_all(shapes)};
  // The whole forward pass always, beside the phases that are measured.
  RIDGELINE_TRY(const Phase forward, built.model->forward(shapes));
  RIDGELINE_TRY(const std::vector<Phase> phases, built.model->phases(shapes, workload));
  Json costs = Json::object();
  const bool forward_is_measured = std::any_of(
      phases.begin(), phases.end(), [&](const Phase& one) { return one.name == forward.name; });
  costs[forward.name] = phase_cost(forward, memory, held, forward_is_measured);
  for (const Phase& phase : phases) {
    if (phase.name == forward.name) continue;
    if (phase.restore) phase.restore();
    costs[phase.name] = phase_cost(phase, memory, held, true);
  }
  return Json{{"phases", std::move(costs)},
              {"inputs", shapes_json(shapes)},
              {"int8_weights", int8_weights},
              {"product_weight_bytes", product_weight_bytes(*built.declarations)}};
}

}  // namespace ridgeline::native
