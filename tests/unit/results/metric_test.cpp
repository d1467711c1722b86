// Metrics: provenance, absence, derivation.
#include "results/metric.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

namespace ridgeline::results {
namespace {

using Values = std::vector<double>;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

double quotient(const Values& v) {
  return v[0] / v[1];
}

TEST(Results_Metric, refuses_what_is_not_finite) {
  for (const double value : {std::nan(""), kInfinity, -kInfinity}) {
    const Metric metric = measured(value, "s", Source::kTimed);
    EXPECT_FALSE(metric.value);
    EXPECT_NE(metric.reason.find("finite"), std::string::npos);
  }
}

TEST(Results_Metric, has_a_reason_when_absent) {
  const Metric metric = absent("J", "no counter", "sudo setcap ...", Source::kCounter);
  EXPECT_EQ(to_json(metric).dump(),
            R"({"value":null,"unit":"J","source":"counter","reason":"no counter",)"
            R"("enable":"sudo setcap ..."})");
  EXPECT_FALSE(absent("J", "").reason.empty());
}

TEST(Results_Metric, orders_sources_by_strength) {
  const Source order[] = {Source::kCounter,  Source::kTimed,     Source::kTracked, Source::kSampled,
                          Source::kModelled, Source::kDatasheet, Source::kGiven};
  for (std::size_t i = 0; i + 1 < std::size(order); ++i) {
    EXPECT_TRUE(is_stronger(order[i], order[i + 1]));
    EXPECT_FALSE(is_stronger(order[i + 1], order[i]));
  }
  for (const Source source : order) EXPECT_EQ(source_from(source_name(source)), source);
  EXPECT_EQ(source_name(Source::kDatasheet), "datasheet");
  EXPECT_EQ(source_from("guess"), std::nullopt);
}

TEST(Results_Derived, shows_the_weakest_of_its_inputs) {
  const Metric flops = measured(100, "FLOP", Source::kModelled);
  const Metric latency = measured(4, "s", Source::kTimed, 10);
  const Metric rate =
      derived("FLOP/s", {{"cost.forward.flops", flops}, {"forward.latency", latency}}, quotient);
  EXPECT_EQ(rate.value, 25);
  EXPECT_EQ(rate.source, Source::kDerived);
  EXPECT_EQ(rate.weakest, Source::kModelled);
  EXPECT_EQ(rate.inputs, (std::vector<std::string>{"cost.forward.flops", "forward.latency"}));
  const Metric peak = measured(50, "FLOP/s", Source::kDatasheet);
  const Metric share =
      derived("1", {{"forward.flops_rate", rate}, {"machine.peak", peak}}, quotient);
  EXPECT_EQ(share.weakest, Source::kDatasheet);
  const Metric other =
      derived("1", {{"forward.flops_rate", rate}, {"forward.latency", latency}}, quotient);
  EXPECT_EQ(other.weakest, Source::kModelled);
}

TEST(Results_Derived, is_absent_when_an_input_is) {
  const Metric energy = absent("J", "no sensor", "load rapl");
  const Metric items = measured(8, "1", Source::kTracked);
  bool computed = false;
  const Metric metric =
      derived("J", {{"items", items}, {"forward.energy.gross", energy}}, [&](const Values&) {
        computed = true;
        return 1.0;
      });
  EXPECT_FALSE(computed);
  EXPECT_FALSE(metric.value);
  EXPECT_EQ(metric.reason, "needs forward.energy.gross: no sensor");
  EXPECT_EQ(metric.enable, "load rapl");
  EXPECT_TRUE(metric_from_json(to_json(metric), "x"));
}

TEST(Results_Derived, is_absent_when_the_result_is_not_finite) {
  const Metric one = measured(1, "1", Source::kTimed);
  const Metric zero = measured(0, "s", Source::kTimed);
  const Metric metric = derived("1/s", {{"a", one}, {"b", zero}}, quotient);
  EXPECT_FALSE(metric.value);
  EXPECT_FALSE(metric.reason.empty());
}

TEST(Results_Derived, takes_over_the_interval_of_its_only_uncertain_input) {
  const Metric items = measured(8, "sequence", Source::kTracked);
  const Metric latency =
      with_interval(measured(4, "s", Source::kTimed, 5), 2, 8, IntervalKind::kBetweenInvocations);
  const Metric rate = derived("sequence/s", {{"i", items}, {"l", latency}}, quotient);
  EXPECT_EQ(rate.ci95, (Interval{1, 4}));
  EXPECT_EQ(rate.interval, IntervalKind::kBetweenInvocations);
  EXPECT_EQ(rate.n, 5);
  const Metric both = derived("1", {{"l", latency}, {"m", latency}}, quotient);
  EXPECT_FALSE(both.ci95);
}

TEST(Results_Metric, leaves_out_an_interval_that_is_none) {
  const Metric metric = measured(1, "s", Source::kTimed);
  EXPECT_FALSE(with_interval(metric, 2, 1, IntervalKind::kWithinInvocation).ci95);
  EXPECT_FALSE(with_interval(metric, 0, kInfinity, IntervalKind::kWithinInvocation).ci95);
  EXPECT_FALSE(with_interval(metric, 0, 2, IntervalKind::kNone).ci95);
  EXPECT_FALSE(with_interval(absent("s", "x"), 0, 2, IntervalKind::kWithinInvocation).ci95);
}

TEST(Results_Metric, survives_json) {
  const Metric latency = with_interval(measured(0.1, "s", Source::kTimed, 5), 0.09, 0.11,
                                       IntervalKind::kWithinInvocation);
  const Metric rate =
      derived("1/s", {{"forward.latency", latency}}, [](const Values& v) { return 1 / v[0]; });
  for (const Metric& metric : {latency, rate, absent("J", "why", "how")}) {
    const auto again = metric_from_json(*parse_json(to_line(to_json(metric)), "x"), "x");
    ASSERT_TRUE(again) << again.error().line();
    EXPECT_EQ(*again, metric);
  }
}

TEST(Results_Metric, refuses_json_that_breaks_the_rules) {
  for (const char* text :
       {"1", "null", "[]", "{}", R"({"value":1,"unit":"s"})",
        R"({"value":null,"unit":"s","source":null})", R"({"value":1,"unit":"s","source":"guess"})",
        R"({"value":"1","unit":"s","source":"timed"})", R"({"value":1,"source":"timed"})",
        R"({"value":1,"unit":"s","source":"derived"})",
        R"({"value":1,"unit":"s","source":"derived","inputs":["a"]})",
        R"({"value":1,"unit":"s","source":"derived","inputs":[1],"weakest":"timed"})",
        R"({"value":1,"unit":"s","source":"timed","ci95":[1]})",
        R"({"value":1,"unit":"s","source":"timed","ci95":[1,2]})",
        R"({"value":1,"unit":"s","source":"timed","ci95":[1,2],"interval":"x"})"}) {
    EXPECT_FALSE(metric_from_json(*parse_json(text, "x"), "x")) << text;
  }
}

}  // namespace
}  // namespace ridgeline::results
