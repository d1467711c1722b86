// Which exit ends the timing of one invocation, and how large its chunks are.
#include "measure/stop_rule.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "base/statistics.hpp"
#include "base/trend.hpp"
#include "unit/measure/simulated_worker.hpp"

namespace ridgeline::measure {
namespace {

using test::Noise;
using test::SimulatedWorker;
using test::time_invocation;

TEST(StopRule_Exit, is_precision_when_the_median_is_known_well) {
  Noise noise(1);
  SimulatedWorker worker(noise, [](auto, double) { return 1e-3; });
  const StopRule rule = time_invocation(worker, 10);
  ASSERT_EQ(rule.reason(), StopReason::kPrecision);
  EXPECT_GE(rule.seconds(), 0.5);
  EXPECT_LT(rule.seconds(), 2);
  const auto& median = rule.median();
  ASSERT_TRUE(median.has_value());
  EXPECT_LE((median->interval.high - median->interval.low) / 2, 0.005 * median->value);
  EXPECT_EQ(name(*rule.reason()), "precision");
}

TEST(StopRule_Exit, is_budget_when_the_slice_ends_first) {
  Noise noise(2);
  SimulatedWorker worker(noise, [](auto, double) { return 1e-2; }, 0.2);
  const StopRule rule = time_invocation(worker, 2);
  EXPECT_EQ(rule.reason(), StopReason::kBudget);
  EXPECT_NEAR(rule.seconds(), 2, 0.03);
  EXPECT_EQ(name(*rule.reason()), "budget");
}

TEST(StopRule_Exit, is_limit_when_the_calls_are_made) {
  Noise noise(3);
  SimulatedWorker worker(noise, [](auto, double) { return 1e-2; }, 0.2);
  StopOptions options;
  options.max_calls = 20;
  const StopRule rule = time_invocation(worker, 100, options);
  EXPECT_EQ(rule.reason(), StopReason::kLimit);
  EXPECT_EQ(rule.samples().size(), 20u);
  EXPECT_EQ(name(*rule.reason()), "limit");
}

TEST(StopRule_Exit, makes_a_call_even_without_budget) {
  Noise noise(4);
  SimulatedWorker worker(noise, [](auto, double) { return 2.0; });
  const StopRule rule = time_invocation(worker, 0);
  EXPECT_EQ(rule.reason(), StopReason::kBudget);
  EXPECT_EQ(rule.samples().size(), 1u);
}

TEST(StopRule_Exit, does_not_start_a_call_that_would_end_long_after_the_slice) {
  Noise noise(5);
  SimulatedWorker worker(noise, [](auto, double) { return 2.0; }, 0);
  const StopRule rule = time_invocation(worker, 8.5);
  EXPECT_EQ(rule.samples().size(), 4u);
  EXPECT_EQ(rule.reason(), StopReason::kBudget);
}

TEST(StopRule_Exit, is_not_precision_while_the_series_drifts) {
  // Enough noise to hide the trend from the interval of the median, not from the trend test.
  int by_budget = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Noise noise(seed);
    SimulatedWorker worker(noise, [](auto, double at) { return 1e-3 * (1 + 0.03 * at); }, 0.06, 0);
    const StopRule rule = time_invocation(worker, 4);
    by_budget += rule.reason() == StopReason::kBudget;
    if (rule.reason() == StopReason::kPrecision) {
      EXPECT_FALSE(detect_drift(rule.settled())->flagged) << seed;
    }
  }
  EXPECT_GT(by_budget, 5);
}

TEST(StopRule_Chunks, are_long_and_leave_no_crumb) {
  Noise noise(7);
  SimulatedWorker worker(noise, [](auto, double) { return 5e-3; }, 0.05);
  const Warmup warmup = test::warm_up(worker, 5);
  StopRule rule({}, 5, warmup);
  int chunks = 0;
  for (; !rule.done(); ++chunks) {
    const Chunk chunk = rule.next();
    EXPECT_GE(chunk.ns, 299'000'000);
    const double left = 5 - rule.seconds() - static_cast<double>(chunk.ns) * 1e-9;
    EXPECT_TRUE(left < 1e-6 || left >= 0.3) << left;
    rule.add(worker.run(chunk));
  }
  EXPECT_LE(chunks, 6);
}

TEST(StopRule_SlowStart, of_a_hundred_calls_does_not_leak_into_the_median) {
  // Alone, then with noise; calls of 0.1 ms, 1 ms and 10 ms.
  const struct {
    double call, slice;
  } cases[] = {{1e-4, 4}, {1e-3, 4}, {1e-2, 8}};
  for (const auto& [call, slice] : cases) {
    Noise noise(8);
    const auto ideal = [call = call](auto i, double) { return i < 100 ? 5 * call : call; };
    SimulatedWorker exact(noise, ideal, 0);
    EXPECT_NEAR(median(time_invocation(exact, slice).settled()) / call, 1, 1e-3) << call;
    StopOptions tight;
    tight.precision = 1e-4;  // uses the whole slice: the noise of the median itself is small
    double slow_start = 0;
    double flat = 0;
    for (std::uint64_t seed = 0; seed < 10; ++seed) {
      Noise one(seed);
      SimulatedWorker worker(one, ideal, 0.01);
      slow_start += median(time_invocation(worker, slice, tight).settled()) / call / 10;
      Noise other(seed);
      SimulatedWorker even(other, [call = call](auto, double) { return call; }, 0.01);
      flat += median(time_invocation(even, slice, tight).settled()) / call / 10;
    }
    EXPECT_NEAR(slow_start, 1, 1e-3) << call;
    EXPECT_NEAR(slow_start, flat, 1e-3) << call;
  }
}

TEST(StopRule_SlowStart, that_outlives_the_warm_up_is_cut_and_kept_as_samples) {
  Noise noise(9);
  SimulatedWorker worker(noise, [](auto, double at) { return at < 0.6 ? 1.5e-3 : 1e-3; });
  const StopRule rule = time_invocation(worker, 4);
  EXPECT_GT(rule.settled_from(), 100u);
  EXPECT_EQ(rule.settled().size() + rule.settled_from(), rule.samples().size());
  EXPECT_NEAR(median(rule.settled()), 1e-3, 5e-6);
}

TEST(StopRule_Samples, that_are_nonsense_are_counted_and_left_out) {
  StopRule rule({}, 4, Warmup({}, 4));
  rule.add(std::vector<double>{1, std::nan(""), -1, std::numeric_limits<double>::infinity(), 1});
  EXPECT_EQ(rule.invalid(), 3);
  EXPECT_EQ(rule.samples().size(), 2u);
  rule.add({});
  EXPECT_TRUE(rule.done()) << "a worker that runs nothing must not be asked for ever";
}

}  // namespace
}  // namespace ridgeline::measure
