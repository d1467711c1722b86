// What happened to clocks and heat over a measured window.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "results/record.hpp"

namespace ridgeline::measure {

/// More than this share of a window slowed by heat or by the power supply, and the case measures
/// the cooling: it is invalid. Below, the effect stays under the interval's own target of 2 %.
inline constexpr double kThrottleShare = 0.01;
/// A power cap is normal under large matrix products; said from this share on.
inline constexpr double kPowerCapShare = 0.001;
/// Leakage grows with temperature, so that the same work takes more power: beyond this many degrees
/// between begin and end, trials of one window are no longer trials of one thing.
inline constexpr double kTemperatureDrift = 10;
/// Boost gives at least the base clock while neither heat nor power is short; 5 % is left for the
/// coarse readings of clocks.
inline constexpr double kClockSlack = 0.05;

/// Seconds that a device or processor spent throttled by each cause, out of `window_seconds`. A
/// cause is the scope of a throttle-time domain ("sw_thermal"). Flags: "power_cap" (info: a
/// property of the card at this work), "throttled" (invalid: heat or the power supply, above 1 %),
/// "clock_limit" (info: any other cause, above 1 %). NaN gives no flag. `what` begins the details
/// ("0000:17:00.0").
std::vector<results::Flag> throttle_flags(
    std::string_view what, const std::vector<std::pair<std::string, double>>& seconds_by_cause,
    double window_seconds);

/// "temperature_drift" when it moved by more than 10 Cel from `start` to `end`.
std::optional<results::Flag> temperature_drift(std::string_view what, double start, double end);

/// Clocks in Hz at the begin and at the end of work; both must be read under load.
/// "clock_below_base" when one is more than 5 % below `base` (none: not judged), else "clock_drift"
/// when they differ by more than 5 %.
std::optional<results::Flag> check_clock(std::string_view what, double before, double after,
                                         std::optional<double> base = std::nullopt);

}  // namespace ridgeline::measure
