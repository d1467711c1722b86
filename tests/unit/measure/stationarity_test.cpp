// The warm-up rule on the shapes real processes have, and the cut of what it let through.
#include "measure/stationarity.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "unit/measure/simulated_worker.hpp"

namespace ridgeline::measure {
namespace {

using test::Noise;
using test::SimulatedWorker;
using test::warm_up;

TEST(Warmup_Rule, ends_soon_when_nothing_changes) {
  Noise noise(1);
  SimulatedWorker worker(noise, [](auto, double) { return 1e-3; });
  const Warmup warmup = warm_up(worker, 4);
  EXPECT_TRUE(warmup.done());
  EXPECT_TRUE(warmup.stationary());
  EXPECT_GE(warmup.calls(), 128);
  EXPECT_LT(warmup.seconds(), 0.4);
  EXPECT_EQ(warmup.calls(), worker.calls());
}

TEST(Warmup_Rule, sees_the_far_side_of_a_hundred_slow_calls) {
  Noise noise(2);
  SimulatedWorker worker(noise, [](auto call, double) { return call < 100 ? 5e-4 : 1e-4; });
  const Warmup warmup = warm_up(worker, 4);
  EXPECT_TRUE(warmup.stationary());
  EXPECT_GT(warmup.calls(), 100);
  EXPECT_NEAR(warmup.call_seconds(), 1e-4, 5e-6);
}

TEST(Warmup_Rule, outlasts_exponential_settling_of_any_length) {
  for (double tau : {0.03, 0.1, 0.3}) {
    Noise noise(3);
    SimulatedWorker worker(
        noise, [tau](auto, double at) { return 1e-3 * (1 + 0.5 * std::exp(-at / tau)); }, 0.002);
    const Warmup warmup = warm_up(worker, 40 * tau);
    EXPECT_TRUE(warmup.stationary()) << tau;
    const double left = 0.5 * std::exp(-worker.clock() / tau);
    EXPECT_LT(left, 0.01) << tau;
  }
}

TEST(Warmup_Rule, waits_out_a_clock_drop) {
  Noise noise(4);
  SimulatedWorker worker(noise, [](auto, double at) { return at < 0.1 ? 1e-3 : 1.2e-3; }, 0.002);
  const Warmup warmup = warm_up(worker, 4);
  EXPECT_TRUE(warmup.stationary());
  EXPECT_NEAR(warmup.call_seconds(), 1.2e-3, 1e-5);
}

TEST(Warmup_Rule, accepts_noise_that_never_agrees_within_one_percent) {
  int stationary = 0;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    Noise noise(seed);
    SimulatedWorker fast_and_slow(
        noise, [&noise](auto, double) { return noise.uniform() < 0.5 ? 1e-2 : 1.1e-2; });
    stationary += warm_up(fast_and_slow, 8).stationary();
    SimulatedWorker wild(noise, [](auto, double) { return 1e-2; }, 0.1);
    stationary += warm_up(wild, 8).stationary();
  }
  EXPECT_GE(stationary, 90);
}

TEST(Warmup_Rule, refuses_a_trend_and_ends_at_its_cap) {
  Noise noise(6);
  SimulatedWorker worker(noise, [](auto, double at) { return 1e-3 * (1 + at); }, 0.001);
  const Warmup warmup = warm_up(worker, 4);
  EXPECT_TRUE(warmup.done());
  EXPECT_FALSE(warmup.stationary());
  EXPECT_LE(warmup.seconds(), 1.01);
}

TEST(Warmup_Rule, is_affordable_when_a_call_takes_seconds) {
  Noise noise(7);
  SimulatedWorker worker(noise, [](auto call, double) { return call == 0 ? 3.0 : 2.0; });
  const Warmup warmup = warm_up(worker, 10);
  EXPECT_EQ(warmup.calls(), 2);
  EXPECT_FALSE(warmup.stationary());
  EXPECT_NEAR(*warmup.first_call(), 3, 0.2);
  SimulatedWorker slower(noise, [](auto, double) { return 60.0; });
  EXPECT_EQ(warm_up(slower, 10).calls(), 1);
}

TEST(Warmup_Rule, is_not_ended_by_a_long_first_call) {
  Noise noise(8);
  SimulatedWorker worker(noise, [](auto call, double) { return call == 0 ? 2.0 : 5e-3; });
  const Warmup warmup = warm_up(worker, 4);
  EXPECT_TRUE(warmup.stationary());
  EXPECT_GT(warmup.calls(), 20);
  EXPECT_NEAR(warmup.call_seconds(), 5e-3, 2e-4);
}

TEST(Warmup_Rule, sizes_blocks_of_tiny_calls_by_time) {
  Noise noise(9);
  SimulatedWorker worker(noise, [](auto, double) { return 5e-6; });
  Warmup warmup({}, 4);
  EXPECT_EQ(warmup.next().calls, 1);
  int blocks = 0;
  for (; !warmup.done(); ++blocks) warmup.add(worker.run(warmup.next()));
  EXPECT_TRUE(warmup.stationary());
  EXPECT_LE(blocks, 12);
  EXPECT_GT(warmup.calls(), 1000);
}

TEST(Warmup_Rule, makes_exactly_the_calls_asked_for) {
  Noise noise(10);
  for (std::int64_t calls : {1, 3, 5, 17, 100}) {
    SimulatedWorker worker(noise, [](auto, double) { return 1e-3; });
    WarmupOptions options;
    options.exact_calls = calls;
    EXPECT_EQ(warm_up(worker, 4, options).calls(), calls);
    EXPECT_EQ(worker.calls(), calls);
  }
  WarmupOptions none;
  none.exact_calls = 0;
  EXPECT_TRUE(Warmup(none, 4).done());
}

TEST(Warmup_Rule, survives_nonsense) {
  Warmup warmup({}, std::nan(""));
  warmup.add(std::vector<double>{});
  EXPECT_TRUE(warmup.done()) << "a worker that runs nothing must not be asked for ever";
  EXPECT_FALSE(warmup.first_call().has_value());
  Warmup odd({}, 4);
  odd.add(std::vector<double>{std::nan(""), -1, std::numeric_limits<double>::infinity()});
  EXPECT_EQ(odd.call_seconds(), 0);
  EXPECT_FALSE(odd.done());
  for (int i = 0; i < 2000 && !odd.done(); ++i) odd.add(std::vector<double>(100, 0.0));
  EXPECT_TRUE(odd.done()) << "calls of no duration at all agree";
}

TEST(Warmup_UnsettledPrefix, cuts_a_slow_start_and_nothing_else) {
  Noise noise(12);
  std::vector<double> series = test::ar_series(noise, 1000, 0.5);
  EXPECT_EQ(unsettled_prefix(series), 0u);
  for (std::size_t i = 0; i < 150; ++i) series[i] *= 5;
  const std::size_t cut = unsettled_prefix(series);
  EXPECT_GE(cut, 140u);
  EXPECT_LE(cut, 160u);
}

TEST(Warmup_UnsettledPrefix, keeps_single_outliers_and_late_steps) {
  Noise noise(13);
  std::vector<double> spiked = test::ar_series(noise, 1000, 0.5);
  spiked[0] *= 50;
  spiked[5] *= 50;
  EXPECT_EQ(unsettled_prefix(spiked), 0u);
  std::vector<double> late = test::ar_series(noise, 1000, 0.5);
  for (std::size_t i = 0; i < 700; ++i) late[i] *= 5;
  EXPECT_EQ(unsettled_prefix(late), 0u) << "more than half: that is drift, not warm-up";
  EXPECT_EQ(unsettled_prefix(std::vector<double>(19, 1.0)), 0u);
  EXPECT_EQ(unsettled_prefix({}), 0u);
}

TEST(Warmup_UnsettledPrefix, hardly_ever_cuts_stationary_noise) {
  Noise noise(14);
  for (std::size_t n : {20u, 40u, 200u, 1000u}) {
    int cut = 0;
    for (int run = 0; run < 1000; ++run) {
      cut += unsettled_prefix(test::ar_series(noise, n, 0.5)) > 0;
    }
    EXPECT_LE(cut, n < 40 ? 25 : 8) << n;
  }
}

}  // namespace
}  // namespace ridgeline::measure
