// Throttle times to shares.
#include "analysis/limit_throttle.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>

#include "base/json_values.hpp"

namespace ridgeline::analysis {
namespace {

constexpr double kAgreement = 0.1;
constexpr double kHalf = 0.5;

// Scopes of throttle times (src/measure/window_flags.cpp); the others are no cause of their own.
constexpr std::array<std::string_view, 2> kPower = {"sw_power_cap", "hw_power_brake"};
constexpr std::array<std::string_view, 5> kHeat = {"thermal", "sw_thermal", "hw_thermal", "package",
                                                   "core"};

template <std::size_t N>
bool is_one_of(const std::array<std::string_view, N>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

struct Seconds {
  double window = 0;
  double power = 0;
  double heat = 0;
  double clock_sum = 0;
  double clocks = 0;
  bool has_power = false;
  bool has_heat = false;
};

// Adds one window. Of several causes and devices the longest counts: they overlap.
void add_window(const Json& domains, double seconds, const CaseFacts& facts, Seconds& sum) {
  if (!domains.is_object() || seconds <= 0) return;
  double power = 0;
  double heat = 0;
  bool has_power = false;
  bool has_heat = false;
  for (const auto& [id, domain] : domains.items()) {
    const std::string kind = text_in(domain, "kind");
    const std::string scope = text_in(domain, "scope");
    if (kind == "clock" && scope == "sm") {
      const double mean = amount_in(domain, "mean");
      sum.clock_sum += mean;
      sum.clocks += mean > 0 ? 1 : 0;
    }
    if (kind != "throttle_time" || !number_in(domain, "end")) continue;
    double end = amount_in(domain, "end");
    // That of the cores of a processor is a sum over them.
    if (scope == "core") end /= facts.cores.value_or(1);
    end = std::min(end, seconds);
    if (is_one_of(kPower, scope)) {
      has_power = true;
      power = std::max(power, end);
    } else if (is_one_of(kHeat, scope)) {
      has_heat = true;
      heat = std::max(heat, end);
    }
  }
  if (!has_power && !has_heat) return;
  sum.window += seconds;
  sum.power += power;
  sum.heat += heat;
  sum.has_power = sum.has_power || has_power;
  sum.has_heat = sum.has_heat || has_heat;
}

Seconds of_energy(const CaseFacts& facts, const PhaseFacts& phase) {
  Seconds sum;
  const Json& trials = entry_of(entry_of(*phase.phase, "energy"), "trials");
  if (!trials.is_array()) return sum;
  for (const Json& trial : trials) {
    add_window(entry_of(trial, "state"), amount_in(trial, "seconds"), facts, sum);
  }
  return sum;
}

// Also adds up the seconds of the phase's own calls in these windows.
Seconds of_processes(const CaseFacts& facts, const PhaseFacts& phase, double& own) {
  Seconds sum;
  const Json& invocations = entry_of(*facts.record, "invocations");
  if (!invocations.is_array()) return sum;
  for (const Json& invocation : invocations) {
    const Json& state = entry_of(invocation, "state");
    const double before = sum.window;
    add_window(entry_of(state, "domains"), amount_in(state, "seconds"), facts, sum);
    if (sum.window == before) continue;
    const Json& part = entry_of(entry_of(invocation, "phases"), phase.name);
    own += std::min(sum.window - before, amount_in(part, "n") * amount_in(part, "median"));
  }
  return sum;
}

std::optional<double> share_of(double throttled, double window, double own) {
  const double least = std::max(0.0, throttled - (window - own)) / own;
  const double most = std::min(throttled, own) / own;
  if (most - least <= kAgreement || least >= kHalf) return std::min(1.0, least);
  return std::nullopt;
}

}  // namespace

std::optional<double> Throttle::largest() const {
  if (!power && !heat) return std::nullopt;
  const double known = std::max(power.value_or(0), heat.value_or(0));
  if (is_unclear && known < kHalf) return std::nullopt;
  return known;
}

Throttle throttle_of(const CaseFacts& facts, const PhaseFacts& phase) {
  Throttle throttle;
  if (phase.phase == nullptr) return throttle;
  Seconds sum = of_energy(facts, phase);
  double own = sum.window;
  throttle.where = "its energy windows";
  if (sum.clocks > 0) throttle.clock = sum.clock_sum / sum.clocks;
  if (sum.window <= 0) {
    own = 0;
    sum = of_processes(facts, phase, own);
    throttle.where = "its timed calls";
  }
  if (sum.window <= 0 || own <= 0) return throttle;
  if (sum.has_power) throttle.power = share_of(sum.power, sum.window, own);
  if (sum.has_heat) throttle.heat = share_of(sum.heat, sum.window, own);
  throttle.is_unclear = (sum.has_power && !throttle.power) || (sum.has_heat && !throttle.heat);
  return throttle;
}

}  // namespace ridgeline::analysis
