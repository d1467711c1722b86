// Energy of a phase against the least that the ceilings allow.
#pragma once

#include <optional>
#include <string>

#include "analysis/roofline.hpp"

namespace ridgeline::analysis {

/// Of one phase of one case; scores of different tasks must not be compared or averaged.
struct EnergyEfficiency {
  std::optional<double> score;  ///< bound_joules / attained_joules
  std::string formula;
  std::optional<double> bound_joules;     ///< of a call
  std::optional<double> attained_joules;  ///< of a call, idle power included
  std::string reason;                     ///< why there is no score
};

/// bound_joules = max(bytes * P_read / R_read, sum over dtypes of flops * P_gemm / R_gemm), P and R
/// being power and median rate of the ceiling's own steady load.
EnergyEfficiency energy_efficiency_of(const CaseFacts& facts, const PhaseFacts& phase,
                                      const Roofline& roofline);

}  // namespace ridgeline::analysis
