// Names for the cases and the title of a report.
#pragma once

#include <string>
#include <vector>

#include "base/json.hpp"
#include "report/case_view.hpp"

namespace ridgeline::report {

/// A label for each case: model, shape and dtype, and whatever else tells the cases apart (engine,
/// device, architecture, threads, optimizations, run). No two are equal. `runs[i]` is the name of
/// the run of case i.
std::vector<std::string> case_labels(const std::vector<CaseView>& views,
                                     const std::vector<std::string>& runs);

/// "bert-base, vit-b16 on NVIDIA H200". `machine` is that of the first record.
std::string report_title(const std::vector<CaseView>& views, const Json& machine);

}  // namespace ridgeline::report
