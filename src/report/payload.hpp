// The data of a report: one JSON object, schema "ridgeline-report/1", behind every format.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"

namespace ridgeline::report {

inline constexpr std::string_view kReportSchema = "ridgeline-report/1";

/// One RUN of the command line.
struct ReportRun {
  std::string folder;                ///< what paths in its records are relative to
  std::string command;               ///< as typed; empty: unknown
  std::vector<Json> records;         ///< one for each case
  std::vector<std::string> engines;  ///< in the order they are shown; one: nothing is compared
  std::string baseline;              ///< of engines side by side; empty: none
};

struct PayloadOptions {
  std::string title = {};    ///< empty: made from models and device
  std::string command = {};  ///< that makes this report
  std::string version = {};  ///< of Ridgeline
  std::string created = {};  ///< UTC
  bool samples = true;       ///< read sample files and timelines
};

/// {"schema","title","created","command","ridgeline","machine","machines","runs","cases",
/// "comparisons","notes","glossary"}; docs/report-formats.md has every member. Records may be
/// damaged. Files that are missing are reasons within the payload.
Json make_payload(const std::vector<ReportRun>& runs, const PayloadOptions& options);

}  // namespace ridgeline::report
