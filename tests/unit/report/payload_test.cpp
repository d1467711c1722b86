// The data of a report: its form, names of cases, and what very large reports leave out.
#include "report/payload.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "report/case_labels.hpp"
#include "report/payload_trim.hpp"
#include "support/report_fixture.hpp"

namespace ridgeline::report {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::vector<std::string> keys_of(const Json& json) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : json.items()) keys.push_back(key);
  return keys;
}

CaseView view_of(const std::string& engine, const std::string& optimizations) {
  CaseView view;
  view.model = "bert";
  view.shape = "1×128";
  view.dtype = "float32";
  view.engine = engine;
  view.device = "cpu";
  view.architecture = "BertModel";
  view.threads = "2";
  view.optimizations = optimizations;
  return view;
}

TEST(Payload, has_its_form) {
  const Json payload = test::mixed_payload();
  EXPECT_THAT(keys_of(payload),
              ElementsAre("schema", "title", "created", "command", "ridgeline", "machine", "runs",
                          "machines", "cases", "comparisons", "notes", "glossary"));
  EXPECT_EQ(payload.at("schema"), "ridgeline-report/1");
  ASSERT_EQ(payload.at("cases").size(), 3u);
  for (const Json& one : payload.at("cases")) {
    EXPECT_THAT(keys_of(one), ElementsAre("id", "run", "label", "machine_index", "record",
                                          "analysis", "distributions", "timeline"));
    EXPECT_EQ(one.at("analysis").at("schema"), "ridgeline-analysis/1");
    EXPECT_EQ(one.at("machine_index"), 0);
  }
  EXPECT_EQ(payload.at("machines").size(), 1u);
  EXPECT_EQ(payload.at("glossary").at("latency").at("unit"), "s");
  EXPECT_EQ(payload.at("runs").at(0).at("command"), "ridgeline run --suite quick");
  EXPECT_FALSE(payload.at("notes").empty());
}

TEST(Payload, explains_every_metric_that_it_has) {
  const Json payload = test::mixed_payload();
  for (const Json& one : payload.at("cases")) {
    for (const Json& phase : one.at("record").at("phases")) {
      for (const auto& [name, metric] : phase.at("metrics").items()) {
        EXPECT_TRUE(payload.at("glossary").contains(name)) << name;
      }
    }
  }
}

TEST(Payload, keeps_cases_of_several_runs_apart) {
  ReportRun first = test::mixed_run();
  ReportRun second = test::mixed_run();
  second.folder = "runs/other";
  const Json payload = make_payload({first, second}, {});
  ASSERT_EQ(payload.at("cases").size(), 6u);
  EXPECT_EQ(payload.at("cases").at(0).at("id"), payload.at("cases").at(3).at("id"));
  EXPECT_EQ(payload.at("cases").at(3).at("run"), 1);
  std::set<std::string> labels;
  for (const Json& one : payload.at("cases")) labels.insert(one.at("label").get<std::string>());
  EXPECT_EQ(labels.size(), 6u);
}

TEST(Payload, takes_any_record) {
  ReportRun run;
  run.records = {Json(),
                 Json(3),
                 Json::array(),
                 test::report_record("hostile"),
                 test::report_record("incomplete"),
                 {{"phases", {{"a", 1}}}, {"invocations", "x"}, {"cost", 1}, {"machine", 7}}};
  const Json payload = make_payload({run, {}}, {});
  EXPECT_EQ(payload.at("cases").size(), 6u);
  EXPECT_EQ(payload.at("runs").size(), 2u);
  EXPECT_EQ(make_payload({}, {}).at("cases").size(), 0u);
}

TEST(Payload_Record, is_without_machine_logs_states_and_operations) {
  const Json record = {
      {"id", "a"},
      {"machine", 1},
      {"invocations", Json::array({{{"index", 0}, {"log", "l"}, {"state", 1}}, 5})},
      {"cost", {{"forward", {{"flops", 1}, {"ops", Json::array({1})}}}, {"x", 3}}}};
  EXPECT_EQ(slim_record(record).dump(),
            R"({"id":"a","invocations":[{"index":0},5],"cost":{"forward":{"flops":1},"x":3}})");
  EXPECT_TRUE(slim_record(Json()).is_null());
}

