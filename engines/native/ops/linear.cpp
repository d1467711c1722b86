// Matrix products.
#include <ATen/core/List.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/linear.h>

#include "engines/native/ops/charge.hpp"
#include "engines/native/ops/cpu/kernels.hpp"
#include "engines/native/ops/ops.hpp"

namespace ridgeline::native::ops {
namespace {

// oneDNN's product has no C++ function in the headers: its operators are reached by name.
using PointwiseArguments = at::Tensor(const at::Tensor&, const at::Tensor&,
                                      const std::optional<at::Tensor>&, std::string_view,
                                      c10::List<std::optional<at::Scalar>>,
                                      std::optional<std::string_view>);
using ReorderArguments = at::Tensor(const at::Tensor&, std::optional<c10::SymInt>);

at::Tensor packed_linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  static const auto product = c10::Dispatcher::singleton()
                                  .findSchemaOrThrow("mkldnn::_linear_pointwise", "")
                                  .typed<PointwiseArguments>();
  static const c10::List<std::optional<at::Scalar>> no_scalars;
  return product.call(x, weight, bias.defined() ? std::optional<at::Tensor>(bias) : std::nullopt,
                      "none", no_scalars, "");
}

}  // namespace

at::Tensor pack_weight(const at::Tensor& weight) {
  static const auto reorder = c10::Dispatcher::singleton()
                                  .findSchemaOrThrow("mkldnn::_reorder_linear_weight", "")
                                  .typed<ReorderArguments>();
  return reorder.call(weight, std::nullopt);
}

Int8Weight quantize_weight(const at::Tensor& weight) {
  cpu::Int8Rows made = cpu::to_int8(weight);
  return {std::move(made.rows), std::move(made.scales)};
}

at::Tensor linear(const at::Tensor& x, const ProductWeight& weight, const at::Tensor& bias) {
  const at::Tensor& any = weight.any();
  const std::int64_t rows = x.numel() / x.size(-1);
  const OpenOp op = open_op("linear", OpClass::kMatmul, x, any, [&](Ledger& ledger) {
    ledger.touch(any);
    ledger.touch(weight.int8.scales);
    ledger.touch(bias);
    const double products = static_cast<double>(rows) * static_cast<double>(any.size(0));
    OpCost cost;
    cost.flops = 2.0 * products * static_cast<double>(any.size(1));
    cost.flops_minimum = cost.flops;
    cost.flops_elementwise = bias.defined() ? products : 0.0;
    cost.weight_bytes = bytes_of(any) + bytes_of(weight.int8.scales) + bytes_of(bias);
    cost.read_bytes = bytes_of(x);
    cost.written_bytes = products * x.element_size();
    return cost;
  });
  if (x.is_meta()) {
    std::vector<std::int64_t> shape = x.sizes().vec();
    shape.back() = any.size(0);
    return meta_result(shape, x);
  }
  if (weight.int8.rows.defined()) {
    const cpu::Int8Rows stored{weight.int8.rows, weight.int8.scales};
    return rows <= kFewRows ? cpu::row_product(x, stored, bias)
                            : cpu::block_product(x, stored, bias);
  }
  if (weight.row_kernel && rows <= kFewRows) return cpu::row_product(x, weight.plain, bias);
  return weight.packed.defined() ? packed_linear(x, weight.packed, bias)
                                 : at::linear(x, weight.plain, bias);
}

bool has_row_product(at::ScalarType dtype, at::Device device) {
  return device.is_cpu() && (dtype == at::kFloat || dtype == at::kBFloat16);
}

}  // namespace ridgeline::native::ops
