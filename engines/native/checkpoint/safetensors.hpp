// Reads safetensors files (github.com/huggingface/safetensors, README "Format"): u64 header length,
// JSON header, data. As strict as the reference reader: no holes, no overlaps, nothing left over.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/mapped_file.hpp"
#include "engines/native/checkpoint/tensor_type.hpp"

namespace ridgeline::native {

/// A tensor where it lies in the file: row-major, little-endian. `bytes` may be unaligned for its
/// type: copy, never cast.
struct TensorView {
  TensorType type = TensorType::kF32;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> bytes;
};

/// By name.
using TensorMap = std::map<std::string, TensorView, std::less<>>;
using TensorMetadata = std::map<std::string, std::string, std::less<>>;

struct SafetensorsContent {
  TensorMap tensors;
  TensorMetadata metadata;  ///< the strings under `__metadata__`
};

/// Bytes of a tensor of this type and shape; nothing where that or the product of the non-zero
/// dimensions does not fit 63 bits, or a dimension is negative.
std::optional<std::int64_t> tensor_bytes(TensorType type, std::span<const std::int64_t> shape);

/// Checks a whole file in memory; the views point into `file`. `what` names it in errors.
Result<SafetensorsContent> parse_safetensors(std::span<const std::byte> file,
                                             std::string_view what);

/// A mapped file and its tensors; views live as long as this object, also when it is moved.
class SafetensorsFile {
 public:
  static Result<SafetensorsFile> open(const std::string& path);

  const TensorMap& tensors() const { return content_.tensors; }
  const TensorMetadata& metadata() const { return content_.metadata; }
  const MappedFile& mapping() const { return mapping_; }

 private:
  SafetensorsFile(MappedFile mapping, SafetensorsContent content)
      : mapping_(std::move(mapping)), content_(std::move(content)) {}

  MappedFile mapping_;
  SafetensorsContent content_;
};

}  // namespace ridgeline::native
