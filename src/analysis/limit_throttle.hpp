// How long clocks were held down by power or heat while a phase ran.
#pragma once

#include <optional>
#include <string>

#include "analysis/case_analysis_facts.hpp"

namespace ridgeline::analysis {

/// Shares of the phase's time, each at least so much; nothing where the record does not tell.
struct Throttle {
  std::optional<double> power;  ///< at a power limit
  std::optional<double> heat;   ///< slowed down by heat
  std::string where;            ///< "its energy windows" or "its timed calls"
  std::optional<double> clock;  ///< Hz, the mean of its energy windows
  bool is_unclear = false;      ///< there were throttle times that other phases may have caused

  /// The larger share; nothing where one that is not known could be larger.
  std::optional<double> largest() const;
};

/// From the throttle times within the phase's own energy windows; else from those of whole
/// processes. A process runs several phases, so a phase of T of its W seconds was throttled for at
/// least (throttled - (W - T)) and at most min(throttled, T): the first is given where both agree
/// within 10 % of T or it is at least half of T.
Throttle throttle_of(const CaseFacts& facts, const PhaseFacts& phase);

}  // namespace ridgeline::analysis
