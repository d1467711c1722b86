// From the samples of all invocations of a case to its numbers, each with an honest interval.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/statistics.hpp"
#include "base/trend.hpp"

namespace ridgeline::measure {

enum class IntervalKind {
  kNone,
  kBetweenInvocations,  ///< where another run of the same command would come out
  kWithinInvocation,    ///< only this process: another one may lie elsewhere
};

/// "between_invocations", "within_invocation", or empty for none, as in the record.
std::string_view name(IntervalKind kind);

/// A number, or why there is none.
struct Estimate {
  std::optional<double> value;
  std::optional<Interval> ci95;
  IntervalKind kind = IntervalKind::kNone;
  std::int64_t n = 0;           ///< calls it rests on
  std::string reason;           ///< why there is no value
  std::string interval_reason;  ///< why there is a value without an interval
};

struct Percentile {
  double q = 0;
  std::string name;  ///< "p95"
  Estimate estimate;
};

struct InvocationSummary {
  std::int64_t n = 0;
  std::optional<double> median;    ///< seconds
  std::optional<Interval> within;  ///< 95 % interval of the process's own median
  double effective_samples = 0;    ///< n less what autocorrelation costs; 0 when unknown
  std::optional<Drift> drift;      ///< nothing below ten calls
  OutlierCount outliers;           ///< counted and kept
};

struct LatencyEstimate {
  /// The mean of the invocation medians, with a t interval (one less degrees of freedom than
  /// invocations). The mean, because that is what the t interval is an interval of: one around the
  /// median of five medians would be a fifth too narrow for its centre.
  Estimate latency;
  Estimate minimum;
  Estimate maximum;
  /// p50, p90, p95, p99, p99.9 of all calls together, each shown only where their number allows it
  /// (samples_needed_for_quantile). An interval stands only beside those of a single invocation:
  /// over several, the spread between processes would need dozens of them (in simulation with five,
  /// the intervals that can be formed cover 75 %).
  std::vector<Percentile> percentiles;
  std::vector<InvocationSummary> invocations;
  std::optional<double> spread;  ///< sd of the invocation medians / their mean; from two on
  /// The smallest relative difference that a comparison of two such cases would show in four runs
  /// of five (margin 1 %).
  std::optional<double> smallest_detectable;
  std::int64_t drifting = 0;  ///< invocations with a flagged drift
  std::int64_t outliers = 0;  ///< calls outside Tukey's fences of their invocation
  std::int64_t invalid = 0;   ///< durations that were not finite or negative: left out
};

/// `invocations`: the settled durations in seconds of each process, in order. Empty ones are
/// skipped (they keep their summary).
LatencyEstimate estimate_latency(std::span<const std::vector<double>> invocations);

/// items / latency, in items per second, the interval turned over with it. Value times latency is
/// always the number of items.
Estimate throughput(const Estimate& latency, double items_per_call);

/// Half of the interval's width relative to the value; nothing without both.
std::optional<double> relative_half_width(const Estimate& estimate);

}  // namespace ridgeline::measure
