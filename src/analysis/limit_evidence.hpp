// The sentence that a verdict rests on, with the measured values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "analysis/limit.hpp"

namespace ridgeline::analysis {

/// One sentence, or for a mixed limit one of both.
std::string evidence_of(std::string_view id, const LimitInput& input, const LimitShares& shares);

/// "The host was busy …; …": the sentences of several limits.
std::string mixed_evidence(const std::vector<std::string>& among, const LimitInput& input,
                           const LimitShares& shares);

}  // namespace ridgeline::analysis
