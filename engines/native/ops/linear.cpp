// Matrix products.
#include <ATen/core/List.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/linear.h>

#include "engines/native/ops/charge.hpp"
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
  return weight.is_mkldnn() ? packed_linear(x, weight, bias) : at::linear(x, weight, bias);
}

}  // namespace ridgeline::native::ops
