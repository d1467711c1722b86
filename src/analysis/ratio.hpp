// The ratio of two measured quantities, with its interval: on logarithms, where ratios are
// differences.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "base/statistics.hpp"

namespace ridgeline::analysis {

/// How the interval of a ratio was made.
enum class RatioMethod {
  kPaired,  ///< t interval over the log ratios of pairs: n − 1 degrees of freedom
  kWelch,   ///< Welch's interval of the difference of mean logs, sides independent of each other
  kSingle,  ///< a side has one value: no interval
};

/// "paired_t", "welch_t", "single".
std::string_view method_name(RatioMethod method);

/// a / b: of geometric means, which for pairs is the geometric mean of their ratios.
struct Ratio {
  double value = 0;
  std::optional<Interval> ci95;
  RatioMethod method = RatioMethod::kSingle;
  std::size_t values_a = 0;  ///< of pairs, their number
  std::size_t values_b = 0;
  /// The smallest change (0.03: by 3 %) that a repetition of this comparison would find with 80 %
  /// probability: exp((t(0.975) + t(0.8)) · standard error) − 1. Nothing without an interval.
  std::optional<double> detectable;
};

/// Of values that belong together: both sides of a pair ran next to each other, so what both saw
/// (heat, clocks, other work) cancels out. Nothing when there is no pair or a value that is not
/// above 0.
std::optional<Ratio> paired_ratio(std::span<const std::pair<double, double>> pairs);

/// Of values taken apart from each other; the degrees of freedom are Welch and Satterthwaite's.
/// Nothing when a side is empty or has a value that is not above 0.
std::optional<Ratio> independent_ratio(std::span<const double> a, std::span<const double> b);

}  // namespace ridgeline::analysis
