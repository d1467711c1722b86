// The steps of a latency: known ones in their order, always adding up.
#include "analysis/waterfall.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "unit/analysis/scripted_case.hpp"

namespace ridgeline::analysis {
namespace {

using test::add_phase;
using test::add_throttle;
using test::cost_of;
using test::device_case;
using test::only_phase;
using test::value_metric;
using testing::HasSubstr;

double sum_of(const Waterfall& waterfall) {
  return std::accumulate(waterfall.steps.begin(), waterfall.steps.end(), 0.0,
                         [](double sum, const auto& step) { return sum + step.seconds; });
}

std::vector<double> seconds_of(const Waterfall& waterfall) {
  std::vector<double> seconds;
  for (const WaterfallStep& step : waterfall.steps) seconds.push_back(step.seconds);
  return seconds;
}

void expect_steps(const Waterfall& waterfall, const std::vector<double>& expected) {
  const std::vector<double> seconds = seconds_of(waterfall);
  ASSERT_EQ(seconds.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(seconds[i], expected[i], 1e-12) << waterfall.steps[i].id;
  }
}

// 800 GFLOP: 6.4 ms by the datasheet, 8 ms measured, 10 ms at the median; ops add 1 ms.
Json throttled_case() {
  Json record = device_case();
  Json cost = cost_of(800e9, 2e9);
  cost["ops"].push_back(test::op("elementwise", 4, 0, 0, 0.5e9, 0.5e9));
  Json& phase = add_phase(record, "prefill", 14e-3, cost);
  phase["metrics"]["latency.device"] = value_metric(13.6e-3);
  add_throttle(phase, "sw_power_cap", 8);
  return record;
}

TEST(Waterfall_Steps, are_what_was_put_in) {
  const Waterfall waterfall = only_phase(throttled_case()).waterfall;
  expect_steps(waterfall, {6.4e-3, 1.6e-3, 2e-3, 1e-3, 0.4e-3, 2.6e-3});
  EXPECT_NEAR(sum_of(waterfall), 14e-3, 1e-15);
  EXPECT_THAT(waterfall.steps[0].how, HasSubstr("the matrix products take 6.4 ms"));
  EXPECT_THAT(waterfall.steps[2].how, HasSubstr("80 % of its energy windows"));
  EXPECT_EQ(waterfall.steps[0].source, "datasheet");
  EXPECT_EQ(waterfall.steps[4].source, "timed");
}

TEST(Waterfall_Clock, takes_nothing_without_throttling) {
  Json record = throttled_case();
  add_throttle(record["phases"][0], "sw_power_cap", 0);
  const Waterfall waterfall = only_phase(record).waterfall;
  EXPECT_EQ(waterfall.steps[2].seconds, 0);
  EXPECT_THAT(waterfall.steps[2].how, HasSubstr("not held down"));
  record["phases"][0]["energy"] = nullptr;
  EXPECT_THAT(only_phase(record).waterfall.steps[2].how, HasSubstr("not known"));
}

TEST(Waterfall_Steps, are_cut_at_the_latency) {
  Json record = throttled_case();
  record["phases"][0]["metrics"]["latency"] = value_metric(9e-3);
  record["phases"][0]["metrics"]["latency.device"] = value_metric(8.9e-3);
  const Waterfall waterfall = only_phase(record).waterfall;
  expect_steps(waterfall, {6.4e-3, 1.6e-3, 1e-3, 0, 0, 0});
  EXPECT_THAT(waterfall.steps[2].how, HasSubstr("cut at the latency"));
}

TEST(Waterfall_Steps, on_a_cpu_have_no_launch_gaps) {
  Json record = test::cpu_case();
  add_phase(record, "decode", 10e-3, cost_of(1e9, 0.8e9, "float32"));
  const Waterfall waterfall = only_phase(record).waterfall;
  // The operands of a call fit the cache and come at its rate.
  expect_steps(waterfall, {0, 8e-3, 0, 0, 0, 2e-3});
  EXPECT_THAT(waterfall.steps[0].how, HasSubstr("not known"));
  EXPECT_THAT(waterfall.steps[4].how, HasSubstr("none on a CPU"));
}

TEST(Waterfall_Steps, without_ceilings_are_one_that_is_unexplained) {
  Json record = device_case();
  record["ceilings"] = nullptr;
  add_phase(record, "forward", 10e-3, cost_of(8e9, 2e9));
  const Waterfall waterfall = only_phase(record).waterfall;
  expect_steps(waterfall, {0, 0, 0, 0, 0, 10e-3});
  EXPECT_EQ(waterfall.steps.back().label, "Unexplained");
}

TEST(Waterfall_Steps, of_a_generation_know_prompt_and_steps) {
  Json record = device_case();
  record["workload"]["new_tokens"] = 11;
  record["cost"]["prefill"] = cost_of(200e9, 1e9);  // 2 ms of products
  record["cost"]["decode"] = cost_of(2e9, 1e9);     // 1 ms of bytes
  Json cost = cost_of(220e9, 2e9);
  cost["bytes_weights"] = 0.9e9;
  cost["ops"] = Json::array({test::op("matmul", 110, 220e9, 11 * 0.9e9, 1.1e9, 0)});
  add_phase(record, "generate", 15e-3, cost);
  const Waterfall waterfall = only_phase(record).waterfall;
  // Bytes 11 ms; one after another 2 + 10 ms.
  expect_steps(waterfall, {8.8e-3, 2.2e-3, 0, 1e-3, 0, 3e-3});
  EXPECT_THAT(waterfall.steps[3].how, HasSubstr("the prompt and each further step"));
}

TEST(Waterfall_Steps, add_up_for_any_latency) {
  for (const double latency : {1e-9, 1e-4, 6.4e-3, 8.0001e-3, 1.0, 1e6}) {
    Json record = throttled_case();
    record["phases"][0]["metrics"]["latency"] = value_metric(latency);
    const Waterfall waterfall = only_phase(record).waterfall;
    EXPECT_NEAR(sum_of(waterfall) / latency, 1, 1e-12);
    for (const WaterfallStep& step : waterfall.steps) EXPECT_GE(step.seconds, 0);
  }
}

TEST(Waterfall_Reason, is_that_of_the_missing_latency) {
  Json record = device_case();
  add_phase(record, "forward", 1);
  record["phases"][0]["metrics"]["latency"] = test::absent_metric("s", "no call was made");
  const Waterfall waterfall = only_phase(record).waterfall;
  EXPECT_TRUE(waterfall.steps.empty());
  EXPECT_EQ(waterfall.reason, "no call was made");
}

}  // namespace
}  // namespace ridgeline::analysis
