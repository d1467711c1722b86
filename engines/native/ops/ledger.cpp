// Sums of op costs, keyed by op, class and dtypes.
#include "engines/native/ops/ledger.hpp"

#include <c10/core/ScalarType.h>
#include <fmt/format.h>

namespace ridgeline::native {

thread_local Ledger* Ledger::active_ = nullptr;
thread_local int Ledger::depth_ = 0;

std::string_view name_of(OpClass op_class) {
  switch (op_class) {
    case OpClass::kMatmul:
      return "matmul";
    case OpClass::kAttention:
      return "attention";
    case OpClass::kNorm:
      return "norm";
    case OpClass::kActivation:
      return "activation";
    case OpClass::kElementwise:
      return "elementwise";
    case OpClass::kLookup:
      return "lookup";
    case OpClass::kMovement:
      return "movement";
  }
  return "unknown";
}

void Ledger::charge(std::string_view op, OpClass op_class, at::ScalarType arithmetic,
                    at::ScalarType storage, const OpCost& cost) {
  const std::string key =
      fmt::format("{}|{}|{}", op, static_cast<int>(arithmetic), static_cast<int>(storage));
  const auto [it, added] = index_.try_emplace(key, entries_.size());
  if (added) entries_.push_back({std::string(op), op_class, arithmetic, storage, 0, {}});
  LedgerEntry& entry = entries_[it->second];
  ++entry.calls;
  entry.cost.flops += cost.flops;
  entry.cost.flops_minimum += cost.flops_minimum;
  entry.cost.flops_elementwise += cost.flops_elementwise;
  entry.cost.weight_bytes += cost.weight_bytes;
  entry.cost.read_bytes += cost.read_bytes;
  entry.cost.written_bytes += cost.written_bytes;
}

void Ledger::touch(const at::Tensor& weight) {
  if (weight.defined()) weights_[weight.unsafeGetTensorImpl()] = bytes_of(weight);
}

void Ledger::touch_rows(const at::Tensor& table, double rows) {
  const double row_bytes =
      bytes_of(table) / static_cast<double>(std::max<std::int64_t>(1, table.size(0)));
  double& bytes = weights_[table.unsafeGetTensorImpl()];
  bytes = std::min(bytes + rows * row_bytes, bytes_of(table));
}

OpCost Ledger::total() const {
  OpCost sum;
  for (const LedgerEntry& entry : entries_) {
    sum.flops += entry.cost.flops;
    sum.flops_minimum += entry.cost.flops_minimum;
    sum.flops_elementwise += entry.cost.flops_elementwise;
    sum.weight_bytes += entry.cost.weight_bytes;
    sum.read_bytes += entry.cost.read_bytes;
    sum.written_bytes += entry.cost.written_bytes;
  }
  return sum;
}

double Ledger::unique_weight_bytes() const {
  double sum = 0;
  for (const auto& [tensor, bytes] : weights_) sum += bytes;
  return sum;
}

}  // namespace ridgeline::native
