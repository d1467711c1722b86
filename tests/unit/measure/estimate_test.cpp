// From samples to numbers: golden cases, percentiles by n, intervals by kind.
#include "measure/estimate.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "unit/measure/simulated_worker.hpp"

namespace ridgeline::measure {
namespace {

using Invocations = std::vector<std::vector<double>>;

const Percentile& find(const LatencyEstimate& estimate, const std::string& name) {
  return *std::find_if(estimate.percentiles.begin(), estimate.percentiles.end(),
                       [&](const Percentile& p) { return p.name == name; });
}

// Five warm-ups of 50 ms, then a true 10 ms: the case in which warm-up counted as sample one gives
// a mean of 12 ms, a maximum of 50 ms and 80 calls a second.
TEST(Estimate_Golden, warm_up_is_neither_in_the_samples_nor_in_the_throughput) {
  test::Noise noise(1);
  test::SimulatedWorker worker(noise, [](auto call, double) { return call < 5 ? 0.05 : 0.01; }, 0);
  WarmupOptions warmup;
  warmup.exact_calls = 5;
  StopOptions stop;
  stop.max_calls = 20;
  const StopRule rule = test::time_invocation(worker, 100, stop, warmup);
  EXPECT_EQ(rule.reason(), StopReason::kLimit);
  const Invocations samples{{rule.settled().begin(), rule.settled().end()}};
  ASSERT_EQ(samples[0].size(), 20u);
  EXPECT_DOUBLE_EQ(mean(samples[0]), 0.01);

  const LatencyEstimate estimate = estimate_latency(samples);
  EXPECT_DOUBLE_EQ(*estimate.latency.value, 0.01);
  EXPECT_DOUBLE_EQ(*estimate.maximum.value, 0.01);
  EXPECT_DOUBLE_EQ(*estimate.minimum.value, 0.01);
  EXPECT_EQ(estimate.latency.n, 20);
  const Estimate rate = throughput(estimate.latency, 1);
  EXPECT_DOUBLE_EQ(*rate.value, 100);
  EXPECT_DOUBLE_EQ(*rate.value * mean(samples[0]), 1);
}

TEST(Estimate_Golden, the_automatic_warm_up_gives_the_same_answer) {
  test::Noise noise(1);
  test::SimulatedWorker worker(noise, [](auto call, double) { return call < 5 ? 0.05 : 0.01; }, 0);
  StopOptions stop;
  stop.max_calls = 20;
  const StopRule rule = test::time_invocation(worker, 10, stop);
  ASSERT_EQ(rule.settled().size(), 20u);
  const LatencyEstimate estimate =
      estimate_latency(Invocations{{rule.settled().begin(), rule.settled().end()}});
  EXPECT_DOUBLE_EQ(*estimate.latency.value, 0.01);
  EXPECT_DOUBLE_EQ(*estimate.maximum.value, 0.01);
}

TEST(Estimate_Percentiles, appear_only_where_the_number_of_calls_allows) {
  test::Noise noise(2);
  const auto with = [&](std::size_t n) {
    return estimate_latency(Invocations{test::ar_series(noise, n, 0)});
  };
  const LatencyEstimate twenty = with(20);
  EXPECT_TRUE(find(twenty, "p50").estimate.value.has_value());
  EXPECT_FALSE(find(twenty, "p90").estimate.value.has_value());
  EXPECT_FALSE(find(twenty, "p95").estimate.value.has_value());
  EXPECT_EQ(find(twenty, "p95").estimate.reason, "n=20, p95 needs 59");
  EXPECT_EQ(find(twenty, "p99").estimate.reason, "n=20, p99 needs 299");
  EXPECT_TRUE(twenty.maximum.value.has_value());
  EXPECT_FALSE(find(with(58), "p95").estimate.value.has_value());
  EXPECT_TRUE(find(with(59), "p95").estimate.value.has_value());
  EXPECT_FALSE(find(with(298), "p99").estimate.value.has_value());
  EXPECT_TRUE(find(with(299), "p99").estimate.value.has_value());
}

TEST(Estimate_Percentiles, are_of_all_invocations_together) {
  std::vector<double> first;
  std::vector<double> second;
  for (int i = 1; i <= 50; ++i) {
    first.push_back(i);
    second.push_back(50 + i);
  }
  const LatencyEstimate estimate = estimate_latency(Invocations{first, second});
  EXPECT_DOUBLE_EQ(*find(estimate, "p90").estimate.value, 90.1);  // type 7 of 1 … 100
  EXPECT_EQ(find(estimate, "p90").estimate.n, 100);
  EXPECT_DOUBLE_EQ(*estimate.maximum.value, 100);
  EXPECT_FALSE(find(estimate, "p90").estimate.ci95.has_value());
  EXPECT_NE(find(estimate, "p90").estimate.interval_reason, "");
}

TEST(Estimate_Interval, is_the_t_interval_of_invocation_medians) {
  const Invocations invocations{{9, 9, 99}, {10, 1, 10}, {14, 14, 14}};
  const LatencyEstimate estimate = estimate_latency(invocations);
  EXPECT_DOUBLE_EQ(*estimate.latency.value, 11);
  ASSERT_TRUE(estimate.latency.ci95.has_value());
  const double sd = std::sqrt(7.0);  // of 9, 10, 14
  const double reach = 4.3026527297495 * sd / std::sqrt(3.0);
  EXPECT_NEAR(estimate.latency.ci95->low, 11 - reach, 1e-9);
  EXPECT_NEAR(estimate.latency.ci95->high, 11 + reach, 1e-9);
  EXPECT_EQ(name(estimate.latency.kind), "between_invocations");
  EXPECT_DOUBLE_EQ(*estimate.spread, sd / 11);
  EXPECT_NEAR(*relative_half_width(estimate.latency), reach / 11, 1e-9);
  EXPECT_GT(*estimate.smallest_detectable, 0.1);
}

TEST(Estimate_Interval, of_one_invocation_says_that_it_is_only_within) {
  test::Noise noise(3);
  const LatencyEstimate estimate =
      estimate_latency(Invocations{test::ar_series(noise, 200, 0.5, 0.02)});
  ASSERT_TRUE(estimate.latency.ci95.has_value());
  EXPECT_EQ(name(estimate.latency.kind), "within_invocation");
  EXPECT_LT(estimate.latency.ci95->low, 0.02);
  EXPECT_GT(estimate.latency.ci95->high, 0.0199);
  EXPECT_FALSE(estimate.spread.has_value());
  EXPECT_FALSE(estimate.smallest_detectable.has_value());
  EXPECT_GT(estimate.invocations[0].effective_samples, 20);
  EXPECT_LT(estimate.invocations[0].effective_samples, 150);
}

TEST(Estimate_Interval, is_absent_with_a_reason_when_calls_are_too_few) {
  const LatencyEstimate estimate = estimate_latency(Invocations{{1, 2, 3}});
  EXPECT_EQ(*estimate.latency.value, 2);
  EXPECT_FALSE(estimate.latency.ci95.has_value());
  EXPECT_NE(estimate.latency.interval_reason, "");
  EXPECT_EQ(name(estimate.latency.kind), "");
}

TEST(Estimate_Interval, of_two_wild_invocations_stays_a_duration) {
  const LatencyEstimate estimate = estimate_latency(Invocations{{1}, {2}});
  EXPECT_EQ(estimate.latency.ci95->low, 0);
  const Estimate rate = throughput(estimate.latency, 3);
  EXPECT_DOUBLE_EQ(*rate.value, 2);
  EXPECT_FALSE(rate.ci95.has_value());
  EXPECT_NE(rate.interval_reason, "");
}

TEST(Estimate_Throughput, turns_the_interval_over) {
  Estimate latency;
  latency.value = 0.02;
  latency.ci95 = Interval{0.016, 0.025};
  latency.kind = IntervalKind::kBetweenInvocations;
  latency.n = 7;
  const Estimate rate = throughput(latency, 8);
  EXPECT_DOUBLE_EQ(*rate.value, 400);
  EXPECT_DOUBLE_EQ(rate.ci95->low, 320);
  EXPECT_DOUBLE_EQ(rate.ci95->high, 500);
  EXPECT_EQ(rate.kind, latency.kind);
  EXPECT_EQ(rate.n, 7);
}

TEST(Estimate_Absence, has_a_reason_and_is_never_zero) {
  const LatencyEstimate nothing = estimate_latency({});
  EXPECT_FALSE(nothing.latency.value.has_value());
  EXPECT_EQ(nothing.latency.reason, "no call completed");
  EXPECT_FALSE(nothing.maximum.value.has_value());
  EXPECT_EQ(find(nothing, "p50").estimate.reason, "n=0, p50 needs 6");
  EXPECT_FALSE(throughput(nothing.latency, 1).value.has_value());
  Estimate zero;
  zero.value = 0;
  EXPECT_FALSE(throughput(zero, 1).value.has_value());
}

TEST(Estimate_Absence, of_one_invocation_leaves_the_others) {
  const LatencyEstimate estimate =
      estimate_latency(Invocations{{}, {2, 2, std::nan(""), 2}, {4, 4, 4, -1}});
  EXPECT_EQ(*estimate.latency.value, 3);
  EXPECT_EQ(estimate.latency.n, 6);
  EXPECT_EQ(estimate.invalid, 2);
  ASSERT_EQ(estimate.invocations.size(), 3u);
  EXPECT_EQ(estimate.invocations[0].n, 0);
  EXPECT_FALSE(estimate.invocations[0].median.has_value());
}

TEST(Estimate_Flags, drift_and_outliers_are_counted_per_invocation) {
  test::Noise noise(4);
  std::vector<double> drifting = test::ar_series(noise, 500, 0.5);
  for (std::size_t i = 0; i < drifting.size(); ++i) {
    drifting[i] *= 1 + 0.05 * static_cast<double>(i) / 500;
  }
  std::vector<double> steady = test::ar_series(noise, 500, 0.5);
  steady[100] = 9;
  const LatencyEstimate estimate = estimate_latency(Invocations{drifting, steady});
  EXPECT_EQ(estimate.drifting, 1);
  EXPECT_TRUE(estimate.invocations[0].drift->flagged);
  EXPECT_FALSE(estimate.invocations[1].drift->flagged);
  EXPECT_GE(estimate.invocations[1].outliers.severe, 1);
  EXPECT_EQ(*estimate.maximum.value, 9) << "outliers are kept";
}

}  // namespace
}  // namespace ridgeline::measure
