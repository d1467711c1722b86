// Files with one JSON object a line: whole appends, bounded reading, repair of a cut end.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/json.hpp"

namespace ridgeline::results {

/// Longest line that is read.
inline constexpr std::size_t kMaxLineBytes = 64u << 20;

/// Calls `use` with each object; an empty line is skipped. `where` is "path:line". A line that is
/// no JSON object, and an error from `use`, end the reading. The text after the last newline was
/// cut off in mid-write: it is skipped when `skip_cut_last_line`, else an error.
Status for_each_json_line(
    const std::string& path, bool skip_cut_last_line,
    const std::function<Status(const Json& object, const std::string& where)>& use);

/// Appends a line in one write and waits until it is on the disk. When it does not fit, what was
/// written of it is taken back. `fd` must be open with O_APPEND; `path` names it in errors.
Status append_json_line(int fd, const std::string& path, const Json& object);

/// Truncates a file to its last newline.
Status drop_cut_last_line(int fd, const std::string& path);

}  // namespace ridgeline::results
