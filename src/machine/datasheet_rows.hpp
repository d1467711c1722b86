// What the files that look up rows of the hardware table share.
#pragma once

#include <string>

#include "machine/datasheet.hpp"

namespace ridgeline::machine {

/// Whether the row's pattern is found in `name`. Names above 200 characters never fit.
bool names_fit(const DatasheetRow& row, const std::string& name);

/// Limits that are all absent for one reason.
Datasheet no_limits(const std::string& reason, const std::string& enable);

/// The row's limits times `share`: "datasheet" for a whole one, "derived" for a part.
Datasheet limits_of(const DatasheetRow& row, double share);

}  // namespace ridgeline::machine
