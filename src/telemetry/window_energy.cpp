// Choosing between a counter and an integral.
#include "telemetry/window_energy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "telemetry/counter.hpp"
#include "telemetry/power_integral.hpp"

namespace ridgeline::telemetry {
namespace {

bool shorter_than_period(const Series* series, const Span& window) {
  return series == nullptr || window.seconds() <= series->domain.update_period.value_or(0);
}

WindowEnergy by_integral(const PowerIntegral& integral, const Span& window, std::string note) {
  WindowEnergy energy;
  energy.method = EnergyMethod::kIntegral;
  energy.span = window;
  energy.joules = integral.joules;
  energy.bound = integral.bound;
  energy.peak_watts = integral.peak;
  energy.note = std::move(note);
  return energy;
}

}  // namespace

std::string_view name_of(EnergyMethod method) {
  return method == EnergyMethod::kCounter ? "counter" : "integral";
}

WindowResult window_energy(const Series* counter, const Series* power, const Span& window) {
  if (counter == nullptr && power == nullptr) return {std::nullopt, "nothing reads this boundary"};
  if (shorter_than_period(counter, window) && shorter_than_period(power, window)) {
    const double period =
        std::min(counter != nullptr ? counter->domain.update_period.value_or(INFINITY) : INFINITY,
                 power != nullptr ? power->domain.update_period.value_or(INFINITY) : INFINITY);
    return {std::nullopt,
            fmt::format("the window of {:.3g} s is shorter than the sensor's update period of "
                        "{:.3g} s",
                        window.seconds(), period)};
  }
  CounterResult counted;
  if (counter != nullptr) counted = counter_delta(*counter, window);
  const Span span = counted.delta ? counted.delta->span : window;
  PowerResult sampled;
  if (power != nullptr) sampled = integrate_power(*power, span);
  if (!counted.delta && !sampled.integral) {
    return {std::nullopt, counter != nullptr ? counted.reason : sampled.reason};
  }
  if (!counted.delta) {
    return {by_integral(*sampled.integral, span, counter != nullptr ? counted.reason : ""), ""};
  }
  WindowEnergy energy;
  energy.span = span;
  energy.joules = counted.delta->value;
  energy.bound = counted.delta->bound;
  energy.had_reset = counted.delta->had_reset;
  if (!sampled.integral) return {energy, ""};
  energy.peak_watts = sampled.integral->peak;
  if (sampled.integral->joules <= 0) return {energy, ""};
  energy.cross_check = energy.joules / sampled.integral->joules;
  // What neither could have resolved in so short a window is no disagreement.
  const double resolved = energy.bound + sampled.integral->bound;
  const double apart = std::abs(energy.joules - sampled.integral->joules);
  if (apart <= kLargestDisagreement * sampled.integral->joules + resolved) return {energy, ""};
  WindowEnergy instead =
      by_integral(*sampled.integral, span,
                  fmt::format("the counter shows {:.3g} times the integral of power: not used",
                              *energy.cross_check));
  instead.cross_check = energy.cross_check;
  return {instead, ""};
}

}  // namespace ridgeline::telemetry
