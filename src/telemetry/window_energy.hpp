// The energy of one domain over a window: by its counter, checked by its power, or by power alone.
#pragma once

#include <optional>
#include <string>

#include "telemetry/series.hpp"

namespace ridgeline::telemetry {

enum class EnergyMethod { kCounter, kIntegral };

/// "counter" or "integral".
std::string_view name_of(EnergyMethod method);

/// Counter and integrated power of one window may differ by this share before the counter counts as
/// wrong; both are within about 5 % of the truth when they work (Yang et al., SC24).
inline constexpr double kLargestDisagreement = 0.10;

struct WindowEnergy {
  EnergyMethod method = EnergyMethod::kCounter;
  Span span;  ///< what the joules belong to: from tick to tick for a counter
  double joules = 0;
  double bound = 0;  ///< J: quantisation in time and value, see counter.hpp and power_integral.hpp
  std::optional<double> peak_watts;   ///< highest sample of power, where power is read
  std::optional<double> cross_check;  ///< counter over integral of the same span
  bool had_reset = false;
  std::string note;  ///< why the counter was not used
};

struct WindowResult {
  std::optional<WindowEnergy> energy;
  std::string reason;
};

/// `counter` and `power` read the same boundary; either may be null. The counter is preferred; when
/// it disagrees with the integral by more than kLargestDisagreement, when it stands still or shows
/// fewer than two ticks, the integral is given and the note says why. A window shorter than the
/// update period of all that reads it has no energy, only a reason.
WindowResult window_energy(const Series* counter, const Series* power, const Span& window);

}  // namespace ridgeline::telemetry
