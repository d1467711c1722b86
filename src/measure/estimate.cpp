// From the samples of all invocations of a case to its numbers.
#include "measure/estimate.hpp"

#include <algorithm>
#include <cmath>

#include "base/order_statistics.hpp"
#include "base/power.hpp"
#include "base/series.hpp"
#include "base/student_t.hpp"

namespace ridgeline::measure {
namespace {

constexpr double kPercentiles[] = {0.5, 0.9, 0.95, 0.99, 0.999};

using Groups = std::vector<std::vector<double>>;

InvocationSummary summarize(const std::vector<double>& samples) {
  InvocationSummary summary;
  summary.n = static_cast<std::int64_t>(samples.size());
  if (samples.empty()) return summary;
  const std::vector<double> ascending = sorted_copy(samples);
  summary.median = quantile_sorted(ascending, 0.5);
  if (const auto within = series_quantile(samples, 0.5)) {
    summary.within = within->interval;
    summary.effective_samples = within->effective_samples;
  }
  summary.drift = detect_drift(samples);
  summary.outliers = tukey_outliers_sorted(ascending);
  return summary;
}

Estimate central(const std::vector<double>& medians, const std::vector<InvocationSummary>& all,
                 std::int64_t calls) {
  Estimate estimate;
  estimate.n = calls;
  if (medians.empty()) {
    estimate.reason = "no call completed";
    return estimate;
  }
  estimate.value = mean(medians);
  if (auto between = t_interval(medians)) {
    between->low = std::max(between->low, 0.0);  // a duration; two invocations can reach below
    estimate.ci95 = between;
    estimate.kind = IntervalKind::kBetweenInvocations;
    return estimate;
  }
  const auto only = std::find_if(all.begin(), all.end(), [](const auto& s) { return s.n > 0; });
  estimate.ci95 = only->within;
  if (estimate.ci95) {
    estimate.kind = IntervalKind::kWithinInvocation;
  } else {
    estimate.interval_reason = "one invocation with too few independent calls";
  }
  return estimate;
}

Estimate extreme(const std::vector<double>& pooled, double q) {
  Estimate estimate;
  estimate.n = static_cast<std::int64_t>(pooled.size());
  if (pooled.empty()) {
    estimate.reason = "no call completed";
  } else {
    estimate.value = quantile_sorted(pooled, q);
    estimate.interval_reason = "an extreme has no interval";
  }
  return estimate;
}

/// A percentile of all calls together, shown only where their number allows it.
Percentile percentile(double q, const Groups& groups, const std::vector<double>& pooled) {
  Percentile result{q, percentile_name(q), {}};
  Estimate& estimate = result.estimate;
  estimate.n = static_cast<std::int64_t>(pooled.size());
  if (auto refusal = quantile_refusal(q, estimate.n)) {
    estimate.reason = *refusal;
    return result;
  }
  estimate.value = quantile_sorted(pooled, q);
  if (groups.size() > 1) {
    estimate.interval_reason = "calls of one process are alike: no interval over several";
    return result;
  }
  // Near the limit an interval exists only where the samples happen to look independent; such ones
  // would cover too rarely, so twice the needed number is asked for.
  const auto within = series_quantile(groups.front(), q);
  const double needed = 2 * static_cast<double>(samples_needed_for_quantile(q));
  if (within && (q == 0.5 || within->effective_samples >= needed)) {
    estimate.ci95 = within->interval;
    estimate.kind = IntervalKind::kWithinInvocation;
  } else {
    estimate.interval_reason = "too few independent calls";
  }
  return result;
}

}  // namespace

std::string_view name(IntervalKind kind) {
  switch (kind) {
    case IntervalKind::kBetweenInvocations:
      return "between_invocations";
    case IntervalKind::kWithinInvocation:
      return "within_invocation";
    case IntervalKind::kNone:
      break;
  }
  return "";
}

LatencyEstimate estimate_latency(std::span<const std::vector<double>> invocations) {
  LatencyEstimate result;
  Groups groups;
  std::vector<double> pooled;
  std::vector<double> medians;
  for (const std::vector<double>& samples : invocations) {
    std::vector<double> valid;
    valid.reserve(samples.size());
    for (double value : samples) {
      if (std::isfinite(value) && value >= 0) valid.push_back(value);
    }
    result.invalid += static_cast<std::int64_t>(samples.size() - valid.size());
    const InvocationSummary& summary = result.invocations.emplace_back(summarize(valid));
    if (summary.drift && summary.drift->flagged) ++result.drifting;
    result.outliers += summary.outliers.low + summary.outliers.high;
    if (!summary.median) continue;
    medians.push_back(*summary.median);
    pooled.insert(pooled.end(), valid.begin(), valid.end());
    groups.push_back(std::move(valid));
  }
  std::sort(pooled.begin(), pooled.end());

  result.latency = central(medians, result.invocations, static_cast<std::int64_t>(pooled.size()));
  result.minimum = extreme(pooled, 0);
  result.maximum = extreme(pooled, 1);
  for (double q : kPercentiles) result.percentiles.push_back(percentile(q, groups, pooled));
  if (medians.size() >= 2 && mean(medians) > 0) {
    const auto count = static_cast<std::int64_t>(medians.size());
    result.spread = sample_sd(medians) / mean(medians);
    result.smallest_detectable = smallest_detectable_difference(*result.spread, count, count);
  }
  return result;
}

Estimate throughput(const Estimate& latency, double items_per_call) {
  Estimate result;
  result.n = latency.n;
  result.reason = latency.reason;
  result.interval_reason = latency.interval_reason;
  if (!latency.value) return result;
  if (!(*latency.value > 0) || !(items_per_call > 0)) {
    result.reason = "the latency or the number of items is zero";
    return result;
  }
  result.value = items_per_call / *latency.value;
  if (!latency.ci95) return result;
  if (!(latency.ci95->low > 0)) {
    result.interval_reason = "the interval of the latency reaches zero";
    return result;
  }
  result.ci95 = Interval{items_per_call / latency.ci95->high, items_per_call / latency.ci95->low};
  result.kind = latency.kind;
  return result;
}

std::optional<double> relative_half_width(const Estimate& estimate) {
  if (!estimate.value || !estimate.ci95 || !(*estimate.value > 0)) return std::nullopt;
  return (estimate.ci95->high - estimate.ci95->low) / 2 / *estimate.value;
}

}  // namespace ridgeline::measure
