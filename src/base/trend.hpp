// Drift: does a series move over its length, by how much, and is that more than noise?
#pragma once

#include <optional>
#include <span>

namespace ridgeline {

/// The median of all pairwise slopes per step of the index (Theil 1950, Sen 1968). More than 400
/// values are first reduced to the medians of 400 contiguous blocks (and the slope scaled back), so
/// at most 80,000 pairs are looked at. NaN below two values.
double theil_sen_slope(std::span<const double> series);

/// The two-sided p of the Mann–Kendall trend test with ties, its variance multiplied by `inflation`
/// (the autocorrelation time of the series: Hamed and Rao 1998). 1 for constant series.
double mann_kendall_p(std::span<const double> series, double inflation = 1);

inline constexpr double kDriftChange = 0.02;  ///< relative change over the run that matters
inline constexpr double kDriftP = 0.01;       ///< p below which it is not noise

struct Drift {
  double relative_change = 0;  ///< from the start to the end, relative to the median
  double p = 1;                ///< Mann–Kendall, corrected for autocorrelation
  bool flagged = false;        ///< |relative_change| > kDriftChange and p < kDriftP
};

/// Drift of durations in the order they were taken. The calls follow each other, so the index
/// stands for time. Works on the medians of at most 64 blocks. Nothing below ten values.
std::optional<Drift> detect_drift(std::span<const double> series);

}  // namespace ridgeline
