// Normalisation.
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/rms_norm.h>

#include "engines/native/ops/charge.hpp"
#include "engines/native/ops/cpu/kernels.hpp"
#include "engines/native/ops/ops.hpp"

namespace ridgeline::native::ops {

at::Tensor layer_norm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                      double eps) {
  const OpenOp op = open_op("layer_norm", OpClass::kNorm, x, weight, [&](Ledger& ledger) {
    ledger.touch(weight);
    ledger.touch(bias);
    OpCost cost;
    // Sum, deviation, square, sum, scale, and the affine multiply and add.
    cost.flops_elementwise = 7.0 * static_cast<double>(x.numel());
    cost.weight_bytes = bytes_of(weight) + bytes_of(bias);
    cost.read_bytes = bytes_of(x);
    cost.written_bytes = bytes_of(x);
    return cost;
  });
  if (x.is_meta()) return meta_result(x.sizes(), x);
  return at::layer_norm(x, {x.size(-1)}, weight, bias, eps);
}

at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps) {
  const OpenOp op = open_op("rms_norm", OpClass::kNorm, x, weight, [&](Ledger& ledger) {
    ledger.touch(weight);
    OpCost cost;
    // Square, sum, scale, and the product with the weight.
    cost.flops_elementwise = 4.0 * static_cast<double>(x.numel());
    cost.weight_bytes = bytes_of(weight);
    cost.read_bytes = bytes_of(x);
    cost.written_bytes = bytes_of(x);
    return cost;
  });
  if (x.is_meta()) return meta_result(x.sizes(), x);
  if (cpu::is_served(x) && x.is_contiguous() && weight.scalar_type() == x.scalar_type()) {
    return cpu::rms_norm(x, weight, eps);
  }
  return at::rms_norm(x, {x.size(-1)}, weight, eps);
}

}  // namespace ridgeline::native::ops
