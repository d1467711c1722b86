// What limits each phase of a run, in a line each.
#pragma once

#include <string>
#include <vector>

#include "base/json.hpp"
#include "report/case_view.hpp"

namespace ridgeline::report {

/// "- <phase>: <limit>. <evidence> Next: <the best advice> (at most 1.84x)." for each phase, the
/// case in front where there are several; phases with the same line share it. Preparing inputs that
/// takes less than a tenth of a case, and postprocessing, have no line. After 20 lines the number
/// of the others. Empty when there is nothing to say. `views[i]` belongs to `records[i]`.
std::string limits_text(const std::vector<Json>& records, const std::vector<CaseView>& views);

}  // namespace ridgeline::report
