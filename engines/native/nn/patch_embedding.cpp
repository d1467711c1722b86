// Patches of images, and positions for images of other sizes.
#include "engines/native/nn/patch_embedding.hpp"

#include "engines/native/ops/ops.hpp"

namespace ridgeline::native::nn {

PatchEmbedding::PatchEmbedding(Scope scope, const PatchShape& shape, std::int64_t hidden,
                               bool bias) {
  scope.parameter(weight_, "weight", {hidden, shape.channels, shape.patch[0], shape.patch[1]},
                  Init::kWeight);
  if (bias) scope.parameter(bias_, "bias", {hidden}, Init::kBias);
}

at::Tensor resize_positions(const at::Tensor& positions, ops::Plane from, ops::Plane to) {
  const std::int64_t hidden = positions.size(1);
  const at::Tensor patches = positions.narrow(0, 1, from[0] * from[1]);
  const at::Tensor image = patches.view({1, from[0], from[1], hidden}).permute({0, 3, 1, 2});
  const at::Tensor resized = ops::interpolate_bicubic(image, to[0], to[1]);
  return ops::concat({positions.narrow(0, 0, 1), resized.flatten(2).squeeze(0).t()}, 0);
}

}  // namespace ridgeline::native::nn
