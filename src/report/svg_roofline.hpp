// The static roofline: what each phase attained, below what the machine was measured to reach and
// what the vendor promises.
#pragma once

#include <string>

#include "base/json.hpp"

namespace ridgeline::report {

/// Attained FLOP/s over arithmetic intensity, both logarithmic, with a point for each phase that
/// has them and a roof for each distinct pair of ceilings. Points stand where they were measured:
/// one above a roof is drawn above it. Without points the picture says so.
std::string roofline_svg(const Json& payload);

}  // namespace ridgeline::report
