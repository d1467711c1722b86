// Inputs and config fields that every model over images of one size reads in the same way.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "engines/native/models/model.hpp"
#include "engines/native/nn/patch_embedding.hpp"

namespace ridgeline::native {

/// Pixels of a side that configs and workloads may ask for: beyond what any model is made for, and
/// small enough that no product of a parameter's dimensions overflows.
inline constexpr std::int64_t kLongestSide = 1 << 14;
/// Channels of an image: hyperspectral ones have some hundreds.
inline constexpr std::int64_t kMostChannels = 1 << 10;

/// `image_size`, `patch_size` (each an integer, or [height, width]) and `num_channels`, with
/// transformers' defaults but for the patch.
Result<nn::PatchShape> read_patch_shape(const Json& config, std::int64_t default_patch);

/// How the images of one call are seen: the workload's own bind.
struct Images {
  at::Tensor pixels;     ///< [B, C, H, W]
  ops::Plane grid;       ///< patches of a column and of a row
  at::Tensor positions;  ///< [1 + patches, hidden]: the model's own, or resized for these images
};

/// pixel_values, and interpolate_pos_encoding for images of another size.
Result<std::vector<InputSpec>> image_specs(const Workload& workload, const nn::PatchShape& shape);

/// The workload that these pixel_values make up; an error when they are missing or empty. Sizes
/// are not part of it: image_specs() then takes any, and bind_images() looks at them.
Result<Workload> image_workload(const NamedTensors& inputs);

/// `positions` [1 + patches, hidden] are the model's own. Images of another size than the model's
/// are an error unless interpolate_pos_encoding is set.
Result<Images> bind_images(const NamedTensors& inputs, const nn::PatchShape& shape,
                           const at::Tensor& positions);

/// Tokens of the images among `inputs`, with that of the class.
std::int64_t image_tokens(const NamedTensors& inputs, const nn::PatchShape& shape);

}  // namespace ridgeline::native
