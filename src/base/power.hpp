// How small a difference two sets of invocations can show: power of the comparison by t interval.
#pragma once

#include <cstdint>
#include <optional>

namespace ridgeline {

/// The margin inside which two configurations count as the same.
inline constexpr double kComparisonMargin = 0.01;

/// Two configurations with `a` and `b` invocations whose medians spread by `spread` (relative sd,
/// the same in both) and differ by `effect` (relative): the probability that the 95 % t interval of
/// the log ratio lies wholly beyond the margin, so that FASTER or SLOWER is said. Non-central t,
/// integrated numerically. For spread 0.01 and effect 0.03: 45 % with 3 a side, 77 % with 5, 95 %
/// with 8. NaN below three invocations in all or for a negative spread.
double comparison_power(double effect, double spread, std::int64_t a, std::int64_t b,
                        double margin = kComparisonMargin);

/// By how many standard errors a mean must lie beyond a bound, so that a t statistic with `df`
/// degrees of freedom, taken from that bound, exceeds `critical` with probability `power`
/// (between 0 and 1). Exact up to the numerical integration of the non-central t.
double shift_for_power(double critical, double df, double power);

/// The smallest relative difference that such a comparison would show with probability `power`.
/// Nothing below two invocations a side: one process shows no spread between processes.
std::optional<double> smallest_detectable_difference(double spread, std::int64_t a, std::int64_t b,
                                                     double margin = kComparisonMargin,
                                                     double power = 0.8);

}  // namespace ridgeline
