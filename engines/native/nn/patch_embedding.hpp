// From pixels to tokens: patches, a class token in front, learned positions.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

#include "engines/native/ops/conv.hpp"
#include "engines/native/scope/scope.hpp"

namespace ridgeline::native::nn {

/// The images that a model is made for, and how it cuts them. No side of a patch is longer than
/// that of the image.
struct PatchShape {
  std::int64_t channels;
  ops::Plane image;  ///< height and width in pixels
  ops::Plane patch;

  /// Whole patches in an image of this size; pixels beyond them are not looked at.
  ops::Plane grid(ops::Plane size) const { return {size[0] / patch[0], size[1] / patch[1]}; }
  std::int64_t patches() const { return grid(image)[0] * grid(image)[1]; }
};

/// Patches as vectors: a convolution whose stride is its kernel.
struct PatchEmbedding : Module {
  PatchEmbedding(Scope scope, const PatchShape& shape, std::int64_t hidden, bool bias);

  /// pixels [B, C, H, W] → [B, patches, hidden], row by row.
  at::Tensor operator()(const at::Tensor& pixels) const {
    return ops::patch_convolution(pixels, weight_, bias_);
  }

 private:
  at::Tensor weight_;
  at::Tensor bias_;
};

/// The positions [1 + P, hidden] of the class token and a square grid of patches, for another grid:
/// those of the patches by bicubic interpolation → [1 + grid[0]·grid[1], hidden]. As transformers
/// does it, also for a grid of the same size unless the image is square.
at::Tensor resize_positions(const at::Tensor& positions, ops::Plane from, ops::Plane to);

}  // namespace ridgeline::native::nn
