// Plain descriptive statistics of samples.
#include "base/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace ridgeline {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

}  // namespace

double mean(std::span<const double> values) {
  if (values.empty()) return kNan;
  double sum = 0;
  for (double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

double sample_sd(std::span<const double> values) {
  if (values.size() < 2) return kNan;
  const double center = mean(values);
  double sum = 0;
  for (double value : values) sum += (value - center) * (value - center);
  return std::sqrt(sum / static_cast<double>(values.size() - 1));
}

double median_in_place(std::span<double> values) {
  if (values.empty()) return kNan;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  const double below = *std::max_element(values.begin(), middle);
  return below + (*middle - below) / 2;
}

double median(std::span<const double> values) {
  std::vector<double> copy(values.begin(), values.end());
  return median_in_place(copy);
}

std::vector<double> sorted_copy(std::span<const double> values) {
  std::vector<double> copy(values.begin(), values.end());
  std::sort(copy.begin(), copy.end());
  return copy;
}

double quantile_sorted(std::span<const double> ascending, double q) {
  if (ascending.empty() || std::isnan(q)) return kNan;
  const double position = std::clamp(q, 0.0, 1.0) * static_cast<double>(ascending.size() - 1);
  const auto below = static_cast<std::size_t>(position);
  const std::size_t above = std::min(below + 1, ascending.size() - 1);
  const double part = position - static_cast<double>(below);
  return ascending[below] + part * (ascending[above] - ascending[below]);
}

double median_absolute_deviation(std::span<const double> values) {
  const double center = median(values);
  std::vector<double> distances;
  distances.reserve(values.size());
  for (double value : values) distances.push_back(std::abs(value - center));
  return median_in_place(distances);
}

std::vector<double> block_medians(std::span<const double> series, std::size_t count) {
  std::vector<double> medians;
  medians.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t from = series.size() * i / count;
    const std::size_t to = series.size() * (i + 1) / count;
    medians.push_back(median(series.subspan(from, to - from)));
  }
  return medians;
}

OutlierCount tukey_outliers_sorted(std::span<const double> ascending) {
  OutlierCount count;
  if (ascending.empty()) return count;
  const double first = quantile_sorted(ascending, 0.25);
  const double third = quantile_sorted(ascending, 0.75);
  const double range = third - first;
  const auto below = [&](double fence) {
    return std::lower_bound(ascending.begin(), ascending.end(), fence) - ascending.begin();
  };
  const auto above = [&](double fence) {
    return ascending.end() - std::upper_bound(ascending.begin(), ascending.end(), fence);
  };
  count.low = below(first - 1.5 * range);
  count.high = above(third + 1.5 * range);
  count.severe = below(first - 3 * range) + above(third + 3 * range);
  return count;
}

}  // namespace ridgeline
