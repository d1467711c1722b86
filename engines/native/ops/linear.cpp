// Matrix products.
#include <ATen/ops/linear.h>

#include "engines/native/ops/charge.hpp"
#include "engines/native/ops/ops.hpp"

namespace ridgeline::native::ops {

at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  const ChargeDepth op = open_op("linear", OpClass::kMatmul, x, weight, [&](Ledger& ledger) {
    ledger.touch(weight);
    ledger.touch(bias);
    const double rows = static_cast<double>(x.numel()) / static_cast<double>(x.size(-1));
    OpCost cost;
    cost.flops = 2.0 * rows * static_cast<double>(weight.numel());
    cost.flops_minimum = cost.flops;
    cost.flops_elementwise = bias.defined() ? rows * static_cast<double>(weight.size(0)) : 0.0;
    cost.weight_bytes = bytes_of(weight) + bytes_of(bias);
    cost.read_bytes = bytes_of(x);
    cost.written_bytes = rows * static_cast<double>(weight.size(0)) * x.element_size();
    return cost;
  });
  if (x.is_meta()) {
    std::vector<std::int64_t> shape = x.sizes().vec();
    shape.back() = weight.size(0);
    return meta_result(shape, x);
  }
  return at::linear(x, weight, bias);
}

}  // namespace ridgeline::native::ops
