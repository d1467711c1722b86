// Known joules in, known joules out: every waveform, counter period, wrap and reset, on a clock
// that the test moves.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <random>

#include "base/clock.hpp"
#include "telemetry/counter.hpp"
#include "telemetry/recorder.hpp"
#include "telemetry/scripted_source.hpp"
#include "telemetry/waveform.hpp"
#include "telemetry/window_energy.hpp"

namespace ridgeline::telemetry {
namespace {

std::int64_t ns_of(double seconds) {
  return static_cast<std::int64_t>(std::llround(1e9 * seconds));
}

// A counter and a power reading of one boundary, read by a recorder on virtual time.
struct Bench {
  explicit Bench(const Json& domains) {
    const auto opened = open_scripted(Json{{"domains", domains}}.dump(), [this] { return ns; });
    EXPECT_TRUE(opened) << opened.error().message;
    source = std::move(const_cast<std::unique_ptr<Source>&>(*opened));
    std::vector<Channel> channels;
    for (std::size_t i = 0; i < source->probe().domains.size(); ++i) {
      channels.push_back({source.get(), i, reading_interval_ns(source->probe().domains[i]), {}, 0});
    }
    recorder.emplace(channels);
  }

  // Polls as a sampler does, each wake-up late by up to `jitter` seconds.
  void run(double seconds, double jitter = 2e-4) {
    std::mt19937_64 random(7);
    std::uniform_real_distribution<double> late(0, jitter);
    const std::int64_t end = ns_of(seconds);
    while (ns < end) {
      recorder->poll(ns);
      ns = std::max(ns + 1000, recorder->due_ns()) + ns_of(late(random));
    }
  }

  const Series& series(std::size_t i) const { return recorder->series()[i]; }

