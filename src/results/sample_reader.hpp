// Reads the raw samples of a run back, for reports.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace ridgeline::results {

/// `relative` below `folder`. A record is data: a path that is absolute or climbs with ".." is an
/// error.
Result<std::string> path_in_folder(const std::string& folder, const std::string& relative);

/// Seconds of the calls in rows [first_row, end_row) of a sample file, in their order; rows of
/// tokens are no calls. A file that is missing, cut short, of another version, or without these
/// rows is an error that says so; nothing in the file is believed before it fits the file's size.
Result<std::vector<double>> read_call_seconds(const std::string& path, std::int64_t first_row,
                                              std::int64_t end_row);

/// Most rows that are read from one file.
inline constexpr std::int64_t kMostRowsRead = 4 << 20;

}  // namespace ridgeline::results
