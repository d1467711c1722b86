// Where the latency of a phase goes, in steps that add up to it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "analysis/limit_throttle.hpp"
#include "analysis/roofline.hpp"

namespace ridgeline::analysis {

struct WaterfallStep {
  std::string id;  ///< "datasheet", "ceiling", "clock", "exposed", "launch" or "kernels"
  std::string label;
  double seconds = 0;
  std::string how;
  std::string source;  ///< "datasheet", "timed", "modelled"
};

struct Waterfall {
  std::optional<double> latency;
  std::vector<WaterfallStep> steps;  ///< always all six, or none without a latency
  std::string reason;                ///< why there are no steps
};

/// Steps that are not negative and add up to the latency: each takes what its model says, and no
/// more than what is left.
Waterfall waterfall_of(const CaseFacts& facts, const PhaseFacts& phase, const Roofline& roofline,
                       const Throttle& throttle);

}  // namespace ridgeline::analysis
