// Do 95 % intervals cover the truth 95 % of the time? 2,000 simulated measurements for each number
// of invocations, through the real warm-up rule, stop rule and estimate.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "measure/estimate.hpp"
#include "unit/measure/simulated_worker.hpp"

namespace ridgeline::measure {
namespace {

constexpr int kRuns = 2000;
constexpr double kCall = 0.005;
constexpr double kSlice = 2;

struct Simulated {
  std::vector<std::vector<double>> invocations;
  double last_level = 0;  ///< the true median of the last process
  int cut = 0;            ///< invocations whose first samples were taken off
  int by_precision = 0;   ///< invocations that the stop rule ended before the slice was spent
};

/// One measurement: processes whose levels spread by 1 %, AR(0.5) noise of 1 % in each, a first
/// call that is eight times as slow, and a start that settles over some tens of milliseconds.
Simulated measure_once(test::Noise& noise, int invocations) {
  Simulated result;
  for (int i = 0; i < invocations; ++i) {
    const double level = kCall * (1 + 0.01 * noise.normal());
    const double height = 0.2 + 0.6 * noise.uniform();
    const double tau = 0.02 + 0.03 * noise.uniform();
    test::SimulatedWorker worker(noise, [=](std::int64_t call, double at) {
      return level * (call == 0 ? 8 : 1 + height * std::exp(-at / tau));
    });
    const StopRule rule = test::time_invocation(worker, kSlice);
    result.invocations.emplace_back(rule.settled().begin(), rule.settled().end());
    result.cut += rule.settled_from() > 0;
    result.by_precision += rule.reason() == StopReason::kPrecision;
    result.last_level = level;
  }
  return result;
}

class Coverage : public testing::TestWithParam<int> {};

TEST_P(Coverage, of_the_interval_between_invocations_is_as_stated) {
  test::Noise noise(1000 + static_cast<std::uint64_t>(GetParam()));
  int covered = 0;
  int drifting = 0;
  int cut = 0;
  int by_precision = 0;
  double bias = 0;
  for (int run = 0; run < kRuns; ++run) {
    const Simulated simulated = measure_once(noise, GetParam());
    const LatencyEstimate estimate = estimate_latency(simulated.invocations);
    ASSERT_EQ(estimate.latency.kind, IntervalKind::kBetweenInvocations);
    covered += estimate.latency.ci95->low <= kCall && kCall <= estimate.latency.ci95->high;
    bias += (*estimate.latency.value / kCall - 1) / kRuns;
    drifting += static_cast<int>(estimate.drifting);
    cut += simulated.cut;
    by_precision += simulated.by_precision;
  }
  const double share = static_cast<double>(covered) / kRuns;
  const double processes = static_cast<double>(kRuns) * GetParam();
  RecordProperty("coverage", std::to_string(share));
  RecordProperty("bias", std::to_string(bias));
  std::printf("%d invocations: %.2f %% covered, bias %+.4f %%, drift in %.2f %%, cut %.2f %%\n",
              GetParam(), 100 * share, 100 * bias, 100 * drifting / processes,
              100 * cut / processes);
  EXPECT_GE(share, 0.93);
  EXPECT_LE(share, 0.97);
  EXPECT_LT(std::abs(bias), 1e-3);
  EXPECT_LT(drifting, 0.02 * processes);
  EXPECT_LT(cut, 0.02 * processes);
  EXPECT_GT(by_precision, processes / 2) << "the early exit must be part of what is tested";
}

INSTANTIATE_TEST_SUITE_P(Estimate, Coverage, testing::Values(3, 5, 8));

TEST(Estimate_Coverage, of_the_interval_within_one_process_is_as_stated) {
  test::Noise noise(77);
  int covered = 0;
  int shown = 0;
  for (int run = 0; run < kRuns; ++run) {
    const Simulated simulated = measure_once(noise, 1);
    const LatencyEstimate estimate = estimate_latency(simulated.invocations);
    if (!estimate.latency.ci95) continue;
    ASSERT_EQ(estimate.latency.kind, IntervalKind::kWithinInvocation);
    ++shown;
    covered += estimate.latency.ci95->low <= simulated.last_level &&
               simulated.last_level <= estimate.latency.ci95->high;
  }
  std::printf("within one process: %.2f %% of %d covered\n", 100.0 * covered / shown, shown);
  EXPECT_GE(shown, kRuns * 99 / 100);
  EXPECT_GE(covered, shown * 93 / 100);
}

}  // namespace
}  // namespace ridgeline::measure
