// Sums, look-ups and copies.
#include <ATen/ops/embedding.h>

#include "engines/native/ops/charge.hpp"
#include "engines/native/ops/ops.hpp"

namespace ridgeline::native::ops {

at::Tensor add_into(at::Tensor a, const at::Tensor& b) {
  const ChargeDepth op = open_op("add", OpClass::kElementwise, a, at::Tensor(), [&](Ledger&) {
    OpCost cost;
    cost.flops_elementwise = static_cast<double>(a.numel());
    cost.read_bytes = bytes_of(a) + bytes_of(b);
    cost.written_bytes = bytes_of(a);
    return cost;
  });
  if (a.is_meta()) return meta_result(a.sizes(), a);
  return a.add_(b);
}

at::Tensor embedding(const at::Tensor& table, const at::Tensor& ids) {
  const ChargeDepth op = open_op("embedding", OpClass::kLookup, table, table, [&](Ledger& ledger) {
    ledger.touch_rows(table, static_cast<double>(ids.numel()));
    OpCost cost;
    const double bytes = static_cast<double>(ids.numel() * table.size(1)) * table.element_size();
    cost.weight_bytes = bytes;
    cost.read_bytes = bytes_of(ids);
    cost.written_bytes = bytes;
    return cost;
  });
  if (table.is_meta()) {
    std::vector<std::int64_t> shape = ids.sizes().vec();
    shape.push_back(table.size(1));
    return meta_result(shape, table);
  }
  return at::embedding(table, ids);
}

at::Tensor contiguous(const at::Tensor& x) {
  if (x.is_contiguous()) return x;
  const ChargeDepth op = open_op("copy", OpClass::kMovement, x, at::Tensor(), [&](Ledger&) {
    OpCost cost;
    cost.read_bytes = bytes_of(x);
    cost.written_bytes = bytes_of(x);
    return cost;
  });
  if (x.is_meta()) return meta_result(x.sizes(), x);
  return x.contiguous();
}

}  // namespace ridgeline::native::ops
