// Uncertainty of quantiles when samples are not independent: one process's series of calls.
#pragma once

#include <optional>
#include <span>

#include "base/statistics.hpp"

namespace ridgeline {

/// The correlation of neighbours, about the mean; 0 for constant or fewer than three values.
double lag1_autocorrelation(std::span<const double> series);

/// How many correlated samples are worth one independent one (at least 1): 1 + 2·Σ ρ_k, summed by
/// Geyer's initial monotone sequence ("Practical Markov chain Monte Carlo", 1992), times 1 + 4·τ/n
/// against the small-sample bias. A long series is first reduced to the means of at most 2,048
/// blocks, so the cost is O(n) with a bound of about two million steps on top.
double autocorrelation_time(std::span<const double> series);

/// What a series says about one of its quantiles.
struct SeriesQuantile {
  double value = 0;
  Interval interval;
  double effective_samples = 0;  ///< n / autocorrelation time of "at or below the quantile"
};

/// Fewest effective samples that bound a median (0.5⁶·2 < 5 %).
inline constexpr double kMinEffectiveSamples = 6;

/// The q-quantile of an autocorrelated stationary series with a `confidence` interval, for the
/// quantile of the process that produced it. Method (Woodruff 1952): the share of samples below the
/// quantile has the standard error √(q(1−q)·τ/n), τ being the autocorrelation time of the indicator
/// "below the quantile"; q ± t·error (n/τ − 1 degrees of freedom) is read off the order statistics.
/// No shape of the noise is assumed. Nothing with fewer than kMinEffectiveSamples, or when a bound
/// lies beyond the samples.
///
/// Chosen by simulation over t intervals of batch medians (AR(1) noise, 1,500 to 4,000 series a
/// cell, share of 95 % intervals of the median that cover it): ρ = 0.5: n=20 96 %, n=80 95 %,
/// n=1000 95 %, where eight batches gave 87, 93 and 95 % with intervals up to a fifth wider at
/// large n; ρ = 0.8: n=80 92 %, n=1000 94 % (batches 89 and 94 %); independent: n=20 99 %, n=1000
/// 96 %.
std::optional<SeriesQuantile> series_quantile(std::span<const double> series, double q,
                                              double confidence = 0.95);

}  // namespace ridgeline
