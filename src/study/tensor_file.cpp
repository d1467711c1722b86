// The header of a safetensors file, checked before anything is read by it.
#include "study/tensor_file.hpp"

#include <fmt/format.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "base/json_values.hpp"

namespace ridgeline::study {
namespace {

constexpr std::size_t kLengthBytes = 8;
constexpr std::uint64_t kLongestHeader = 16u << 20;

// Bytes of the types that are read here; 0: another one.
std::size_t size_of(std::string_view dtype) {
  if (dtype == "I64") return sizeof(std::int64_t);
  if (dtype == "F32") return sizeof(float);
  return 0;
}

// Elements of a shape, unless it is none or its product is more than `limit`.
std::optional<std::size_t> elements_of(const Json& shape, std::size_t limit,
                                       std::vector<std::int64_t>& sizes) {
  if (!shape.is_array()) return std::nullopt;
  std::size_t product = 1;
  for (const Json& size : shape) {
    if (!size.is_number_integer() || size.get<std::int64_t>() < 0) return std::nullopt;
    const auto count = size.get<std::uint64_t>();
    if (count != 0 && product > limit / count) return std::nullopt;
    product *= count;
    sizes.push_back(size.get<std::int64_t>());
  }
  return product;
}

Result<TensorFile::Tensor> tensor_from(const Json& entry, std::size_t begin, std::size_t size,
                                       const std::string& what) {
  TensorFile::Tensor tensor;
  RIDGELINE_TRY(tensor.dtype, get_string(entry, "dtype", what));
  const Json& offsets = entry_of(entry, "data_offsets");
  const bool pair = offsets.is_array() && offsets.size() == 2 && offsets[0].is_number_unsigned() &&
                    offsets[1].is_number_unsigned();
  if (!pair) return bad_input(fmt::format("{}: no data_offsets", what));
  const auto from = offsets[0].get<std::uint64_t>();
  const auto to = offsets[1].get<std::uint64_t>();
  if (from > to || to > size - begin) return bad_input(fmt::format("{}: outside the file", what));
  tensor.offset = begin + from;
  tensor.bytes = to - from;
  const auto elements = elements_of(entry_of(entry, "shape"), size, tensor.shape);
  const std::size_t each = size_of(tensor.dtype);
  if (!elements || (each != 0 && *elements * each != tensor.bytes)) {
    return bad_input(fmt::format("{}: its shape does not fit its bytes", what));
  }
  return tensor;
}

}  // namespace

Result<TensorFile> TensorFile::open(const std::string& path) {
  TensorFile opened;
  RIDGELINE_TRY(opened.file_, MappedFile::open(path));
  const auto bytes = opened.file_.bytes();
  std::uint64_t length = 0;
  if (bytes.size() >= kLengthBytes) std::memcpy(&length, bytes.data(), kLengthBytes);
  if (bytes.size() < kLengthBytes || length > kLongestHeader ||
      length > bytes.size() - kLengthBytes) {
    return bad_input(fmt::format("{} is no safetensors file", path));
  }
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + kLengthBytes, length);
  RIDGELINE_TRY(const Json header, parse_json(text, path));
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") continue;
    RIDGELINE_TRY(auto tensor, tensor_from(entry, kLengthBytes + length, bytes.size(),
                                           fmt::format("{}: {}", path, name)));
    opened.tensors_.emplace(name, std::move(tensor));
  }
  return opened;
}

const TensorFile::Tensor* TensorFile::find(std::string_view name) const {
  const auto found = tensors_.find(name);
  return found == tensors_.end() ? nullptr : &found->second;
}

std::int64_t TensorFile::integer(const Tensor& tensor, std::size_t index) const {
  std::int64_t value = 0;
  std::memcpy(&value, file_.bytes().data() + tensor.offset + index * sizeof(value), sizeof(value));
  return value;
}

float TensorFile::number(const Tensor& tensor, std::size_t index) const {
  float value = 0;
  std::memcpy(&value, file_.bytes().data() + tensor.offset + index * sizeof(value), sizeof(value));
  return value;
}

}  // namespace ridgeline::study
