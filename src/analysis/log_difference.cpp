// Welch and Satterthwaite on logarithms.
#include "analysis/log_difference.hpp"

#include <cmath>

#include "base/student_t.hpp"

namespace ridgeline::analysis {

LogDifference log_difference(double center, std::span<const VariancePart> parts) {
  double sum = 0;
  double weighted = 0;
  double freedoms = 0;
  for (const VariancePart& part : parts) {
    sum += part.variance;
    weighted += part.variance * part.variance / part.freedom;
    freedoms += part.freedom;
  }
  // Squares of tiny variances may vanish; then every number of degrees gives the same interval.
  return {center, std::sqrt(sum), weighted > 0 ? sum * sum / weighted : freedoms};
}

bool has_logarithm(double value) {
  return std::isfinite(value) && value > 0;
}

std::vector<double> logs_of(std::span<const double> values) {
  std::vector<double> logs;
  logs.reserve(values.size());
  for (const double value : values) logs.push_back(std::log(value));
  return logs;
}

VariancePart variance_of_mean(std::span<const double> values) {
  const auto n = static_cast<double>(values.size());
  const double sd = sample_sd(values);
  return {sd * sd / n, n - 1};
}

std::optional<Interval> ratio_interval(const LogDifference& difference, double confidence) {
  // Times an error of 0, an infinite quantile would be no number.
  const double half =
      difference.error > 0
          ? student_t_quantile((1 + confidence) / 2, difference.freedom) * difference.error
          : 0;
  const Interval interval{std::exp(difference.center - half), std::exp(difference.center + half)};
  if (!std::isfinite(interval.low) || !std::isfinite(interval.high)) return std::nullopt;
  return interval;
}

}  // namespace ridgeline::analysis
