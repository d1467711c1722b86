// Engines side by side, as text.
#pragma once

#include <string>
#include <vector>

#include "analysis/comparison.hpp"
#include "base/json.hpp"
#include "report/case_view.hpp"

namespace ridgeline::report {

/// A table with the engines of each model, workload and phase in neighbouring rows: latency,
/// speed-up and energy ratio with their intervals. Empty without comparisons. `views[i]` belongs to
/// `records[i]`.
std::string comparison_table(const std::vector<analysis::Comparison>& comparisons,
                             const std::vector<Json>& records, const std::vector<CaseView>& views);

/// What its columns mean, how the intervals were made, and why a ratio is not there; a line each.
std::vector<std::string> comparison_notes(const std::vector<analysis::Comparison>& comparisons,
                                          const std::vector<CaseView>& views);

}  // namespace ridgeline::report
