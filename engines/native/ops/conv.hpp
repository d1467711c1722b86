// Ops of models that see or hear: convolutions, token embeddings of images, and comparing vectors.
// The conventions are those of ops.hpp.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <vector>

namespace ridgeline::native::ops {

/// Height and width, in this order.
using Plane = std::array<std::int64_t, 2>;

// --- matmul ---------------------------------------------------------------------------------

/// x [B, C, L], weight [O, C / groups, K], bias [O] or undefined → [B, O, (L + 2·padding - K) /
/// stride + 1]. The groups follow from the shapes. A weight whose memory is laid out as [O, K, C]
/// gives a result laid out as [B, positions, O]. Throws c10::Error where the kernel is wider than
/// the padded input.
at::Tensor conv1d(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                  std::int64_t stride, std::int64_t padding);

/// The same in two dimensions: x [B, C, H, W], weight [O, C / groups, kh, kw].
at::Tensor conv2d(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                  Plane stride, Plane padding);

/// conv2d() whose stride is its kernel, without padding, as a product over the patches:
/// x [B, C, H, W], weight [O, C, kh, kw] → [B, (H / kh) · (W / kw), O], patches row by row. Pixels
/// beyond whole patches are not read.
at::Tensor patch_convolution(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias);

/// a [N, D] · bᵀ [D, M] → [N, M], where both are activations.
at::Tensor similarity(const at::Tensor& a, const at::Tensor& b);

// --- elementwise ----------------------------------------------------------------------------

/// patches [B, P, D], class_token [D], positions [1 + P, D] → [B, 1 + P, D]: the class token in
/// front of the patches, and its position added to each of them.
at::Tensor embed_tokens(const at::Tensor& patches, const at::Tensor& class_token,
                        const at::Tensor& positions);

/// x [B, C, h, w] → [B, C, height, width], bicubic, as ATen does it with align_corners false.
at::Tensor interpolate_bicubic(const at::Tensor& x, std::int64_t height, std::int64_t width);

/// x [..., D] over its Euclidean length; a row of zeros gives NaN, as the definition does.
at::Tensor l2_normalize(const at::Tensor& x);

/// x · exp(logarithm [], a parameter); overwrites `x`, which must not be needed afterwards.
at::Tensor scale_by_exp(at::Tensor x, const at::Tensor& logarithm);

/// Mean over one dimension, which goes away.
at::Tensor mean(const at::Tensor& x, std::int64_t dimension);

// --- movement -------------------------------------------------------------------------------

/// The parts one after the other along a dimension; they agree in all others.
at::Tensor concat(const std::vector<at::Tensor>& parts, std::int64_t dimension);

}  // namespace ridgeline::native::ops
