// Writes safetensors files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "engines/native/checkpoint/safetensors.hpp"

namespace ridgeline::native {

/// What to write; `bytes` is borrowed, row-major, little-endian.
struct NamedTensor {
  std::string name;
  TensorType type = TensorType::kF32;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> bytes;
};

/// Writes all tensors to `path`, whole or not at all (beside it, then renamed). The file is laid
/// out as the reference writer does: wide types first, then by name, data on an 8-byte border; so
/// equal content gives equal bytes. Spans are streamed, nothing is copied. Names must be valid
/// UTF-8, not empty, different, and not `__metadata__`; bytes must fit type and shape.
Status write_safetensors(const std::string& path, std::span<const NamedTensor> tensors,
                         const TensorMetadata& metadata = {});

}  // namespace ridgeline::native
