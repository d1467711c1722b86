// Static bar charts: how long each case takes, and how much energy an item costs.
#pragma once

#include <string>

#include "base/json.hpp"

namespace ridgeline::report {

/// For each phase a panel with the latency of every case, then one with the joules of an item, with
/// 95 % intervals and values. Every panel has a scale of its own that begins at 0. What was not
/// measured is said.
std::string bars_svg(const Json& payload);

}  // namespace ridgeline::report
