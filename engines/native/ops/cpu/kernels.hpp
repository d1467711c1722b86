// CPU kernels of our own, where ATen leaves most of the memory bandwidth unused: products of one or
// a few rows with a large weight, and norms of a few rows. They use the threads of ATen.
#pragma once

#include <ATen/core/Tensor.h>

namespace ridgeline::native::ops::cpu {

/// x [..., in] · weightᵀ + bias → [..., out] for a few rows, float32 or bfloat16 (sums in float32).
/// Streams each row of `weight` [out, in] once. All of one dtype; bias may be undefined.
at::Tensor row_product(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias);

/// rms_norm() of contiguous float32.
at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps);

}  // namespace ridgeline::native::ops::cpu
