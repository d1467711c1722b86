// Uncertainty of quantiles when samples are not independent.
#include "base/series.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/student_t.hpp"

namespace ridgeline {
namespace {

constexpr std::size_t kMaxBlocks = 2048;

/// Means of `count` contiguous blocks whose lengths differ by at most one.
std::vector<double> block_means(std::span<const double> series, std::size_t count) {
  std::vector<double> means;
  means.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t from = series.size() * i / count;
    const std::size_t to = series.size() * (i + 1) / count;
    means.push_back(mean(series.subspan(from, to - from)));
  }
  return means;
}

double autocovariance(std::span<const double> centered, std::size_t lag) {
  double sum = 0;
  for (std::size_t i = lag; i < centered.size(); ++i) sum += centered[i] * centered[i - lag];
  return sum / static_cast<double>(centered.size());
}

/// Geyer's initial monotone sequence estimate of Σ over all lags of the autocovariance.
double long_run_variance(std::span<const double> centered) {
  const double variance = autocovariance(centered, 0);
  double sum = 0;
  double previous = INFINITY;
  for (std::size_t lag = 0; lag + 1 < std::max<std::size_t>(centered.size() / 2, 2); lag += 2) {
    const double pair = autocovariance(centered, lag) + autocovariance(centered, lag + 1);
    if (pair <= 0) break;
    previous = std::min(previous, pair);
    sum += previous;
  }
  return std::max(2 * sum - variance, 0.0);
}

/// −1, 0, +1 for below, at and above `level`.
std::vector<double> signs(std::span<const double> series, double level) {
  std::vector<double> result;
  result.reserve(series.size());
  for (double value : series) result.push_back(value < level ? -1 : (value > level ? 1 : 0));
  return result;
}

/// Reads q ± reach off ascending values; nothing when that leaves 0 … 1.
std::optional<Interval> at_shares(std::span<const double> ascending, double q, double reach) {
  const double n = static_cast<double>(ascending.size());
  if (ascending.empty() || !(q - reach >= 0 && q + reach <= 1)) return std::nullopt;
  const auto last = ascending.size() - 1;
  const auto low = static_cast<std::size_t>(std::floor(n * (q - reach)));
  const auto high = static_cast<std::size_t>(std::max(std::ceil(n * (q + reach)) - 1, 0.0));
  return Interval{ascending[std::min(low, last)], ascending[std::min(high, last)]};
}

}  // namespace

double lag1_autocorrelation(std::span<const double> series) {
  if (series.size() < 3) return 0;
  std::vector<double> centered(series.begin(), series.end());
  const double center = mean(series);
  for (double& value : centered) value -= center;
  const double variance = autocovariance(centered, 0);
  return variance > 0 ? autocovariance(centered, 1) / variance : 0;
}

double autocorrelation_time(std::span<const double> series) {
  if (series.size() < 3) return 1;
  const double n = static_cast<double>(series.size());
  const double center = mean(series);
  double variance = 0;
  for (double value : series) variance += (value - center) * (value - center);
  variance /= n;
  if (!(variance > 0)) return 1;
  const std::size_t blocks = std::min(series.size(), kMaxBlocks);
  std::vector<double> centered = block_means(series, blocks);
  for (double& value : centered) value -= center;
  // The variance of the overall mean is the same seen from samples and from blocks.
  const double tau =
      std::max(long_run_variance(centered) / static_cast<double>(blocks) / (variance / n), 1.0);
  return tau * (1 + 4 * tau / n);
}

std::optional<SeriesQuantile> series_quantile(std::span<const double> series, double q,
                                              double confidence) {
  if (series.empty() || !(q > 0 && q < 1)) return std::nullopt;
  const std::vector<double> ascending = sorted_copy(series);
  SeriesQuantile result;
  result.value = quantile_sorted(ascending, q);
  const double n = static_cast<double>(series.size());
  result.effective_samples = n / autocorrelation_time(signs(series, result.value));
  if (result.effective_samples < kMinEffectiveSamples) return std::nullopt;
  const double error = std::sqrt(q * (1 - q) / result.effective_samples);
  const double t = student_t_quantile(0.5 + confidence / 2, result.effective_samples - 1);
  const auto interval = at_shares(ascending, q, t * error);
  if (!interval) return std::nullopt;
  result.interval = *interval;
  return result;
}

}  // namespace ridgeline
