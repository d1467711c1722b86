// The generator of synthetic weights: uniform values, each from its own index alone.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string_view>

#include "engines/native/scope/source.hpp"

namespace ridgeline::native {

/// Values are center + half_width · u, with u uniform in (-1, 1) on a grid of 2^24 points.
struct Uniform {
  std::uint64_t key;  ///< of one tensor
  float center;
  float half_width;
};

/// The values of a stored tensor: keyed by its name and the seed, scaled by its fan-in.
Uniform uniform_for(std::string_view stored, const Shape& shape, Init init, std::uint64_t seed);

/// Whether fill_uniform() writes this dtype: float32, bfloat16 or float16.
bool is_fillable(at::ScalarType dtype);

/// Fills a contiguous CPU tensor: in float32, rounded to the tensor's dtype as ATen's cast rounds.
/// On as many threads as torch has; the values do not depend on them.
void fill_uniform(const at::Tensor& tensor, const Uniform& uniform);

}  // namespace ridgeline::native
