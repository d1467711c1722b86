// The summary of a run: machine, versions, table, limits, notes, command. Plain text without
// colour, so that it can be pasted.
#pragma once

#include <string>
#include <vector>

#include "analysis/comparison.hpp"
#include "base/json.hpp"

namespace ridgeline::report {

/// What the records themselves do not know.
struct RunInfo {
  std::string command = {};    ///< as typed; empty: the command of the first record
  std::string folder = {};     ///< where the records are; empty: none were kept
  double elapsed_seconds = 0;  ///< wall time of the run; 0: unknown
  bool interrupted = false;    ///< Ctrl-C: some cases are missing
  /// Of several engines, made from the same records; empty: nothing is compared.
  std::vector<analysis::Comparison> comparisons = {};
};

/// The text that `run` prints at its end. A row for each phase of each case; failed cases are rows
/// with their reason. Where engines were compared a second table shows them side by side. Then what
/// limits each phase. Records may be incomplete: what is missing is shown as "–".
std::string summary_text(const std::vector<Json>& records, const RunInfo& info);

/// "AMD EPYC, 2 cores, 2 threads, 23.5 GiB memory, no accelerator, virtual machine (KVM)".
std::string machine_line(const Json& machine);

}  // namespace ridgeline::report
