// Optimisations of the record that are off and would help against a limit.
#pragma once

#include <optional>
#include <string_view>

#include "analysis/advice_list.hpp"

namespace ridgeline::analysis {

/// Adds knobs that were refused, with their reason, and those that could be on. `high`: the gain of
/// handing work over whole or fusing it, where it is known.
void add_knobs(std::string_view limit, const LimitInput& input, std::optional<double> high,
               AdviceList& list);

}  // namespace ridgeline::analysis
