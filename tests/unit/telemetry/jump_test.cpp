// Counters that are expensive to read: fewer readings, the same joules.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "telemetry/counter.hpp"
#include "telemetry/recorder.hpp"
#include "telemetry/scripted_source.hpp"

namespace ridgeline::telemetry {
namespace {

constexpr std::int64_t kInterval = 5'000'000;

TEST(Telemetry_Jump, cheap_counters_are_read_all_the_time) {
  EXPECT_EQ(jump_ns(0.1, 2e-6, kInterval), 0);
  EXPECT_EQ(jump_ns(0, 0.004, kInterval), 0);
  EXPECT_EQ(jump_ns(0.005, 0.004, kInterval) > 0, true);
}

TEST(Telemetry_Jump, expensive_ones_are_left_alone_for_some_periods) {
  const std::int64_t jump = jump_ns(0.1, 0.0041, kInterval);
  EXPECT_NEAR(1e-9 * static_cast<double>(jump), 0.99 * 0.4 - 0.005, 1e-6);
  // A slow counter is met at every tick.
  EXPECT_NEAR(1e-9 * static_cast<double>(jump_ns(1.0, 0.0041, kInterval)), 0.985, 1e-6);
}

TEST(Telemetry_Jump, few_readings_meet_ticks_closely_and_the_joules_stay_right) {
  for (const char* power :
       {"200", R"({"shape":"square","low":90,"high":330,"period":1.3,"duty":0.5})"}) {
    std::int64_t ns = 0;
    auto source =
        open_scripted(std::string(R"({"domains":[{"id":"a","kind":"energy","period":0.0999,
        "resolution":0.001,"power":)") +
                          power + "}]}",
                      [&] { return ns; });
    ASSERT_TRUE(source);
    Recorder recorder({{source->get(), 0, kInterval, 0.1, jump_ns(0.1, 0.0041, kInterval)}});
    std::mt19937_64 random(3);
    std::uniform_int_distribution<std::int64_t> late(0, 400'000);
    std::int64_t polls = 0;
    for (; ns < 9'000'000'000; ++polls) {
      recorder.poll(ns);
      ns = recorder.due_ns() + late(random);
    }
    EXPECT_LT(polls, 9 * 12) << power;  // reading all the time: 1,800
    const auto result = counter_delta(recorder.series()[0], {1'000'000'000, 8'000'000'000});
    ASSERT_TRUE(result.delta) << result.reason;
    EXPECT_GT(result.delta->span.seconds(), 6);
    const auto truth = [&](std::int64_t at) {
      const double t = 1e-9 * static_cast<double>(at);
      const double part = std::fmod(t, 1.3);
      return std::string(power) == "200"
                 ? 200 * t
                 : std::floor(t / 1.3) * (0.65 * 420) + 330 * std::min(part, 0.65) +
                       90 * std::max(0.0, part - 0.65);
    };
    const double expected = truth(result.delta->span.end_ns) - truth(result.delta->span.begin_ns);
    EXPECT_NEAR(result.delta->value, expected, result.delta->bound) << power;
    EXPECT_LT(result.delta->bound, 0.005 * expected) << power;
  }
}

}  // namespace
}  // namespace ridgeline::telemetry