TEST(Payload_Labels, have_what_tells_cases_apart_and_no_more) {
  EXPECT_THAT(case_labels({view_of("native", "a=1, b=2")}, {"r"}),
              ElementsAre("bert 1×128 float32"));
  EXPECT_THAT(case_labels({view_of("native", "–"), view_of("peer", "–")}, {"r", "r"}),
              ElementsAre("bert 1×128 float32 native", "bert 1×128 float32 peer"));
  EXPECT_THAT(case_labels({view_of("native", "a=1, b=2"), view_of("native", "a=1, c=3"),
                           view_of("native", "a=1")},
                          {"r", "r", "r"}),
              ElementsAre("bert 1×128 float32 b=2", "bert 1×128 float32 c=3",
                          "bert 1×128 float32 default"));
  EXPECT_THAT(case_labels({view_of("native", "–"), view_of("native", "–")}, {"r", "s"}),
              ElementsAre("bert 1×128 float32 (r)", "bert 1×128 float32 (s)"));
  EXPECT_THAT(case_labels({view_of("native", "–"), view_of("native", "–")}, {"r", "r"}),
              ElementsAre("bert 1×128 float32", "bert 1×128 float32 #2"));
  EXPECT_TRUE(case_labels({}, {}).empty());
}

TEST(Payload_Title, names_few_models_and_the_device) {
  const Json machine = {{"cpu", {{"model", "EPYC"}}},
                        {"accelerators", Json::array({{{"kind", "gpu"}, {"name", "H200"}}})}};
  CaseView gpu = view_of("native", "–");
  gpu.device = "cuda:0";
  EXPECT_EQ(report_title({view_of("native", "–")}, machine), "bert on EPYC");
  EXPECT_EQ(report_title({gpu, gpu}, machine), "bert on H200");
  std::vector<CaseView> many(4, gpu);
  for (int i = 0; i < 4; ++i) many[static_cast<std::size_t>(i)].model = std::to_string(i);
  EXPECT_EQ(report_title(many, machine), "4 models on H200");
  EXPECT_EQ(report_title({}, Json()), "Ridgeline");
}

Json large_payload(std::size_t cases) {
  Json payload = test::mixed_payload();
  Json one = payload["cases"][0];
  Json quantiles = Json::array();
  for (int i = 0; i < 101; ++i) quantiles.push_back(0.0123456789 + i);
  one["distributions"] = {
      {"forward",
       {{"n", 9},
        {"invocations", Json::array({{{"index", 0}, {"n", 9}, {"quantiles", quantiles}}})},
        {"histogram", {{"edges", quantiles}, {"counts", quantiles}}}}}};
  one["timeline"] = {{"forward", {{"series", Json::array({{{"values", quantiles}}})}}}};
  payload["cases"] = Json::array();
  for (std::size_t i = 0; i < cases; ++i) payload["cases"].push_back(one);
  return payload;
}

TEST(Payload_Trim, leaves_small_ones_alone) {
  Json payload = large_payload(3);
  const Json before = payload;
  trim_payload(payload, 10'000'000);
  EXPECT_EQ(payload, before);
}

TEST(Payload_Trim, goes_below_the_limit_and_says_what_it_left_out) {
  Json payload = large_payload(300);
  const std::size_t before = to_line(payload).size();
  trim_payload(payload, before * 13 / 20);
  EXPECT_LE(to_line(payload).size(), before * 13 / 20 * 105 / 100);
  EXPECT_EQ(payload.at("cases").size(), 300u);
  EXPECT_THAT(payload.at("notes").back().get<std::string>(), HasSubstr("quantiles"));
  // No more than is needed.
  EXPECT_THAT(payload.at("notes").back().get<std::string>(), Not(HasSubstr("histograms")));
  EXPECT_FALSE(
      payload.at("cases").at(0).at("distributions").at("forward").at("histogram").is_null());
}

TEST(Payload_Trim, never_leaves_out_a_value) {
  Json payload = large_payload(2);
  trim_payload(payload, 1);
  const Json& record = payload.at("cases").at(0).at("record");
  EXPECT_EQ(record.at("phases").at(0).at("metrics").at("latency").at("value"), 0.05361);
  EXPECT_EQ(payload.at("cases").at(0).at("timeline").at("forward").at("reason"),
            "left out to keep the report small");
}

TEST(Payload_Trim, takes_damaged_cases) {
  Json payload = {{"cases", Json::array({Json(),
                                         3,
                                         {{"record", {{"phases", 1}}}},
                                         {{"record", {{"phases", Json::array({1})}}},
                                          {"timeline", 1},
                                          {"distributions", {{"x", 1}}}}})}};
  trim_payload(payload, 1);
  EXPECT_EQ(payload.at("cases").size(), 4u);
}

}  // namespace
}  // namespace ridgeline::report
