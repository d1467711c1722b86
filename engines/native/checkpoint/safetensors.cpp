// Checks a safetensors header against the data that follows it.
#include "engines/native/checkpoint/safetensors.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "engines/native/checkpoint/safetensors_header.hpp"

namespace ridgeline::native {
namespace {

constexpr std::size_t kLengthBytes = 8;
constexpr const char* kCutShort = "the file may be cut short: copy or download it again";

using Entry = std::pair<const std::string, HeaderEntry>;

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The header text; its length is in the first 8 bytes, little-endian.
Result<std::string_view> header_text(std::span<const std::byte> file, std::string_view what) {
  if (as_text(file).starts_with("version https://git-lfs")) {
    return bad_input(fmt::format("{} is a git-lfs pointer, not the data", what),
                     "fetch the data with `git lfs pull`");
  }
  if (file.size() < kLengthBytes) {
    return bad_input(
        fmt::format("{}: {} bytes are too few for a safetensors file", what, file.size()),
        kCutShort);
  }
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < kLengthBytes; ++i) {
    length |= std::to_integer<std::uint64_t>(file[i]) << (8 * i);
  }
  if (length > kMaxHeaderBytes) {
    return bad_input(fmt::format("{}: a header of {} bytes is above the limit of {}", what, length,
                                 kMaxHeaderBytes),
                     "is it a safetensors file?");
  }
  if (length > file.size() - kLengthBytes) {
    return bad_input(fmt::format("{}: the header should have {} bytes, the file has {}", what,
                                 length, file.size() - kLengthBytes),
                     kCutShort);
  }
  return as_text(file).substr(kLengthBytes, length);
}

/// The view of one entry: type, shape and offsets agree, and lie inside the data.
Result<TensorView> view_of(const Entry& entry, std::span<const std::byte> data,
                           std::string_view what) {
  const auto& [name, info] = entry;
  const auto error = [&](std::string_view reason, std::string_view remedy = {}) {
    return bad_input(fmt::format("{}: tensor {}: {}", what, quoted_name(name), reason),
                     std::string(remedy));
  };
  const std::optional<TensorType> type = tensor_type_from(info.dtype);
  if (!type) {
    return unsupported(fmt::format("{}: tensor {}: dtype {} is not known", what, quoted_name(name),
                                   quoted_name(info.dtype)));
  }
  TensorView view;
  view.type = *type;
  for (const std::uint64_t dimension : info.shape) {
    if (dimension > INT64_MAX) return error("a dimension does not fit 63 bits");
    view.shape.push_back(static_cast<std::int64_t>(dimension));
  }
  const std::optional<std::int64_t> size = tensor_bytes(view.type, view.shape);
  if (!size) return error("the shape overflows 63 bits");
  const auto [begin, end] = info.offsets;
  if (end < begin) return error("data_offsets end before they begin");
  if (end > data.size()) {
    return error(fmt::format("its data ends at byte {}, the file's at {}", end, data.size()),
                 kCutShort);
  }
  if (end - begin != static_cast<std::uint64_t>(*size)) {
    return error(fmt::format("shape [{}] of {} needs {} bytes, data_offsets span {}",
                             fmt::join(view.shape, ","), info.dtype, *size, end - begin));
  }
  view.bytes = data.subspan(begin, end - begin);
  return view;
}

/// Tensors must tile the data: the reference reader refuses holes, overlaps and a rest.
Status check_tiling(const SafetensorsHeader& header, std::size_t data_size, std::string_view what) {
  std::vector<const Entry*> order;
  order.reserve(header.entries.size());
  for (const Entry& entry : header.entries) order.push_back(&entry);
  std::sort(order.begin(), order.end(),
            [](const Entry* a, const Entry* b) { return a->second.offsets < b->second.offsets; });
  std::uint64_t expected = 0;
  for (const Entry* entry : order) {
    const auto [begin, end] = entry->second.offsets;
    if (begin != expected) {
      return bad_input(
          fmt::format("{}: tensor {} {}", what, quoted_name(entry->first),
                      begin < expected ? "overlaps the one before it" : "leaves a hole before it"));
    }
    expected = end;
  }
  if (expected != data_size) {
    return bad_input(fmt::format("{}: {} bytes after the last tensor belong to none", what,
                                 data_size - expected));
  }
  return {};
}

}  // namespace

std::optional<std::int64_t> tensor_bytes(TensorType type, std::span<const std::int64_t> shape) {
  bool empty = false;
  auto bytes = static_cast<std::int64_t>(item_size(type));
  for (const std::int64_t dimension : shape) {
    if (dimension < 0) return std::nullopt;
    if (dimension == 0) {
      empty = true;
    } else if (__builtin_mul_overflow(bytes, dimension, &bytes)) {
      return std::nullopt;
    }
  }
  return empty ? 0 : bytes;
}

Result<SafetensorsContent> parse_safetensors(std::span<const std::byte> file,
                                             std::string_view what) {
  RIDGELINE_TRY(const std::string_view text, header_text(file, what));
  RIDGELINE_TRY(SafetensorsHeader header, parse_safetensors_header(text, what));
  const std::span<const std::byte> data = file.subspan(kLengthBytes + text.size());
  SafetensorsContent content;
  for (const Entry& entry : header.entries) {
    RIDGELINE_TRY(TensorView view, view_of(entry, data, what));
    content.tensors.emplace_hint(content.tensors.end(), entry.first, std::move(view));
  }
  RIDGELINE_CHECK(check_tiling(header, data.size(), what));
  content.metadata = std::move(header.metadata);
  return content;
}

Result<SafetensorsFile> SafetensorsFile::open(const std::string& path) {
  RIDGELINE_TRY(MappedFile mapping, MappedFile::open(path));
  RIDGELINE_TRY(SafetensorsContent content, parse_safetensors(mapping.bytes(), path));
  return SafetensorsFile(std::move(mapping), std::move(content));
}

}  // namespace ridgeline::native
