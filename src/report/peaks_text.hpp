// What `ridgeline peaks` prints.
#pragma once

#include <string>

#include "base/json.hpp"

namespace ridgeline::report {

/// A section for each device: what it is, the table of its ceilings (best and median, datasheet,
/// share), and below it what is absent and why. `peaks` is ridgeline-peaks/1 as study::to_json()
/// writes it; what is missing in it is shown as "–".
std::string peaks_text(const Json& peaks);

}  // namespace ridgeline::report
