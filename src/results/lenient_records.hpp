// Reads the records of damaged or foreign files: what can be used, and what was wrong with the
// rest.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"

namespace ridgeline::results {

struct LenientRecords {
  std::vector<Json> records;          ///< a case that was measured again: the last line holds
  std::vector<std::string> problems;  ///< "path:line: what was wrong", at most kMostProblems
  std::size_t skipped = 0;            ///< lines that could not be used
};

inline constexpr std::size_t kMostProblems = 20;

/// The records of a run folder or of one .jsonl file. A line that is no record of this schema is
/// skipped and named; so is a last line that was cut off. A file that cannot be read is an error.
Result<LenientRecords> read_records_leniently(const std::string& path);

}  // namespace ridgeline::results
