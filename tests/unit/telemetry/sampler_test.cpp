// Reading at several rates, on a thread and without one.
#include "telemetry/sampler.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <limits>
#include <thread>

#include "base/clock.hpp"
#include "telemetry/scripted_source.hpp"

namespace ridgeline::telemetry {
namespace {

constexpr const char* kScript = R"({"domains":[
  {"id":"package-0","kind":"energy","power":100,"period":0.002},
  {"id":"package-0/power","kind":"power","power":100,"period":0.01,"fails":[[0,0.02]]},
  {"id":"clock","kind":"clock","power":2e9}]})";

std::vector<Channel> channels_of(Source& source) {
  return {{&source, 0, 1'000'000, {}, 0},
          {&source, 1, 5'000'000, {}, 0},
          {&source, 2, 5'000'000, {}, 0}};
}

TEST(Telemetry_Recorder, reads_each_channel_when_it_is_due) {
  std::int64_t ns = 0;
  auto source = open_scripted(kScript, [&] { return ns; });
  ASSERT_TRUE(source);
  Recorder recorder(channels_of(**source));
  for (ns = 0; ns <= 100'000'000; ns += 1'000'000) recorder.poll(ns);
  EXPECT_EQ(recorder.series()[0].ns.size(), 101u);
  EXPECT_EQ(recorder.series()[1].values.size(), 17u);
  EXPECT_EQ(recorder.series()[1].failed, 4);
  EXPECT_EQ(recorder.series()[2].values.size(), 21u);
  EXPECT_EQ(recorder.series()[2].values.front(), 2e9);
}

TEST(Telemetry_Recorder, a_late_poll_does_not_make_up_for_missed_ones) {
  std::int64_t ns = 0;
  auto source = open_scripted(kScript, [&] { return ns; });
  ASSERT_TRUE(source);
  Recorder recorder(channels_of(**source));
  recorder.poll(0);
  ns = 50'000'000;
  recorder.poll(ns);
  EXPECT_EQ(recorder.series()[0].ns.size(), 2u);
  EXPECT_EQ(recorder.due_ns(), 51'000'000);
}

TEST(Telemetry_Recorder, without_channels_nothing_is_ever_due) {
  Recorder recorder({});
  recorder.poll_all(5);
  EXPECT_EQ(recorder.due_ns(), std::numeric_limits<std::int64_t>::max());
}

TEST(Telemetry_Recorder, intervals_follow_the_period_within_bounds) {
  Domain domain;
  domain.kind = Kind::kEnergy;
  domain.update_period = 0.1;
  EXPECT_EQ(reading_interval_ns(domain), 5'000'000);
  domain.update_period = 0.001;
  EXPECT_EQ(reading_interval_ns(domain), 5'000'000);
  domain.update_period = 1;
  EXPECT_EQ(reading_interval_ns(domain), 50'000'000);
  domain.kind = Kind::kPower;
  domain.update_period = 0.02;
  EXPECT_EQ(reading_interval_ns(domain), 10'000'000);
  domain.kind = Kind::kTemperature;
  EXPECT_EQ(reading_interval_ns(domain), 500'000'000);
}

TEST(Telemetry_Sampler, reads_until_it_is_stopped_and_knows_its_cost) {
  auto source = open_scripted(kScript);
  ASSERT_TRUE(source);
  const std::int64_t begin = now_ns();
  Sampler sampler(channels_of(**source), 1);
  std::this_thread::sleep_for(std::chrono::milliseconds(60));
  const std::vector<Series> series = sampler.stop();
  ASSERT_EQ(series.size(), 3u);
  EXPECT_GT(series[0].ns.size(), 5u);
  EXPECT_GE(series[0].ns.front(), begin);
  EXPECT_LE(series[0].ns.back(), now_ns());
  EXPECT_GT(sampler.cost().wall_seconds, 0.03);
  EXPECT_GT(sampler.cost().cpu_seconds, 0);
  EXPECT_LT(sampler.cost().cpu_seconds, sampler.cost().wall_seconds);
  EXPECT_GE(sampler.cost().wakeups, static_cast<std::int64_t>(series[0].ns.size()) - 1);
}

TEST(Telemetry_Sampler, may_be_dropped_without_stopping_and_stops_at_once) {
  auto source = open_scripted(kScript);
  ASSERT_TRUE(source);
  const std::int64_t begin = now_ns();
  {
    const Sampler sampler({{source->get(), 2, 3600 * kNsPerSecond, {}, 0}}, 1);
  }
  {
    const Sampler idle({}, 1);
  }
  EXPECT_LT(now_ns() - begin, kNsPerSecond);
}

}  // namespace
}  // namespace ridgeline::telemetry
