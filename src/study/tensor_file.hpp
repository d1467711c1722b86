// Reads tensors of whole numbers and of float32 out of a safetensors file that an engine wrote:
// what comparing tokens needs, no more. Engines have a reader of their own.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/mapped_file.hpp"

namespace ridgeline::study {

class TensorFile {
 public:
  struct Tensor {
    std::string dtype;  ///< "I64", "F32", …
    std::vector<std::int64_t> shape;
    std::size_t offset = 0;  ///< of its first byte in the file
    std::size_t bytes = 0;
  };

  /// Maps and checks the header: every tensor lies within the file, and one of I64 or F32 has as
  /// many bytes as its shape says. Errors name the file.
  static Result<TensorFile> open(const std::string& path);

  /// The tensor of that name, or nullptr.
  const Tensor* find(std::string_view name) const;

  /// Element `index` (row-major) of a tensor of this file with dtype I64 or F32. The index must be
  /// within its shape.
  std::int64_t integer(const Tensor& tensor, std::size_t index) const;
  float number(const Tensor& tensor, std::size_t index) const;

 private:
  MappedFile file_;
  std::map<std::string, Tensor, std::less<>> tensors_;
};

}  // namespace ridgeline::study
