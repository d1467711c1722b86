// Small file helpers: bounded reads, whole-or-nothing writes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace ridgeline {

/// The text of a regular file; a missing file, a folder or one above `max_bytes` is an error.
/// Files whose size reads as 0 (/proc, /sys) are read to their end.
Result<std::string> read_text_file(const std::string& path, std::uint64_t max_bytes = 64ull << 20);

/// Writes beside `path` and renames, so that no reader sees half a file.
Status write_text_file(const std::string& path, std::string_view text);

}  // namespace ridgeline
