// The difference of two mean logarithms with its standard error: what ratios, their intervals and
// their tests are made of.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "base/statistics.hpp"

namespace ridgeline::analysis {

/// mean log(a) − mean log(b), with its uncertainty.
struct LogDifference {
  double center = 0;
  double error = 0;    ///< standard error; 0: the values do not spread at all
  double freedom = 0;  ///< degrees of freedom of `error`
};

/// One independent part of a variance, and the degrees of freedom it was estimated with.
struct VariancePart {
  double variance = 0;
  double freedom = 0;
};

/// Adds up independent parts; the degrees of freedom are those of Satterthwaite (1946) and Welch
/// (1947): (Σ v)² / Σ (v²/f). Where nothing spreads they are Σ f. Every freedom must be above 0.
LogDifference log_difference(double center, std::span<const VariancePart> parts);

/// Whether a value is finite and above 0.
bool has_logarithm(double value);

/// Logarithms of values that all have one.
std::vector<double> logs_of(std::span<const double> values);

/// The variance of the mean of these values; wants at least two.
VariancePart variance_of_mean(std::span<const double> values);

/// center ± t · error at a two-sided confidence (0.95) as a ratio. Nothing when a bound is beyond
/// what a double holds.
std::optional<Interval> ratio_interval(const LogDifference& difference, double confidence);

}  // namespace ridgeline::analysis
