// The analysis of whole records: its form, and records that are damaged in every place.
#include "analysis/case_analysis.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "unit/analysis/scripted_case.hpp"

namespace ridgeline::analysis {
namespace {

using testing::ElementsAre;

std::vector<std::string> keys_of(const Json& object) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : object.items()) keys.push_back(key);
  return keys;
}

Json whole_case() {
  Json record = test::device_case();
  record["optimizations"] =
      Json::array({{{"id", "graph"}, {"requested", nullptr}, {"applied", true}, {"value", "off"}}});
  record["workload"]["new_tokens"] = 8;
  Json cost = test::cost_of(800e9, 2e9);
  cost["bytes_cache"] = 1e6;
  Json& prefill = test::add_phase(record, "prefill", 12e-3, cost);
  prefill["metrics"]["latency.device"] = test::value_metric(11e-3);
  prefill["metrics"]["latency.host"] = test::value_metric(3e-3);
  prefill["metrics"]["energy.gross"] = test::value_metric(6, "J");
  prefill["ops"] = {{"calls", 2}, {"ops", Json::array({{{"class", "matmul"}, {"seconds", 0.01}}})}};
  test::add_throttle(prefill, "sw_power_cap", 6, 1.8e9);
  test::add_phase(record, "decode", 3e-3, test::cost_of(2e9, 2e9));
  test::add_phase(record, "preprocess", 1e-3);
  record["memory"]["metrics"] = {{"weights", test::value_metric(2e9, "B")},
                                 {"cache", test::value_metric(1e9, "B")},
                                 {"activations", test::value_metric(1e9, "B")},
                                 {"peak", test::value_metric(4e9, "B")}};
  record["invocations"] = Json::array(
      {{{"phases", {{"decode", {{"n", 100}, {"median", 3e-3}}}}},
        {"state",
         {{"seconds", 0.5},
          {"domains",
           {{"t", {{"kind", "throttle_time"}, {"scope", "thermal"}, {"end", 0.001}}}}}}}}});
  return record;
}

// What must hold of any analysis: finite numbers, steps that add up, known verdicts.
void check(const CaseAnalysis& analysis) {
  for (const PhaseAnalysis& phase : analysis.phases) {
    EXPECT_THAT(phase.limit.id, testing::AnyOf("compute", "memory", "host", "input", "capacity",
                                               "power", "thermal", "kernels", "mixed", "unknown"));
    EXPECT_FALSE(phase.limit.headline.empty());
    EXPECT_FALSE(phase.limit.evidence.empty());
    EXPECT_EQ(phase.limit.among.size() > 1, phase.limit.id == "mixed");
    EXPECT_LE(phase.advice.size(), 4u);
    double sum = 0;
    for (const WaterfallStep& step : phase.waterfall.steps) {
      EXPECT_GE(step.seconds, 0);
      EXPECT_FALSE(step.how.empty());
      sum += step.seconds;
    }
    const double latency = phase.waterfall.latency.value_or(0);
    EXPECT_NEAR(sum, latency, 1e-9 * latency);
    EXPECT_EQ(phase.energy.score.has_value(), phase.energy.reason.empty());
  }
  EXPECT_EQ(analysis.memory.largest_batch.value.has_value(),
            analysis.memory.largest_batch.reason.empty());
  const std::string text = to_line(to_json(analysis));
  EXPECT_TRUE(parse_json(text, "the analysis").has_value()) << text;
}

