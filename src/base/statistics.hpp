// Plain descriptive statistics of samples: median, quantiles, spread, outliers (counted, kept).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace ridgeline {

/// A closed interval; for a confidence interval, its two bounds.
struct Interval {
  double low = 0;
  double high = 0;
};

/// All functions here want finite values. Of no values, every statistic is NaN.
double mean(std::span<const double> values);

/// The standard deviation of a sample (divisor n − 1); NaN below two values.
double sample_sd(std::span<const double> values);

/// The middle value, or the mean of the two middle ones. O(n); copies the values.
double median(std::span<const double> values);

/// The same without the copy: reorders `values`.
double median_in_place(std::span<double> values);

/// An ascending copy.
std::vector<double> sorted_copy(std::span<const double> values);

/// The q-quantile (0 ≤ q ≤ 1) of ascending values by linear interpolation between the order
/// statistics at 1 + (n − 1)·q: type 7 of Hyndman and Fan (1996), the default of NumPy and R.
double quantile_sorted(std::span<const double> ascending, double q);

/// The median of |x − median|, unscaled. Times kMadToSigma it estimates the sd of normal noise.
double median_absolute_deviation(std::span<const double> values);
inline constexpr double kMadToSigma = 1.482602218505602;

/// The medians of `count` contiguous blocks of a series, in order, their lengths differing by at
/// most one; 1 ≤ count ≤ size.
std::vector<double> block_medians(std::span<const double> series, std::size_t count);

/// Tukey's fences: values further than 1.5 (mild) or 3 (severe) interquartile ranges from the
/// nearer quartile. They are counted for the reader; nothing here ever drops a sample.
struct OutlierCount {
  std::int64_t low = 0;     ///< below the lower fence, mild or severe
  std::int64_t high = 0;    ///< above the upper fence, mild or severe
  std::int64_t severe = 0;  ///< of both: outside the 3 × fences
};
OutlierCount tukey_outliers_sorted(std::span<const double> ascending);

}  // namespace ridgeline
