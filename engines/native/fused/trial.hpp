// A fused decoding step beside the plain one: does it compute the same, and is it faster?
#pragma once

#include "engines/native/device/backend.hpp"
#include "engines/native/models/decoding.hpp"
#include "engines/native/models/model.hpp"

namespace ridgeline::native::fused {

/// How far the logits of a fused step may be from the plain one's, relative to the largest of them:
/// float32 1e-4; bfloat16 and float16 4 · eps · sqrt(layers), with eps 2^-8 and 2^-11. Both ways
/// round at different places, each rounding moves the residual stream by up to eps, and those of
/// the layers add up like a random walk. (Seen on an H200: 1.0 to 1.2 · eps · sqrt(layers) between
/// plain bfloat16 and float64, a quarter of that for the fused kernels.)
double step_bound(at::ScalarType dtype, std::int64_t layers);

/// Fills both caches with the prompt, compares one step, and times a few, in turns: recorded as
/// graphs where the device can, else call by call. Both decodings are of the same model and prompt.
/// The bound is the caller's. A step that throws is an error.
Result<Model::FusedTrial> compare_steps(Decoding& plain, Decoding& fused, DeviceBackend& backend);

}  // namespace ridgeline::native::fused
