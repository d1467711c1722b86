// Energy from samples of power: the cross-check of counters, and what there is where none is.
#pragma once

#include <optional>
#include <string>

#include "telemetry/series.hpp"

namespace ridgeline::telemetry {

struct PowerIntegral {
  double joules = 0;
  double bound = 0;  ///< J, see below; without the sensor's own lag and averaging
  double mean = 0;   ///< W
  double peak = 0;   ///< W, the highest sample within the window
  std::int64_t samples = 0;
};

struct PowerResult {
  std::optional<PowerIntegral> integral;
  std::string reason;
};

/// Trapezoids over the samples within `window`, with the values at its ends interpolated between
/// the samples on both sides. Bound: half of |ΔP|·Δt summed over neighbouring samples (the worst
/// for a load that is monotone between them), plus one update period of the highest power at each
/// end when the domain states a period.
///
/// Nothing, and a reason: fewer than four samples within; a gap above a quarter of the window, or
/// no sample near its ends (within a quarter).
PowerResult integrate_power(const Series& power, const Span& window);

}  // namespace ridgeline::telemetry