TEST(CaseAnalysis_Form, has_the_members_that_reports_rely_on) {
  const Json json = to_json(analyse(whole_case()));
  EXPECT_THAT(keys_of(json), ElementsAre("schema", "phases", "memory"));
  EXPECT_EQ(json["schema"], "ridgeline-analysis/1");
  EXPECT_THAT(keys_of(json["phases"]), ElementsAre("prefill", "decode", "preprocess"));
  const Json& phase = json["phases"]["prefill"];
  EXPECT_THAT(keys_of(phase), ElementsAre("limit", "shares", "advice", "roofline", "waterfall",
                                          "classes", "energy_efficiency"));
  EXPECT_THAT(keys_of(phase["limit"]), ElementsAre("id", "among", "headline", "evidence"));
  EXPECT_THAT(keys_of(phase["shares"]), ElementsAre("compute", "memory", "host", "throttled"));
  EXPECT_THAT(keys_of(phase["advice"][0]), ElementsAre("do", "gain", "why"));
  EXPECT_THAT(keys_of(phase["roofline"]),
              ElementsAre("intensity", "flops_rate", "bytes_rate", "ceilings", "extra_roofs"));
  EXPECT_THAT(keys_of(phase["roofline"]["ceilings"][0]),
              ElementsAre("kind", "flops_rate", "bytes_rate", "ridge", "dtype", "level", "reason"));
  EXPECT_THAT(keys_of(phase["waterfall"]), ElementsAre("latency", "steps", "reason"));
  std::vector<std::string> steps;
  for (const Json& step : phase["waterfall"]["steps"]) steps.push_back(step["id"]);
  EXPECT_THAT(steps, ElementsAre("datasheet", "ceiling", "clock", "exposed", "launch", "kernels"));
  EXPECT_THAT(keys_of(phase["waterfall"]["steps"][0]),
              ElementsAre("id", "label", "seconds", "how", "source"));
  EXPECT_THAT(keys_of(phase["classes"][0]),
              ElementsAre("class", "flops", "bytes", "bound_seconds", "limit", "seconds",
                          "flops_rate", "bytes_rate"));
  EXPECT_THAT(keys_of(phase["energy_efficiency"]),
              ElementsAre("score", "formula", "bound_joules", "attained_joules", "reason"));
  EXPECT_THAT(keys_of(json["memory"]), ElementsAre("capacity", "capacity_of", "split", "peak",
                                                   "largest_batch", "largest_context"));
  EXPECT_THAT(keys_of(json["memory"]["largest_batch"]), ElementsAre("value", "how", "reason"));
  check(analyse(whole_case()));
}

TEST(CaseAnalysis_Damaged, is_analysed_whatever_it_is) {
  for (const Json& json : {Json(), Json(3), Json("x"), Json::array({1}), Json::object(),
                           Json{{"phases", 1}}, Json{{"phases", Json::array({nullptr, 1, "a"})}}}) {
    const CaseAnalysis analysis = analyse(json);
    EXPECT_TRUE(analysis.phases.empty());
    check(analysis);
  }
}

// Every place below `json`.
void places(const Json& json, const Json::json_pointer& at, std::vector<Json::json_pointer>& all) {
  all.push_back(at);
  if (json.is_object()) {
    for (const auto& [key, value] : json.items()) places(value, at / key, all);
  } else if (json.is_array()) {
    for (std::size_t i = 0; i < json.size(); ++i) places(json[i], at / i, all);
  }
}

const std::vector<Json>& hostile_values() {
  static const std::vector<Json> values = {nullptr,
                                           -1.0,
                                           1e308,
                                           5e-324,
                                           std::numeric_limits<double>::quiet_NaN(),
                                           UINT64_MAX,
                                           std::string(400, '\xc3') + "\x1b[2J",
                                           Json::array({Json::object()}),
                                           Json::object()};
  return values;
}

TEST(CaseAnalysis_Damaged, in_any_place_gives_an_analysis) {
  const Json device = whole_case();
  Json cpu = device;
  cpu["configuration"]["device"] = "cpu";
  cpu["ceilings"] = test::cpu_ceilings();
  std::vector<Json::json_pointer> all;
  places(device, Json::json_pointer(), all);
  ASSERT_GT(all.size(), 190u);
  std::size_t turn = 0;
  for (const auto& place : all) {
    for (const Json& value : hostile_values()) {
      Json damaged = ++turn % 3 == 0 && cpu.contains(place) ? cpu : device;
      damaged[place] = value;
      check(analyse(damaged));
      ASSERT_FALSE(HasFailure()) << place.to_string() << " = " << to_line(value).substr(0, 40);
    }
  }
}

TEST(CaseAnalysis_Damaged, files_of_the_reports_tests_are_analysed) {
  for (const char* name : {"checkpoint_text", "failed_oom", "hostile", "incomplete",
                           "one_invocation", "refused_drift", "synthetic_ok"}) {
    const auto json =
        read_json_file(std::string(RIDGELINE_SOURCE_DIR) + "/tests/data/report/" + name + ".json");
    ASSERT_TRUE(json.has_value()) << name;
    check(analyse(*json));
    std::vector<Json::json_pointer> all;
    places(*json, Json::json_pointer(), all);
    for (const auto& place : all) {
      Json damaged = *json;
      damaged[place] = nullptr;
      check(analyse(damaged));
    }
  }
}

TEST(CaseAnalysis_Damaged, of_absurd_size_takes_bounded_work) {
  Json record = whole_case();
  const Json phase = record["phases"][0];
  for (int i = 0; i < 3000; ++i) {
    Json copy = phase;
    copy["name"] = "p" + std::to_string(i);
    record["phases"].push_back(std::move(copy));
  }
  EXPECT_LE(analyse(record).phases.size(), 200u);
}

}  // namespace
}  // namespace ridgeline::analysis
