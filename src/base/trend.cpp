// Drift: Theil–Sen slope and Mann–Kendall test.
#include "base/trend.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "base/series.hpp"
#include "base/statistics.hpp"

namespace ridgeline {
namespace {

constexpr std::size_t kSlopePoints = 400;
constexpr std::size_t kDriftBlocks = 64;
constexpr std::size_t kMinDriftSamples = 10;
constexpr std::size_t kReach = 10;  // blocks to each side in a running median

/// Σ t(t−1)(2t+5) over the groups of equal values.
double tie_term(std::span<const double> series) {
  const std::vector<double> ascending = sorted_copy(series);
  double sum = 0;
  for (std::size_t i = 0; i < ascending.size();) {
    std::size_t next = i + 1;
    while (next < ascending.size() && ascending[next] == ascending[i]) ++next;
    const double t = static_cast<double>(next - i);
    sum += t * (t - 1) * (2 * t + 5);
    i = next;
  }
  return sum;
}

/// The autocorrelation time of what is left without the straight trend; with it, a trend would pass
/// for correlation. Fitting the line hides some correlation, hence the second correction.
double residual_time(std::span<const double> points, double slope) {
  std::vector<double> residuals(points.begin(), points.end());
  for (std::size_t i = 0; i < residuals.size(); ++i) residuals[i] -= slope * static_cast<double>(i);
  const double tau = autocorrelation_time(residuals);
  return tau * (1 + 4 * tau / static_cast<double>(points.size()));
}

/// The same about a running median, which follows a step (a clock drop) where a line cannot: the
/// residuals of a line through a step are one long excursion. Infinite when there are few points.
double local_residual_time(std::span<const double> points) {
  if (points.size() < 6 * kReach) return std::numeric_limits<double>::infinity();
  std::vector<double> residuals;
  residuals.reserve(points.size());
  for (std::size_t i = 0; i < points.size(); ++i) {
    const std::size_t from = i < kReach ? 0 : i - kReach;
    const std::size_t to = std::min(i + kReach + 1, points.size());
    residuals.push_back(points[i] - median(points.subspan(from, to - from)));
  }
  const double tau = autocorrelation_time(residuals);
  return tau * (1 + 4 * tau / (2 * kReach));
}

}  // namespace

double theil_sen_slope(std::span<const double> series) {
  if (series.size() < 2) return std::numeric_limits<double>::quiet_NaN();
  if (series.size() > kSlopePoints) {
    const double block = static_cast<double>(series.size()) / static_cast<double>(kSlopePoints);
    return theil_sen_slope(block_medians(series, kSlopePoints)) / block;
  }
  std::vector<double> slopes;
  slopes.reserve(series.size() * (series.size() - 1) / 2);
  for (std::size_t i = 0; i < series.size(); ++i) {
    for (std::size_t j = i + 1; j < series.size(); ++j) {
      slopes.push_back((series[j] - series[i]) / static_cast<double>(j - i));
    }
  }
  return median_in_place(slopes);
}

double mann_kendall_p(std::span<const double> series, double inflation) {
  double score = 0;
  for (std::size_t i = 0; i < series.size(); ++i) {
    for (std::size_t j = i + 1; j < series.size(); ++j) {
      if (series[j] > series[i]) score += 1;
      if (series[j] < series[i]) score -= 1;
    }
  }
  const double n = static_cast<double>(series.size());
  const double variance = (n * (n - 1) * (2 * n + 5) - tie_term(series)) / 18 * inflation;
  if (!(variance > 0)) return 1;
  // One step is taken off the score because it is discrete.
  const double z = std::max(std::abs(score) - 1, 0.0) / std::sqrt(variance);
  return std::erfc(z / std::numbers::sqrt2);
}

std::optional<Drift> detect_drift(std::span<const double> series) {
  if (series.size() < kMinDriftSamples) return std::nullopt;
  const std::vector<double> points = block_medians(series, std::min(series.size(), kDriftBlocks));
  const double center = median(points);
  const double slope = theil_sen_slope(points);
  const double tau = std::min(residual_time(points, slope), local_residual_time(points));
  Drift drift;
  drift.p = mann_kendall_p(points, tau);
  if (center > 0) drift.relative_change = slope * static_cast<double>(points.size() - 1) / center;
  drift.flagged = std::abs(drift.relative_change) > kDriftChange && drift.p < kDriftP;
  return drift;
}

}  // namespace ridgeline
