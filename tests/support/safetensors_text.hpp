// Safetensors files as tests and fuzz targets write them: any header text, any data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace ridgeline::test {

/// Length of the header, header, data.
inline std::string safetensors_bytes(std::string_view header, std::string_view data = {}) {
  std::string file(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) {
    file[i] = static_cast<char>(static_cast<std::uint64_t>(header.size()) >> (8 * i));
  }
  return file.append(header).append(data);
}

inline std::span<const std::byte> as_file(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

}  // namespace ridgeline::test
