// Reads `cost` replies.
#include "study/predict_work.hpp"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/json_values.hpp"

namespace ridgeline::study {
namespace {

// Attention counts the scores it would write and read without fusing as four times their bytes, and
// six operations on each of them (engines/native/ops/attention.cpp).
constexpr double kScoreOperations = 6;
constexpr double kScorePasses = 4;

double size_of(std::string_view dtype) {
  return dtype == "float32" ? 4 : 2;
}

Result<double> count_of(const Json& object, std::string_view key, std::string_view what) {
  RIDGELINE_TRY(const double value, get_number(object, key, what));
  if (!std::isfinite(value) || value < 0) {
    return bad_input(fmt::format("{}: '{}' cannot be {}", what, key, value));
  }
  return value;
}

Result<OpWork> op_from(const Json& json, std::string_view what) {
  OpWork op;
  RIDGELINE_TRY(op.op, get_string(json, "op", what));
  RIDGELINE_TRY(op.op_class, get_string(json, "class", what));
  RIDGELINE_TRY(op.dtype, get_string(json, "dtype", what));
  RIDGELINE_TRY(op.calls, count_of(json, "calls", what));
  RIDGELINE_TRY(op.flops, count_of(json, "flops", what));
  for (const char* part : {"bytes_weights", "bytes_read", "bytes_written"}) {
    RIDGELINE_TRY(const double bytes, count_of(json, part, what));
    op.bytes += bytes;
  }
  if (op.op_class == "attention") {
    RIDGELINE_TRY(const double operations, count_of(json, "flops_elementwise", what));
    op.bytes -= kScorePasses * operations / kScoreOperations * size_of(op.dtype);
    op.bytes = std::max(op.bytes, 0.0);
  }
  return op;
}

Result<PhaseMemory> memory_from(const Json& json, std::string_view what) {
  if (!json.is_object()) {
    return unsupported(fmt::format("{}: the engine does not say what it needs", what));
  }
  PhaseMemory memory;
  RIDGELINE_TRY(memory.weights, count_of(json, "weights", what));
  RIDGELINE_TRY(memory.packed, count_of(json, "packed", what));
  RIDGELINE_TRY(memory.cache, count_of(json, "cache", what));
  RIDGELINE_TRY(memory.inputs, count_of(json, "inputs", what));
  RIDGELINE_TRY(memory.outputs, count_of(json, "outputs", what));
  RIDGELINE_TRY(memory.activations, count_of(json, "activations", what));
  RIDGELINE_TRY(memory.peak, count_of(json, "peak", what));
  return memory;
}

Result<PhaseWork> phase_from(const std::string& name, const Json& json) {
  const std::string what = "cost of " + name;
  if (!json.is_object()) return bad_input(what + ": not an object");
  PhaseWork phase;
  phase.name = name;
  RIDGELINE_TRY(phase.measured, get_bool(json, "measured", what, true));
  RIDGELINE_TRY(phase.unit, get_string(json, "unit", what, ""));
  RIDGELINE_TRY(phase.flops, count_of(json, "flops", what));
  RIDGELINE_TRY(phase.flops_minimum, count_of(json, "flops_minimum", what));
  RIDGELINE_TRY(phase.bytes, count_of(json, "bytes", what));
  RIDGELINE_TRY(phase.bytes_unfused, count_of(json, "bytes_unfused", what));
  RIDGELINE_TRY(phase.parameters, count_of(json, "parameters", what));
  RIDGELINE_TRY(phase.memory, memory_from(entry_of(json, "memory"), "memory of " + name));
  const Json& items = entry_of(json, "items");
  if (items.is_object()) {
    for (const auto& [unit, count] : items.items()) {
      if (count.is_number()) phase.items.emplace_back(unit, count.get<double>());
    }
  }
  const Json& ops = entry_of(json, "ops");
  if (!ops.is_array()) return bad_input(what + ": no list of ops");
  for (const Json& op : ops) {
    RIDGELINE_TRY(phase.ops.emplace_back(), op_from(op, what));
  }
  return phase;
}

}  // namespace

double PhaseWork::calls() const {
  double sum = 0;
  for (const OpWork& op : ops) sum += op.calls;
  return sum;
}

double PhaseWork::items_of(std::string_view unit_name) const {
  for (const auto& [name_of_unit, count] : items) {
    if (name_of_unit == unit_name) return count;
  }
  return 0;
}

const PhaseWork* ModelWork::find(std::string_view phase) const {
  for (const PhaseWork& one : phases) {
    if (one.name == phase) return &one;
  }
  return nullptr;
}

Result<ModelWork> work_from(const Json& reply) {
  ModelWork work;
  const Json& phases = entry_of(reply, "phases");
  if (!phases.is_object() || phases.empty()) {
    return unsupported("the engine counts no work", "leave out --engine: the native engine does");
  }
  for (const auto& [name, json] : phases.items()) {
    RIDGELINE_TRY(work.phases.emplace_back(), phase_from(name, json));
  }
  const Json& inputs = entry_of(reply, "inputs");
  if (inputs.is_object()) {
    work.takes_tokens = inputs.contains("input_ids") || inputs.contains("decoder_input_ids");
  }
  RIDGELINE_TRY(work.int8_weights, get_bool(reply, "int8_weights", "cost", false));
  if (reply.contains("product_weight_bytes")) {
    RIDGELINE_TRY(work.product_weight_bytes, count_of(reply, "product_weight_bytes", "cost"));
  }
  return work;
}

}  // namespace ridgeline::study
