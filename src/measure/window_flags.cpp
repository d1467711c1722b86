// Pure functions of readings before and after a window.
#include "measure/window_flags.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace ridgeline::measure {
namespace {

using results::Flag;
using Severity = Flag::Severity;

enum class Effect {
  kProperty,  // what the card does at this work
  kInvalid,   // what the room and the power supply do to it
  kNotice,    // clocks below their best for a reason of the work or of a setting
};

struct Cause {
  std::string_view scope;
  Effect effect;
  std::string_view text;
};

// The scopes of throttle-time domains. "core" is a sum over the cores of a processor.
constexpr std::array kCauses = {
    Cause{"sw_power_cap", Effect::kProperty, "power limit"},
    Cause{"thermal", Effect::kInvalid, "heat"},
    Cause{"sw_thermal", Effect::kInvalid, "heat (sw_thermal)"},
    Cause{"hw_thermal", Effect::kInvalid, "heat (hw_thermal)"},
    Cause{"hw_power_brake", Effect::kInvalid, "the power supply (hw_power_brake)"},
    Cause{"package", Effect::kInvalid, "heat of the package"},
    Cause{"core", Effect::kInvalid, "heat of its cores"},
    Cause{"sync_boost", Effect::kNotice, "sync boost with another device"},
    Cause{"board_limit", Effect::kNotice, "a limit of the board"},
    Cause{"low_utilization", Effect::kNotice, "low utilization"},
    Cause{"reliability", Effect::kNotice, "the voltage that is allowed (reliability)"},
    Cause{"below_app_clocks", Effect::kNotice, "any cause, below the application clocks"},
    Cause{"below_base_clocks", Effect::kNotice, "any cause, below the base clocks"},
};

Cause cause_of(std::string_view scope) {
  for (const Cause& row : kCauses) {
    if (row.scope == scope) return row;
  }
  return {scope, Effect::kNotice, scope};
}

Flag flag_of(std::string_view what, const Cause& cause, const std::string& share) {
  switch (cause.effect) {
    case Effect::kProperty:
      return {"power_cap", Severity::kInfo,
              fmt::format("{}: at its {} for {} of the window", what, cause.text, share),
              "normal under large matrix products; compare at equal power limits"};
    case Effect::kInvalid:
      return {"throttled", Severity::kInvalid,
              fmt::format("{}: slowed down for {} of the window by {}", what, share, cause.text),
              "look at cooling and power supply, and measure again"};
    case Effect::kNotice:
      break;
  }
  return {"clock_limit", Severity::kInfo,
          fmt::format("{}: clocks held down for {} of the window by {}", what, share, cause.text),
          "clocks in the record are those that were reached"};
}

std::string percent(double share) {
  return fmt::format("{:.{}f} %", 100 * share, share < 0.1 ? 1 : 0);
}

}  // namespace

std::vector<Flag> throttle_flags(
    std::string_view what, const std::vector<std::pair<std::string, double>>& seconds_by_cause,
    double window_seconds) {
  std::vector<Flag> flags;
  if (!(window_seconds > 0)) return flags;
  for (const auto& [scope, seconds] : seconds_by_cause) {
    const double share = std::min(seconds / window_seconds, 1.0);
    const Cause cause = cause_of(scope);
    const double least = cause.effect == Effect::kProperty ? kPowerCapShare : kThrottleShare;
    if (share > least) flags.push_back(flag_of(what, cause, percent(share)));
  }
  return flags;
}

std::optional<Flag> temperature_drift(std::string_view what, double start, double end) {
  if (!(std::abs(end - start) > kTemperatureDrift)) return std::nullopt;
  return Flag{
      "temperature_drift", Severity::kWarn,
      fmt::format("{}: from {:.0f} to {:.0f} degrees Celsius in the window", what, start, end),
      end > start ? "warm up for longer: raise --budget or --warmup"
                  : "it was still hot from earlier work: wait a minute, measure again"};
}

std::optional<Flag> check_clock(std::string_view what, double before, double after,
                                std::optional<double> base) {
  constexpr double kGiga = 1e9;
  const double low = std::min(before, after);
  if (!(low > 0) || !std::isfinite(before) || !std::isfinite(after)) return std::nullopt;
  if (base && low < (1 - kClockSlack) * *base) {
    return Flag{"clock_below_base", Severity::kWarn,
                fmt::format("{}: {:.2f} GHz under load, below its base clock of {:.2f} GHz", what,
                            low / kGiga, *base / kGiga),
                "look at cooling, power limits and the governor"};
  }
  if (low >= (1 - kClockSlack) * std::max(before, after)) return std::nullopt;
  return Flag{
      "clock_drift", Severity::kWarn,
      fmt::format("{}: from {:.2f} to {:.2f} GHz under load", what, before / kGiga, after / kGiga),
      "fix the clock, or warm up for longer: raise --budget or --warmup"};
}

}  // namespace ridgeline::measure
