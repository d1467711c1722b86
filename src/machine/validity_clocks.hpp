// The checks of what moves the CPU's clocks.
#pragma once

#include <vector>

#include "machine/settings.hpp"
#include "machine/validity.hpp"

namespace ridgeline::machine {

/// Appends "governor", "energy_preference", "boost", "battery" and "power_profile" where they hold.
void check_clocks(const Machine& machine, const Settings& settings, std::vector<Flag>& flags);

}  // namespace ridgeline::machine
