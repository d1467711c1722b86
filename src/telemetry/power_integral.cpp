// Trapezoids with interpolated ends.
#include "telemetry/power_integral.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace ridgeline::telemetry {
namespace {

constexpr std::int64_t kFewestSamples = 4;
constexpr double kLargestGap = 0.25;  // of the window

struct Point {
  std::int64_t ns;
  double watts;
};

// The value at `ns`, on the line between samples `at - 1` and `at`; the nearer one outside of all.
double value_at(const Series& power, std::size_t at, std::int64_t ns) {
  if (at == 0) return power.values.front();
  if (at == power.ns.size()) return power.values.back();
  const auto span = static_cast<double>(power.ns[at] - power.ns[at - 1]);
  const auto part = static_cast<double>(ns - power.ns[at - 1]);
  if (span <= 0) return power.values[at];
  return power.values[at - 1] + (power.values[at] - power.values[at - 1]) * part / span;
}

}  // namespace

PowerResult integrate_power(const Series& power, const Span& window) {
  const auto index_from = [&](std::int64_t ns) {
    return static_cast<std::size_t>(std::lower_bound(power.ns.begin(), power.ns.end(), ns) -
                                    power.ns.begin());
  };
  const std::size_t first = index_from(window.begin_ns);
  const std::size_t last = index_from(window.end_ns);
  const auto inside = static_cast<std::int64_t>(last) - static_cast<std::int64_t>(first);
  if (window.end_ns <= window.begin_ns || inside < kFewestSamples) {
    return {std::nullopt,
            fmt::format("{} samples of power in {:.3g} s, and {} are needed",
                        std::max<std::int64_t>(inside, 0), window.seconds(), kFewestSamples)};
  }
  std::vector<Point> points;
  points.push_back({window.begin_ns, value_at(power, first, window.begin_ns)});
  for (std::size_t i = first; i < last; ++i) points.push_back({power.ns[i], power.values[i]});
  points.push_back({window.end_ns, value_at(power, last, window.end_ns)});

  PowerIntegral integral;
  integral.samples = inside;
  double largest_gap = 0;
  for (std::size_t i = 1; i < points.size(); ++i) {
    const double seconds = 1e-9 * static_cast<double>(points[i].ns - points[i - 1].ns);
    integral.joules += 0.5 * seconds * (points[i].watts + points[i - 1].watts);
    integral.bound += 0.5 * seconds * std::abs(points[i].watts - points[i - 1].watts);
    integral.peak = std::max(integral.peak, points[i].watts);
    largest_gap = std::max(largest_gap, seconds);
  }
  if (largest_gap > kLargestGap * window.seconds()) {
    return {std::nullopt, fmt::format("no sample of power for {:.3g} s of the {:.3g} s window",
                                      largest_gap, window.seconds())};
  }
  integral.mean = integral.joules / window.seconds();
  integral.bound += 2 * power.domain.update_period.value_or(0) * integral.peak;
  return {integral, ""};
}

}  // namespace ridgeline::telemetry
