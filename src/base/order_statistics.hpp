// Which percentiles a number of samples allows, and distribution-free intervals for them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/statistics.hpp"

namespace ridgeline {

/// "p95" for 0.95, "p99.9" for 0.999.
std::string percentile_name(double q);

/// The smallest n whose extremes enclose the q-quantile with 95 % confidence: the first n with
/// qⁿ + (1 − q)ⁿ ≤ 0.05. p50 → 6, p90 → 29, p95 → 59, p99 → 299, p99.9 → 2995. Below it the samples
/// cannot bound the quantile, so it is not shown.
std::int64_t samples_needed_for_quantile(double q);

/// Nothing when `n` samples allow the quantile, else why not: "n=20, p95 needs 59".
std::optional<std::string> quantile_refusal(double q, std::int64_t n);

/// The distribution-free interval of the q-quantile of independent draws: order statistics whose
/// ranks enclose it with at least `confidence` by the binomial distribution (equal tails; where one
/// tail lies beyond the extreme value, the other takes what is left). Nothing when n is too small.
std::optional<Interval> quantile_interval_sorted(std::span<const double> ascending, double q,
                                                 double confidence = 0.95);

}  // namespace ridgeline
