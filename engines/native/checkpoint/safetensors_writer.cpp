// Lays out and streams a safetensors file.
#include "engines/native/checkpoint/safetensors_writer.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/descriptor.hpp"
#include "base/json.hpp"
#include "engines/native/checkpoint/safetensors_header.hpp"

namespace ridgeline::native {
namespace {

constexpr std::string_view kMetadataKey = "__metadata__";

/// Text as a JSON string; invalid UTF-8 is an error, where to_line would replace it.
Result<std::string> json_string(std::string_view text, std::string_view path) {
  try {
    return Json(text).dump();
  } catch (const nlohmann::json::exception&) {
    return bad_input(fmt::format("cannot write {}: a name is not valid UTF-8", path));
  }
}

Status check_tensor(const NamedTensor& tensor, std::string_view path) {
  const auto error = [&](std::string_view reason) {
    return bad_input(
        fmt::format("cannot write {}: tensor {}: {}", path, quoted_name(tensor.name), reason));
  };
  if (tensor.name.empty() || tensor.name == kMetadataKey) return error("not a tensor name");
  const std::optional<std::int64_t> size = tensor_bytes(tensor.type, tensor.shape);
  if (!size || tensor.shape.size() > kMaxRank) return error("the shape is not possible");
  if (tensor.bytes.size() != static_cast<std::uint64_t>(*size)) {
    return error(fmt::format("shape [{}] of {} needs {} bytes, not {}",
                             fmt::join(tensor.shape, ","), tensor_type_name(tensor.type), *size,
                             tensor.bytes.size()));
  }
  return {};
}

Result<std::vector<const NamedTensor*>> in_file_order(std::span<const NamedTensor> tensors,
                                                      std::string_view path) {
  std::vector<const NamedTensor*> order;
  order.reserve(tensors.size());
  for (const NamedTensor& tensor : tensors) {
    RIDGELINE_CHECK(check_tensor(tensor, path));
    order.push_back(&tensor);
  }
  const auto by_name = [](const NamedTensor* a, const NamedTensor* b) { return a->name < b->name; };
  std::sort(order.begin(), order.end(), by_name);
  const auto twice = std::adjacent_find(
      order.begin(), order.end(), [](const auto* a, const auto* b) { return a->name == b->name; });
  if (twice != order.end()) {
    return bad_input(fmt::format("cannot write {}: tensor {} is given twice", path,
                                 quoted_name((*twice)->name)));
  }
  std::stable_sort(order.begin(), order.end(),
                   [](const NamedTensor* a, const NamedTensor* b) { return a->type > b->type; });
  return order;
}

Result<std::string> metadata_json(const TensorMetadata& metadata, std::string_view path) {
  std::string text;
  for (const auto& [key, value] : metadata) {
    RIDGELINE_TRY(const std::string key_text, json_string(key, path));
    RIDGELINE_TRY(const std::string value_text, json_string(value, path));
    text += fmt::format("{}{}:{}", text.empty() ? "" : ",", key_text, value_text);
  }
  return fmt::format("\"{}\":{{{}}}", kMetadataKey, text);
}

/// Length and JSON, padded with spaces so that the data starts on an 8-byte border.
Result<std::string> header_bytes(const std::vector<const NamedTensor*>& order,
                                 const TensorMetadata& metadata, std::string_view path) {
  std::string json = "{";
  if (!metadata.empty()) {
    RIDGELINE_TRY(const std::string text, metadata_json(metadata, path));
    json += text;
  }
  std::uint64_t offset = 0;
  for (const NamedTensor* tensor : order) {
    RIDGELINE_TRY(const std::string name, json_string(tensor->name, path));
    const std::uint64_t end = offset + tensor->bytes.size();
    json += fmt::format(R"({}{}:{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})",
                        json.size() > 1 ? "," : "", name, tensor_type_name(tensor->type),
                        fmt::join(tensor->shape, ","), offset, end);
    offset = end;
  }
  json += "}";
  json.append((8 - json.size() % 8) % 8, ' ');
  if (json.size() > kMaxHeaderBytes) {
    return bad_input(
        fmt::format("cannot write {}: the header needs {} bytes, above the limit of {}", path,
                    json.size(), kMaxHeaderBytes));
  }
  std::string header(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) header[i] = static_cast<char>(json.size() >> (8 * i));
  return header + json;
}

/// A file beside `path` that disappears unless it is committed.
class PendingFile {
 public:
  explicit PendingFile(const std::string& path)
      : path_(path), temporary_(fmt::format("{}.tmp{}", path, ::getpid())) {}
  PendingFile(const PendingFile&) = delete;
  PendingFile& operator=(const PendingFile&) = delete;
  ~PendingFile() {
    if (created_) ::unlink(temporary_.c_str());
  }

  Status create() {
    fd_.reset(::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    created_ = fd_.is_open();
    if (!created_) return error();
    return {};
  }

  Status write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const ssize_t put = ::write(fd_.get(), bytes.data(), bytes.size());
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return error();
      bytes = bytes.subspan(static_cast<std::size_t>(put));
    }
    return {};
  }

  Status commit() {
    // Some file systems report a full disk only here.
    if (::close(fd_.release()) != 0) return error();
    if (std::rename(temporary_.c_str(), path_.c_str()) != 0) return error();
    created_ = false;
    return {};
  }

 private:
  Error error() const {
    return bad_input(fmt::format("cannot write {}: {}", path_, std::strerror(errno)));
  }

  std::string path_;
  std::string temporary_;
  Descriptor fd_;
  bool created_ = false;
};

}  // namespace

Status write_safetensors(const std::string& path, std::span<const NamedTensor> tensors,
                         const TensorMetadata& metadata) {
  RIDGELINE_TRY(const std::vector<const NamedTensor*> order, in_file_order(tensors, path));
  RIDGELINE_TRY(const std::string header, header_bytes(order, metadata, path));
  PendingFile file(path);
  RIDGELINE_CHECK(file.create());
  RIDGELINE_CHECK(file.write(std::as_bytes(std::span(header))));
  for (const NamedTensor* tensor : order) RIDGELINE_CHECK(file.write(tensor->bytes));
  return file.commit();
}

}  // namespace ridgeline::native
