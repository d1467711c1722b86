// The notes below a table: everything a reader must know before believing its numbers.
#pragma once

#include <string>
#include <vector>

#include "base/json.hpp"
#include "report/case_view.hpp"

namespace ridgeline::report {

/// One line each, the gravest first: failures with reason and remedy, invalid and partial results,
/// refused optimizations, synthetic weights and inputs, precision not reached, warnings, what the
/// interval means, provenance, what is absent and why. A note that holds for several cases appears
/// once. `views[i]` belongs to `records[i]`.
std::vector<std::string> notes(const std::vector<Json>& records,
                               const std::vector<CaseView>& views);

}  // namespace ridgeline::report
