// Advice: what is off and would help, with gains that follow from measured shares.
#include "analysis/advice.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/analysis/scripted_case.hpp"

namespace ridgeline::analysis {
namespace {

using test::add_phase;
using test::cost_of;
using test::cpu_case;
using test::device_case;
using test::only_phase;
using test::value_metric;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

Json knob(const char* id, bool applied, const char* value, const char* reason = nullptr,
          const char* requested = nullptr) {
  return {{"id", id},
          {"requested", requested == nullptr ? Json(nullptr) : Json(requested)},
          {"applied", applied},
          {"value", value},
          {"reason", reason == nullptr ? Json(nullptr) : Json(reason)}};
}

std::vector<std::string> texts(const std::vector<Advice>& list) {
  std::vector<std::string> all;
  for (const Advice& advice : list) all.push_back(advice.what);
  return all;
}

const Advice* find(const std::vector<Advice>& list, const std::string& part) {
  for (const Advice& advice : list) {
    if (advice.what.find(part) != std::string::npos) return &advice;
  }
  return nullptr;
}

// Decoding in float32 at 80 % of memory; weights are 90 % of the bytes.
Json decoding(Json knobs) {
  Json record = cpu_case();
  record["optimizations"] = std::move(knobs);
  add_phase(record, "decode", 10e-3, cost_of(1e9, 0.8e9, "float32"));
  return record;
}

TEST(Advice_Memory, gives_the_gains_that_the_shares_allow) {
  const PhaseAnalysis phase = only_phase(decoding(Json::array({knob("quantize", true, "off")})));
  ASSERT_EQ(phase.limit.id, "memory");
  ASSERT_EQ(phase.advice.size(), 4u);
  EXPECT_THAT(phase.advice[0].what, HasSubstr("quantize=int8"));
  EXPECT_NEAR(phase.advice[0].gain->high, 1 / (1 - 0.8 * 0.9 * 0.75), 1e-12);
  EXPECT_THAT(phase.advice[1].what, HasSubstr("--dtype bfloat16"));
  EXPECT_NEAR(phase.advice[1].gain->high, 1 / (1 - 0.4), 1e-12);
  EXPECT_THAT(phase.advice[1].why, HasSubstr("800 MB of float32 a call take 80 % of the time"));
  // Of 32 rows products take 32 ms and bytes 32.8 ms; of 64 products take longer.
  EXPECT_THAT(phase.advice[2].what, HasSubstr("--batch 32"));
  EXPECT_NEAR(phase.advice[2].gain->high, 32 * 0.8 / (0.72 + 32 * 0.08), 1e-9);
  EXPECT_THAT(phase.advice[3].what, HasSubstr("another engine: --engine native,transformers"));
  EXPECT_NEAR(phase.advice[3].gain->high, 1.25, 1e-12);
}

TEST(Advice_Memory, does_not_advise_what_is_on) {
  const std::vector<Advice> advice =
      only_phase(
          decoding(Json::array({knob("quantize", true, "int8", nullptr, "int8"),
                                knob("row_kernel", true, "on"), knob("huge_pages", true, "on")})))
          .advice;
  for (const std::string& text : texts(advice)) {
    EXPECT_THAT(text, Not(HasSubstr("int8")));
    EXPECT_THAT(text, Not(HasSubstr("bfloat16")));
    EXPECT_THAT(text, Not(HasSubstr("row_kernel")));
    EXPECT_THAT(text, Not(HasSubstr("huge_pages")));
  }
}

TEST(Advice_Memory, names_knobs_that_are_off_or_were_refused) {
  Json record = decoding(Json::array({knob("row_kernel", false, "off", "not asked for"),
                                      knob("huge_pages", false, "off", "no huge pages", "on"),
                                      knob("prepack", false, "off", "int8 has its own")}));
  record["configuration"]["dtype"] = "bfloat16";
  record["phases"][0]["metrics"]["latency"] = value_metric(8.01e-3);
  const std::vector<Advice> advice = only_phase(record).advice;
  const Advice* row = find(advice, "--optimize row_kernel=on");
  ASSERT_NE(row, nullptr);
  EXPECT_FALSE(row->gain);
  const Advice* refused = find(advice, "Get huge_pages to apply");
  ASSERT_NE(refused, nullptr);
  EXPECT_EQ(refused->why, "huge_pages: no huge pages");
  EXPECT_EQ(find(advice, "prepack"), nullptr);
  // A gain of one in a thousand is no advice.
  EXPECT_EQ(find(advice, "another engine"), nullptr);
}

TEST(Advice_Rows, stay_within_memory) {
  Json record = decoding(Json::array());
  record["memory"]["metrics"] = {{"weights", value_metric(56e9, "B")},
                                 {"activations", value_metric(1e9, "B")}};
  const PhaseAnalysis phase = only_phase(record);
  const Advice* rows = find(phase.advice, "--batch");
  ASSERT_NE(rows, nullptr);
  EXPECT_THAT(rows->what, HasSubstr("--batch 4:"));
  EXPECT_THAT(rows->why, HasSubstr("a batch of 4 fits memory"));
}

TEST(Advice_Compute, quotes_the_rate_of_the_other_dtype) {
  Json record = cpu_case();
  record["configuration"]["threads"] = 4;
  add_phase(record, "prefill", 10e-3, cost_of(8e9, 0.1e9, "float32"));
  const PhaseAnalysis phase = only_phase(record);
  ASSERT_EQ(phase.limit.id, "compute");
  const Advice* dtype = find(phase.advice, "--dtype bfloat16");
  ASSERT_NE(dtype, nullptr);
  EXPECT_NEAR(dtype->gain->high, 1 / (1 - 0.8 * 0.5), 1e-12);
  EXPECT_THAT(dtype->why, HasSubstr("bfloat16 were measured at 2 TFLOP/s here"));
  const Advice* threads = find(phase.advice, "--threads 8");
  ASSERT_NE(threads, nullptr);
  EXPECT_DOUBLE_EQ(threads->gain->high, 2);
}

Json host_bound(Json knobs) {
  Json record = device_case();
  record["optimizations"] = std::move(knobs);
  Json cost = cost_of(20e9, 0.1e9);
  cost["ops"][0]["calls"] = 100;
  Json& phase = add_phase(record, "forward", 8e-3, cost);
  phase["metrics"]["latency.host"] = value_metric(7.9e-3);
  return record;
}

TEST(Advice_Host, expects_no_more_than_a_launch_for_each_op_allows) {
  const PhaseAnalysis phase = only_phase(host_bound(Json::array({knob("graph", true, "off")})));
  ASSERT_EQ(phase.limit.id, "host");
  EXPECT_EQ(phase.advice[0].what,
            "Set --optimize graph=on: record the phase once and hand it over whole");
  EXPECT_NEAR(phase.advice[0].gain->high, 8e-3 / 400e-6, 1e-9);
  EXPECT_THAT(texts(phase.advice), Contains(HasSubstr("--batch 8")));
}

TEST(Advice_Host, knows_the_work_of_the_device_from_a_trace) {
  Json record = host_bound(Json::array({knob("compile", false, "off", "not asked for")}));
  record["engine"]["name"] = "transformers";
  record["phases"][0]["ops"] = {{"calls", 2},
                                {"ops", Json::array({{{"class", "matmul"}, {"seconds", 2e-3}}})}};
  const PhaseAnalysis phase = only_phase(record);
  EXPECT_THAT(phase.advice[0].what, HasSubstr("--engine transformers:reduce-overhead,native"));
  EXPECT_NEAR(phase.advice[0].gain->high, 4, 1e-9);
}

TEST(Advice_Host, does_not_ask_for_a_graph_that_is_on_or_cannot_be) {
  for (const Json& graph :
       {knob("graph", true, "forward"), knob("graph", false, "off", "the host takes part")}) {
    EXPECT_EQ(find(only_phase(host_bound(Json::array({graph}))).advice, "graph"), nullptr);
  }
}

TEST(Advice_Kernels, fill_short_calls_and_doubt_a_disturbed_machine) {
  Json record = device_case();
  Json cost = cost_of(200e9, 1e9);
  cost["ops"][0]["calls"] = 1000;
  add_phase(record, "forward", 10e-3, cost);
  PhaseAnalysis phase = only_phase(record);
  ASSERT_EQ(phase.limit.id, "kernels");
  EXPECT_THAT(phase.advice[0].what, HasSubstr("--batch 8"));
  EXPECT_NEAR(phase.advice[0].gain->high, 5, 1e-9);
  EXPECT_THAT(phase.advice[0].why, HasSubstr("1000 calls of ops take 10 µs each"));
  record["validity"] = {
      {"flags", Json::array({{{"id", "busy"}, {"detail", "other processes use 2 CPUs"}}})}};
  record["cost"]["forward"]["ops"][0]["calls"] = 10;
  phase = only_phase(record);
  EXPECT_THAT(phase.advice[0].what, HasSubstr("quiet machine"));
  EXPECT_EQ(phase.advice[0].why, "other processes use 2 CPUs");
  EXPECT_EQ(find(phase.advice, "--batch"), nullptr);
}

TEST(Advice_List, has_at_most_four) {
  Json knobs = Json::array();
  for (const char* id : {"graph", "fused", "towers", "cudnn_benchmark", "channels_last"}) {
    knobs.push_back(knob(id, true, "off"));
  }
  Json record = host_bound(knobs);
  record["phases"][0]["metrics"].erase("latency.host");
  EXPECT_EQ(only_phase(record).advice.size(), 4u);
}

TEST(Advice_List, quotes_a_value_in_every_why) {
  for (const Json& record : {decoding(Json::array()), host_bound(Json::array())}) {
    for (const Advice& advice : only_phase(record).advice) {
      EXPECT_NE(advice.why.find_first_of("0123456789"), std::string::npos) << advice.what;
      EXPECT_GT(advice.gain.value_or(Gain{1, 2}).high, 1);
    }
  }
}

}  // namespace
}  // namespace ridgeline::analysis
