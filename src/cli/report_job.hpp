// What `report` and the end of `run` share: runs read from disk, and their report written.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "cli/command.hpp"
#include "report/payload.hpp"
#include "report/report_files.hpp"

namespace ridgeline::cli {

/// A run folder or a .jsonl file of records, whatever of it can be read. Lines that cannot are
/// handed to `problem`.
Result<report::ReportRun> read_run(const std::string& path,
                                   const std::function<void(const std::string&)>& problem);

/// The report of runs: title empty for the usual one.
Json payload_of(const std::vector<report::ReportRun>& runs, const std::string& title,
                const Context& context);

/// Writes the report of a run folder into it; gives the paths. Without records there is nothing to
/// write.
Result<std::vector<std::string>> write_run_report(const std::string& folder,
                                                  const std::vector<report::ReportFormat>& formats,
                                                  const Context& context);

}  // namespace ridgeline::cli
