// What `ridgeline machine` prints: the inventory, sensors, checks, and what is missing.
#pragma once

#include <string>

#include "base/json.hpp"

namespace ridgeline::report {

/// `machine` as in a record, `flags` as in record.validity.flags, `sensors` a list of
/// {quantity, reason, enable}. Other objects found in `machine` (what an engine said about its
/// libraries) become sections of their own. Missing parts are shown as "–" with their reason.
std::string machine_text(const Json& machine, const Json& flags, const Json& sensors);

}  // namespace ridgeline::report
