// Which percentiles a number of samples allows, and distribution-free intervals for them.
#include "base/order_statistics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/student_t.hpp"

namespace ridgeline {
namespace {

/// The smallest rank k (0 … n) with P(X ≤ k) ≥ p, X binomial(n, q).
std::int64_t binomial_quantile(double p, std::int64_t n, double q) {
  std::int64_t low = 0;
  std::int64_t high = n;
  while (low < high) {
    const std::int64_t middle = low + (high - low) / 2;
    const bool enough = binomial_cdf(static_cast<double>(middle), static_cast<double>(n), q) >= p;
    if (enough) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

}  // namespace

std::string percentile_name(double q) {
  return fmt::format("p{:.6g}", q * 100);
}

std::int64_t samples_needed_for_quantile(double q) {
  const double tail = std::max(std::min(q, 1 - q), 1e-9);
  const auto missed = [tail](std::int64_t n) {
    return std::pow(1 - tail, static_cast<double>(n)) + std::pow(tail, static_cast<double>(n));
  };
  auto n = static_cast<std::int64_t>(std::log(0.05) / std::log1p(-tail));
  while (missed(n) > 0.05) ++n;
  return n;
}

std::optional<std::string> quantile_refusal(double q, std::int64_t n) {
  const std::int64_t needed = samples_needed_for_quantile(q);
  if (n >= needed) return std::nullopt;
  return fmt::format("n={}, {} needs {}", n, percentile_name(q), needed);
}

std::optional<Interval> quantile_interval_sorted(std::span<const double> ascending, double q,
                                                 double confidence) {
  const auto n = static_cast<std::int64_t>(ascending.size());
  if (n == 0 || !(q > 0 && q < 1)) return std::nullopt;
  const double count = static_cast<double>(n);
  const double allowed = 1 - confidence;
  // With X = how many draws lie at or below the quantile, the draw of rank r (from 1) lies above
  // the quantile with P(X ≤ r − 1), and below it with P(X ≥ r).
  const double beyond_max = std::pow(q, count);
  const double beyond_min = std::pow(1 - q, count);
  if (beyond_max + beyond_min > allowed) return std::nullopt;
  double low_tail = allowed / 2;
  double high_tail = allowed / 2;
  if (beyond_max > high_tail) {
    high_tail = beyond_max;
    low_tail = allowed - beyond_max;
  } else if (beyond_min > low_tail) {
    low_tail = beyond_min;
    high_tail = allowed - beyond_min;
  }
  // Lower rank: the largest l with P(X ≤ l − 1) ≤ low_tail; upper: the smallest u with
  // P(X ≤ u − 1) ≥ 1 − high_tail.
  std::int64_t lower = binomial_quantile(low_tail, n, q);
  if (binomial_cdf(static_cast<double>(lower), count, q) <= low_tail) ++lower;
  const std::int64_t upper = binomial_quantile(1 - high_tail, n, q) + 1;
  const auto at = [&](std::int64_t rank) {
    return ascending[static_cast<std::size_t>(std::clamp<std::int64_t>(rank, 1, n) - 1)];
  };
  return Interval{at(lower), at(upper)};
}

}  // namespace ridgeline