  std::int64_t ns = 0;
  std::unique_ptr<Source> source;
  std::optional<Recorder> recorder;
};

Json counter(const Json& power, double period, Json more = Json::object()) {
  Json domain = {{"id", "package-0"},
                 {"kind", "energy"},
                 {"power", power},
                 {"period", period},
                 {"resolution", 1e-3}};
  domain.update(more);
  return domain;
}

struct Load {
  const char* name;
  Json power;
};

std::vector<Load> loads() {
  return {{"constant", 137.0},
          {"ramp", {{"shape", "ramp"}, {"from", 60}, {"to", 400}, {"seconds", 30}}},
          {"slow square",
           {{"shape", "square"}, {"low", 70}, {"high", 350}, {"period", 0.731}, {"duty", 0.6}}},
          {"fast square",
           {{"shape", "square"}, {"low", 70}, {"high", 350}, {"period", 0.0037}, {"duty", 0.6}}},
          {"resonant square",
           {{"shape", "square"}, {"low", 70}, {"high", 210}, {"period", 0.1}, {"duty", 0.5}}},
          {"short", {{"shape", "steps"}, {"steps", {{0, 55}, {11.3, 420}, {13.9, 55}}}}}};
}

TEST(Energy_Golden, every_load_comes_out_within_its_bound_at_every_counter_period) {
  for (const Load& load : loads()) {
    const Waveform truth = *Waveform::from_json(load.power);
    for (const double period : {0.001, 0.01, 0.02, 0.1, 0.25, 1.0}) {
      Bench bench(Json::array({counter(load.power, period)}));
      bench.run(30);
      for (const Span window : {Span{ns_of(10), ns_of(15)}, Span{ns_of(11.3), ns_of(13.9)},
                                Span{ns_of(1.23), ns_of(28.77)}}) {
        const WindowResult result = window_energy(&bench.series(0), nullptr, window);
        const std::string what = fmt::format("{} at {} s", load.name, period);
        ASSERT_TRUE(result.energy) << what << ": " << result.reason;
        const Span& span = result.energy->span;
        const double expected =
            truth.joules(1e-9 * span.end_ns) - truth.joules(1e-9 * span.begin_ns);
        EXPECT_NEAR(result.energy->joules, expected, result.energy->bound) << what;
        // A bound that says nothing would hold as well.
        EXPECT_LT(result.energy->bound, 0.4 * expected) << what;
        EXPECT_GE(span.begin_ns, window.begin_ns);
        EXPECT_LE(span.end_ns, window.end_ns);
      }
    }
  }
}

TEST(Energy_Golden, the_bound_of_a_long_window_is_below_one_percent) {
  for (const double period : {0.001, 0.02, 0.1}) {
    Bench bench(Json::array({counter(200.0, period)}));
    bench.run(8);
    const auto energy = window_energy(&bench.series(0), nullptr, {ns_of(1), ns_of(7)}).energy;
    ASSERT_TRUE(energy);
    EXPECT_LT(energy->bound, 0.01 * energy->joules) << period;
    EXPECT_NEAR(energy->joules, 200 * energy->span.seconds(), energy->bound);
  }
}

TEST(Energy_Golden, a_wrap_within_the_window_does_not_show) {
  for (const double period : {0.001, 0.1, 1.0}) {
    // 262.144 J at 150 W: several wraps in the window.
    Bench bench(Json::array({counter(150.0, period, {{"wraps_at", 262.144}, {"start", 200.0}})}));
    bench.run(12);
    const auto energy = window_energy(&bench.series(0), nullptr, {ns_of(1), ns_of(11)}).energy;
    ASSERT_TRUE(energy);
    EXPECT_FALSE(energy->had_reset);
    EXPECT_NEAR(energy->joules, 150 * energy->span.seconds(), energy->bound) << period;
  }
}

TEST(Energy_Golden, after_a_reset_the_longer_part_is_used_and_said) {
  for (const double period : {0.001, 0.1, 1.0}) {
    for (const Json& wraps : {Json(), Json(262144.0)}) {
      Bench bench(Json::array(
          {counter(150.0, period, {{"resets", {4.44}}, {"wraps_at", wraps}, {"start", 5000.0}})}));
      bench.run(12);
      const auto energy = window_energy(&bench.series(0), nullptr, {ns_of(1), ns_of(11)}).energy;
      ASSERT_TRUE(energy);
      EXPECT_TRUE(energy->had_reset);
      EXPECT_GT(energy->span.begin_ns, ns_of(4.4));
      EXPECT_NEAR(energy->joules, 150 * energy->span.seconds(), energy->bound) << period;
    }
  }
}

TEST(Energy_Golden, a_window_shorter_than_the_period_has_a_reason_and_no_value) {
  Bench bench(Json::array({counter(150.0, 0.1)}));
  bench.run(4);
  const WindowResult result = window_energy(&bench.series(0), nullptr, {ns_of(2), ns_of(2.05)});
  EXPECT_FALSE(result.energy);
  EXPECT_NE(result.reason.find("shorter than the sensor's update period of 0.1 s"),
            std::string::npos)
      << result.reason;
  const WindowResult one_tick = window_energy(&bench.series(0), nullptr, {ns_of(2), ns_of(2.15)});
  EXPECT_FALSE(one_tick.energy);
  EXPECT_NE(one_tick.reason.find("two are needed"), std::string::npos) << one_tick.reason;
}

TEST(Energy_Golden, a_counter_that_stands_still_gives_way_to_power_and_says_why) {
  const Json power = {
      {"id", "package-0/power"}, {"kind", "power"}, {"power", 150}, {"period", 0.1}};
  Bench bench(Json::array({counter(0.0, 0.1), power}));
  bench.run(8);
  const auto energy =
      window_energy(&bench.series(0), &bench.series(1), {ns_of(1), ns_of(7)}).energy;
  ASSERT_TRUE(energy);
  EXPECT_EQ(energy->method, EnergyMethod::kIntegral);
  EXPECT_NEAR(energy->joules, 900, energy->bound);
  EXPECT_NE(energy->note.find("0 updates"), std::string::npos) << energy->note;
}

TEST(Energy_Golden, a_counter_with_a_wrong_unit_fails_its_self_check) {
  const Json power = {
      {"id", "package-0/power"}, {"kind", "power"}, {"power", 150}, {"period", 0.1}};
  Bench bench(Json::array({counter(18.0, 0.1), power}));
  bench.run(8);
  const auto energy =
      window_energy(&bench.series(0), &bench.series(1), {ns_of(1), ns_of(7)}).energy;
  ASSERT_TRUE(energy);
  EXPECT_EQ(energy->method, EnergyMethod::kIntegral);
  ASSERT_TRUE(energy->cross_check);
  EXPECT_NEAR(*energy->cross_check, 0.12, 0.01);
}

TEST(Energy_Golden, counter_and_power_of_one_boundary_agree) {
  const Json wave = {
      {"shape", "square"}, {"low", 90}, {"high", 300}, {"period", 1.7}, {"duty", 0.4}};
  const Json power = {
      {"id", "package-0/power"}, {"kind", "power"}, {"power", wave}, {"period", 0.1}};
  Bench bench(Json::array({counter(wave, 0.1), power}));
  bench.run(12);
  const auto energy =
      window_energy(&bench.series(0), &bench.series(1), {ns_of(1), ns_of(11)}).energy;
  ASSERT_TRUE(energy && energy->cross_check);
  EXPECT_NEAR(*energy->cross_check, 1, 0.05);
  EXPECT_EQ(energy->peak_watts, 300);
}

TEST(Energy_Golden, readings_that_fail_cost_precision_and_not_truth) {
  Bench bench(Json::array({counter(150.0, 0.1, {{"fails", {{3.0, 4.5}, {6.9, 7.2}}}})}));
  bench.run(9);
  EXPECT_GT(bench.series(0).failed, 0);
  const auto energy = window_energy(&bench.series(0), nullptr, {ns_of(1), ns_of(7)}).energy;
  ASSERT_TRUE(energy);
  EXPECT_NEAR(energy->joules, 150 * energy->span.seconds(), energy->bound);
}

TEST(Energy_Counter, the_update_period_is_found) {
  for (const double period : {0.02, 0.1, 1.0}) {
    Bench bench(Json::array({counter(150.0, period)}));
    bench.run(10);
    const auto found = update_period(bench.series(0));
    ASSERT_TRUE(found);
    EXPECT_NEAR(*found, period, 0.02 * period + 1e-3);
  }
}

TEST(Energy_Integral, few_samples_or_a_gap_give_a_reason) {
  const Json power = {
      {"id", "p"}, {"kind", "power"}, {"power", 150}, {"period", 0.1}, {"fails", {{3.0, 6.0}}}};
  Bench bench(Json::array({power}));
  bench.run(10);
  const WindowResult gap = window_energy(nullptr, &bench.series(0), {ns_of(1), ns_of(9)});
  EXPECT_FALSE(gap.energy);
  EXPECT_NE(gap.reason.find("no sample of power for"), std::string::npos) << gap.reason;
  const WindowResult few = window_energy(nullptr, &bench.series(0), {ns_of(1), ns_of(1.15)});
  EXPECT_FALSE(few.energy);
  EXPECT_NE(few.reason.find("are needed"), std::string::npos) << few.reason;
}

TEST(Energy_Waveform, joules_are_the_integral_of_watts) {
  for (const Load& load : loads()) {
    const Waveform wave = *Waveform::from_json(load.power);
    double sum = 0;
    constexpr double kStep = 1.7e-5;
    for (int i = 0; i < static_cast<int>(20 / kStep); ++i)
      sum += kStep * wave.watts((i + 0.5) * kStep);
    EXPECT_NEAR(wave.joules(20), sum, 1e-3 * sum) << load.name;
  }
}

TEST(Energy_Waveform, nonsense_is_refused) {
  for (const char* text :
       {R"(-1)", R"({"shape":"sine"})",
        R"({"shape":"square","low":1,"high":2,"period":0,"duty":1})",
        R"({"shape":"steps","steps":[[1,5]]})", R"({"shape":"ramp","from":1})", R"([])"}) {
    EXPECT_FALSE(Waveform::from_json(Json::parse(text))) << text;
  }
}

}  // namespace
}  // namespace ridgeline::telemetry
