// The JSON header of a safetensors file as it stands there, before it is checked against the data.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace ridgeline::native {

/// Limits of hostile files: the reference reader's largest header, and more dimensions than torch
/// kernels take.
inline constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;
inline constexpr std::size_t kMaxRank = 64;

/// One entry of the header. `dtype` is as spelled; offsets count from the end of the header.
struct HeaderEntry {
  std::string dtype;
  std::vector<std::uint64_t> shape;
  std::array<std::uint64_t, 2> offsets{};
};

struct SafetensorsHeader {
  std::map<std::string, HeaderEntry, std::less<>> entries;
  std::map<std::string, std::string, std::less<>> metadata;
};

/// Parses the JSON text (padding spaces at its end are fine) without building a tree. Refuses names
/// or fields that appear twice, missing fields, and numbers that are not whole and non-negative.
/// Unknown fields of an entry are skipped. `what` names the file in errors.
Result<SafetensorsHeader> parse_safetensors_header(std::string_view text, std::string_view what);

/// A tensor name for messages: in quotes, cut after 100 bytes.
std::string quoted_name(std::string_view name);

}  // namespace ridgeline::native
