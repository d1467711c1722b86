// How the latencies of a case are distributed, from its raw samples.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/json.hpp"

namespace ridgeline::report {

/// Quantiles of an invocation: p0, p1, … p100.
inline constexpr std::size_t kQuantiles = 101;
/// Most bins of a histogram.
inline constexpr std::size_t kMostBins = 60;

/// The quantiles of ascending values, at equal steps from the least to the greatest; not empty.
std::vector<double> quantiles_of(std::span<const double> ascending, std::size_t count = kQuantiles);

struct Histogram {
  std::vector<double> edges;  ///< one more than counts
  std::vector<long> counts;   ///< values below the first and above the last edge are in the ends
};

/// Equal bins from the 0.5 % to the 99.5 % quantile (of few values, or where these are equal, from
/// the least to the greatest), as many as Freedman and Diaconis (1981) give, at most kMostBins. Of
/// values that are all equal: one bin around them.
Histogram histogram_of(std::span<const double> ascending, std::size_t most_bins = kMostBins);

/// By phase: {"n","invocations":[{"index","n","quantiles":[101 × s]}],"histogram":{"edges",
/// "counts"}} over the timed calls of all invocations; where there are none {"n":0, …,
/// "histogram":null,"reason"}. An invocation whose file cannot be used is
/// {"index","n":0,"reason"}. `folder` is what the record's paths are relative to.
Json distributions(const Json& record, const std::string& folder);

/// `value` with `digits` significant digits, as a number: shorter in JSON.
double rounded(double value, int digits);

}  // namespace ridgeline::report
