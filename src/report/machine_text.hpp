// What `ridgeline machine` prints: the inventory, sensors, ceilings, checks, and what is missing.
#pragma once

#include <string>

#include "base/json.hpp"

namespace ridgeline::report {

/// `machine` is what `machine --json` prints: record.machine and beside it `sources`, `devices`,
/// `ceilings` and `flags`, each of which may be left out. Other objects in it (what an engine said
/// about its libraries) become sections of their own. Missing parts are shown as "–" with their
/// reason.
std::string machine_text(const Json& machine);

}  // namespace ridgeline::report
