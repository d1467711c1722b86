// The CUDA source of a decoding step, for one shape of model.
#pragma once

#include <c10/core/ScalarType.h>

#include <array>
#include <string>

#include "engines/native/fused/decode_step.hpp"

namespace ridgeline::native::fused {

/// How a product is spread out: see Product of the source.
struct ProductTuning {
  int warps;         ///< of a block, at most
  int in_flight;     ///< vectors of 16 bytes that a lane has under way, at most
  int resident;      ///< blocks that a multiprocessor must have registers for
  int blocks_of_sm;  ///< blocks of the grid a multiprocessor
};

/// The fastest of those that were tried for Llama 3 8B in bfloat16 on an H200
/// (docs/performance.md).
struct DecodeTuning {
  ProductTuning heads = {16, 8, 2, 2};
  ProductTuning output = {16, 8, 2, 2};
  ProductTuning gate = {16, 8, 2, 2};
  ProductTuning down = {8, 14, 2, 2};
  ProductTuning logits = {16, 8, 2, 2};
  int attention_burst = 2;     ///< tokens that a worker of the attention has under way
  int attention_resident = 2;  ///< its blocks that a multiprocessor must have registers for
};

/// How a block of `warps` covers the columns of a product.
struct ProductShape {
  int team_warps = 1;  ///< that share a row
  int teams = 1;       ///< that share the rows of a block
  int vectors = 1;     ///< 16-byte vectors of a row that a lane has
};
ProductShape product_shape(std::int64_t columns, at::ScalarType dtype, int warps);

/// CUDA C++ (C++17) for NVRTC, without includes. Kernels: embed, project_heads, attend,
/// project_output, project_gate, project_down, project_logits; their comments say what they take.
std::string decode_source(const DecodeShape& shape, const DecodeTuning& tuning);

/// Parts of it.
extern const char* const kCommonSource;
extern const char* const kProductSource;
extern const char* const kAttentionSource;

}  // namespace ridgeline::native::fused
