// Element types a safetensors file can hold.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace ridgeline::native {

/// In the order of the reference library, whose writer lays files out by it (widest last).
enum class TensorType {
  kBool,
  kU8,
  kI8,
  kF8E5M2,
  kF8E4M3,
  kI16,
  kU16,
  kF16,
  kBF16,
  kI32,
  kU32,
  kF32,
  kF64,
  kI64,
  kU64,
};

/// The spelling in the file: "F32", "BF16", "F8_E4M3", ….
std::string_view tensor_type_name(TensorType type);

/// The type of a spelling; nothing for one this reader does not know.
std::optional<TensorType> tensor_type_from(std::string_view name);

/// Bytes per element.
std::size_t item_size(TensorType type);

}  // namespace ridgeline::native
