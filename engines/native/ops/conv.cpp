// Convolutions, and the other ops of models that see or hear.
#include "engines/native/ops/conv.hpp"

#include <ATen/ops/add.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/convolution.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/upsample_bicubic2d.h>

#include <span>

#include "engines/native/ops/charge.hpp"

namespace ridgeline::native::ops {
namespace {

double product(at::IntArrayRef sizes) {
  double count = 1;
  for (const std::int64_t size : sizes) count *= static_cast<double>(size);
  return count;
}

OpCost convolution_cost(Ledger& ledger, const at::Tensor& x, const at::Tensor& weight,
                        const at::Tensor& bias, at::IntArrayRef result) {
  ledger.touch(weight);
  ledger.touch(bias);
  const double written = product(result);
  OpCost cost;
  // Each element of the result is a sum over one filter: weight [O, ...] has O of them.
  cost.flops = 2.0 * written * static_cast<double>(weight.numel() / weight.size(0));
  cost.flops_minimum = cost.flops;
  cost.flops_elementwise = bias.defined() ? written : 0.0;
  cost.weight_bytes = bytes_of(weight) + bytes_of(bias);
  cost.read_bytes = bytes_of(x);
  cost.written_bytes = written * x.element_size();
  return cost;
}

// Whether a weight [O, C, K] is laid out as [O, K, C].
bool has_channels_last(const at::Tensor& weight) {
  return weight.dim() == 3 && weight.size(1) > 1 && weight.stride(1) == 1 &&
         weight.stride(2) == weight.size(1);
}

at::Tensor convolve(std::string_view name, const at::Tensor& x, const at::Tensor& weight,
                    const at::Tensor& bias, std::span<const std::int64_t> stride,
                    std::span<const std::int64_t> padding) {
  std::vector<std::int64_t> result = {x.size(0), weight.size(0)};
  for (std::size_t i = 0; i < stride.size(); ++i) {
    const auto dimension = static_cast<std::int64_t>(i) + 2;
    const std::int64_t room = x.size(dimension) + 2 * padding[i] - weight.size(dimension);
    TORCH_CHECK(room >= 0, name, ": the kernel is wider than its input");
    result.push_back(room / stride[i] + 1);
  }
  const OpenOp op = open_op(name, OpClass::kMatmul, x, weight, [&](Ledger& ledger) {
    return convolution_cost(ledger, x, weight, bias, result);
  });
  if (x.is_meta()) return meta_result(result, x);
  static constexpr std::int64_t kOnes[] = {1, 1};
  static constexpr std::int64_t kZeros[] = {0, 0};
  const auto optional_bias = bias.defined() ? std::optional<at::Tensor>(bias) : std::nullopt;
  const std::int64_t groups = x.size(1) / weight.size(1);
  if (has_channels_last(weight)) {
    // ATen has layouts of images only: a picture of one row.
    return at::convolution(x.unsqueeze(2), weight.unsqueeze(2), optional_bias, {1, stride[0]},
                           {0, padding[0]}, kOnes, /*transposed=*/false, kZeros, groups)
        .squeeze(2);
  }
  return at::convolution(x, weight, optional_bias, at::IntArrayRef(stride.data(), stride.size()),
                         at::IntArrayRef(padding.data(), padding.size()),
                         at::IntArrayRef(kOnes, stride.size()), /*transposed=*/false,
                         at::IntArrayRef(kZeros, stride.size()), groups);
}

// An op that reads `x` and writes as much, with `per_element` operations on each element.
OpCost pointwise_cost(const at::Tensor& x, double per_element) {
  OpCost cost;
  cost.flops_elementwise = per_element * static_cast<double>(x.numel());
  cost.read_bytes = bytes_of(x);
  cost.written_bytes = bytes_of(x);
  return cost;
}

}  // namespace

at::Tensor conv1d(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                  std::int64_t stride, std::int64_t padding) {
  return convolve("conv1d", x, weight, bias, {&stride, 1}, {&padding, 1});
}

at::Tensor conv2d(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                  Plane stride, Plane padding) {
  return convolve("conv2d", x, weight, bias, stride, padding);
}

at::Tensor patch_convolution(const at::Tensor& x, const at::Tensor& weight,
                             const at::Tensor& bias) {
  const std::int64_t height = weight.size(2), width = weight.size(3);
  const std::int64_t rows = x.size(2) / height, columns = x.size(3) / width;
  const std::array<std::int64_t, 3> shape = {x.size(0), rows * columns, weight.size(0)};
  const OpenOp op = open_op("patch_convolution", OpClass::kMatmul, x, weight, [&](Ledger& ledger) {
    OpCost cost = convolution_cost(ledger, x, weight, bias, shape);
    // The patches are copied side by side first.
    const double pixels = product(shape) / static_cast<double>(weight.size(0)) *
                          static_cast<double>(weight.numel() / weight.size(0));
    cost.written_bytes += pixels * x.element_size();
    cost.read_bytes = 2.0 * pixels * x.element_size();
    return cost;
  });
  if (x.is_meta()) return meta_result(shape, x);
  const at::Tensor patches =
      x.narrow(2, 0, rows * height)
          .narrow(3, 0, columns * width)
          .unflatten(3, {columns, width})
          .unflatten(2, {rows, height})
          .permute({0, 2, 4, 1, 3, 5})
          .reshape({x.size(0), rows * columns, weight.numel() / weight.size(0)});
  return at::linear(patches, weight.flatten(1), bias);
}

at::Tensor similarity(const at::Tensor& a, const at::Tensor& b) {
  const OpenOp op = open_op("similarity", OpClass::kMatmul, a, at::Tensor(), [&](Ledger&) {
    const double pairs = static_cast<double>(a.size(0)) * static_cast<double>(b.size(0));
    OpCost cost;
    cost.flops = 2.0 * pairs * static_cast<double>(a.size(1));
    cost.flops_minimum = cost.flops;
    cost.read_bytes = bytes_of(a) + bytes_of(b);
    cost.written_bytes = pairs * a.element_size();
    return cost;
  });
  if (a.is_meta()) return meta_result({a.size(0), b.size(0)}, a);
  return at::matmul(a, b.t());
}

at::Tensor embed_tokens(const at::Tensor& patches, const at::Tensor& class_token,
                        const at::Tensor& positions) {
  const std::array<std::int64_t, 3> shape = {patches.size(0), patches.size(1) + 1, patches.size(2)};
  const OpenOp op =
      open_op("embed_tokens", OpClass::kElementwise, patches, class_token, [&](Ledger& ledger) {
        ledger.touch(class_token);
        ledger.touch(positions);
        OpCost cost;
        cost.flops_elementwise = product(shape);
        cost.weight_bytes = bytes_of(class_token) + bytes_of(positions);
        cost.read_bytes = bytes_of(patches);
        cost.written_bytes = product(shape) * patches.element_size();
        return cost;
      });
  at::Tensor tokens = meta_result(shape, patches);
  if (patches.is_meta()) return tokens;
  at::Tensor first = tokens.select(1, 0);
  at::add_out(first, class_token.expand({shape[0], shape[2]}), positions.select(0, 0));
  at::Tensor rest = tokens.narrow(1, 1, patches.size(1));
  at::add_out(rest, patches, positions.narrow(0, 1, patches.size(1)));
  return tokens;
}

at::Tensor interpolate_bicubic(const at::Tensor& x, std::int64_t height, std::int64_t width) {
  const std::array<std::int64_t, 4> shape = {x.size(0), x.size(1), height, width};
  const OpenOp op = open_op("interpolate", OpClass::kElementwise, x, at::Tensor(), [&](Ledger&) {
    OpCost cost;
    // A sum of 4 x 4 products.
    cost.flops_elementwise = 32.0 * product(shape);
    cost.read_bytes = bytes_of(x);
    cost.written_bytes = product(shape) * x.element_size();
    return cost;
  });
  if (x.is_meta()) return meta_result(shape, x);
  return at::upsample_bicubic2d(x, {height, width}, /*align_corners=*/false);
}

at::Tensor l2_normalize(const at::Tensor& x) {
  // Square, sum and division.
  const OpenOp op = open_op("l2_normalize", OpClass::kNorm, x, at::Tensor(),
                            [&](Ledger&) { return pointwise_cost(x, 3.0); });
  if (x.is_meta()) return meta_result(x.sizes(), x);
  return x / at::linalg_vector_norm(x, 2, {{-1}}, /*keepdim=*/true);
}

at::Tensor scale_by_exp(at::Tensor x, const at::Tensor& logarithm) {
  const OpenOp op = open_op("scale", OpClass::kElementwise, x, logarithm, [&](Ledger& ledger) {
    ledger.touch(logarithm);
    OpCost cost = pointwise_cost(x, 1.0);
    cost.weight_bytes = bytes_of(logarithm);
    return cost;
  });
  return x.is_meta() ? x : x.mul_(logarithm.exp());
}

at::Tensor mean(const at::Tensor& x, std::int64_t dimension) {
  const OpenOp op = open_op("mean", OpClass::kElementwise, x, at::Tensor(), [&](Ledger&) {
    OpCost cost = pointwise_cost(x, 1.0);
    cost.written_bytes /= static_cast<double>(x.size(dimension));
    return cost;
  });
  if (x.is_meta()) {
    std::vector<std::int64_t> shape = x.sizes().vec();
    shape.erase(shape.begin() + (dimension < 0 ? dimension + x.dim() : dimension));
    return meta_result(shape, x);
  }
  return at::mean(x, dimension);
}

at::Tensor concat(const std::vector<at::Tensor>& parts, std::int64_t dimension) {
  const at::Tensor& first = parts.front();
  const OpenOp op = open_op("concat", OpClass::kMovement, first, at::Tensor(), [&](Ledger&) {
    OpCost cost;
    for (const at::Tensor& part : parts) cost.read_bytes += bytes_of(part);
    cost.written_bytes = cost.read_bytes;
    return cost;
  });
  if (!first.is_meta()) return at::cat(parts, dimension);
  std::vector<std::int64_t> shape = first.sizes().vec();
  std::int64_t& joined =
      shape[static_cast<std::size_t>(dimension < 0 ? dimension + first.dim() : dimension)];
  joined = 0;
  for (const at::Tensor& part : parts) joined += part.size(dimension);
  return meta_result(shape, first);
}

}  // namespace ridgeline::native::ops
