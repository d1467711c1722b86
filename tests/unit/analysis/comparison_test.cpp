// Which records are put side by side, what comes out of them, and when nothing does.
#include "analysis/comparison.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "unit/analysis/side_by_side_records.hpp"

namespace ridgeline::analysis {
namespace {

using test::engine_record;
using testing::HasSubstr;

const std::vector<std::string> kEngines = {"native", "transformers", "transformers:compile"};

std::vector<Json> three() {
  return {engine_record("transformers:compile", {0.005, 0.006, 0.0055}),
          engine_record("native", {0.002, 0.0024, 0.0022}),
          engine_record("transformers", {0.010, 0.012, 0.011})};
}

// The row of native beside one record of transformers, after a change to one of them.
ComparisonRow row_after(const std::function<void(Json& native, Json& peer)>& change) {
  Json native = engine_record("native", {0.002, 0.002}, {1, 1});
  Json peer = engine_record("transformers", {0.004, 0.004}, {3, 3});
  change(native, peer);
  const auto comparisons =
      compare_engines({native, peer}, {"native", "transformers"}, "transformers");
  EXPECT_EQ(comparisons.size(), 1u);
  if (comparisons.empty()) return {};
  EXPECT_EQ(comparisons[0].rows.size(), 2u);
  return comparisons[0].rows.front();
}

TEST(Analysis_Comparison, puts_engines_in_their_order_beside_the_baseline) {
  const auto comparisons = compare_engines(three(), kEngines, "transformers");
  ASSERT_EQ(comparisons.size(), 1u);
  EXPECT_EQ(comparisons[0].phase, "forward");
  const auto& rows = comparisons[0].rows;
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].engine, "native");
  EXPECT_EQ(rows[0].record, 1u);
  EXPECT_EQ(rows[1].engine, "transformers");
  EXPECT_TRUE(rows[1].is_baseline);
  EXPECT_FALSE(rows[1].speedup.ratio);
  EXPECT_EQ(rows[2].engine, "transformers:compile");
  EXPECT_NEAR(rows[0].speedup.ratio->value, 5, 1e-9);
  EXPECT_EQ(rows[0].speedup.ratio->method, RatioMethod::kPaired);
  EXPECT_NEAR(rows[0].speedup.ratio->ci95->low, 5, 1e-9);  // pairs take the drift out
  EXPECT_NEAR(rows[2].speedup.ratio->value, 2, 1e-9);
}

TEST(Analysis_Comparison, takes_another_baseline) {
  const auto comparisons = compare_engines(three(), kEngines, "native");
  ASSERT_EQ(comparisons.size(), 1u);
  EXPECT_TRUE(comparisons[0].rows[0].is_baseline);
  EXPECT_NEAR(comparisons[0].rows[2].speedup.ratio->value, 0.4, 1e-9);
}

TEST(Analysis_Comparison, of_one_engine_there_is_none) {
  EXPECT_TRUE(compare_engines(three(), {"native"}, "native").empty());
  EXPECT_TRUE(compare_engines(three(), kEngines, "").empty());
  EXPECT_TRUE(compare_engines({}, kEngines, "native").empty());
  EXPECT_TRUE(compare_engines({Json(3), Json(), Json::array()}, kEngines, "native").empty());
}

TEST(Analysis_Comparison, keeps_models_and_workloads_apart) {
  std::vector<Json> records = three();
  for (const Json& record : three()) {
    Json other = record;
    other["workload"]["batch"] = 8;
    records.push_back(other);
    other["configuration"]["model"] = "other";
    records.push_back(other);
  }
  const auto comparisons = compare_engines(records, kEngines, "transformers");
  ASSERT_EQ(comparisons.size(), 3u);
  for (const Comparison& one : comparisons) EXPECT_EQ(one.rows.size(), 3u);
}

TEST(Analysis_Comparison, pairs_by_the_index_of_the_invocation) {
  Json native = engine_record("native", {0.002, 0.004, 0.002, 0.004});
  Json peer = engine_record("transformers", {0.004, 0.008, 0.004, 0.008});
  peer["invocations"][1]["outcome"]["status"] = "failed";
  const std::vector<std::string> engines = {"native", "transformers"};
  auto rows = compare_engines({native, peer}, engines, "transformers")[0].rows;
  // Three pairs are enough, and the fourth native invocation has no partner.
  EXPECT_EQ(rows[0].speedup.ratio->method, RatioMethod::kPaired);
  EXPECT_EQ(rows[0].speedup.ratio->values_a, 3u);
  EXPECT_NEAR(rows[0].speedup.ratio->value, 2, 1e-9);
  // With two the sides count as independent: 1 process more is 1 process more.
  peer["invocations"][0]["outcome"]["status"] = "failed";
  rows = compare_engines({native, peer}, engines, "transformers")[0].rows;
  EXPECT_EQ(rows[0].speedup.ratio->method, RatioMethod::kWelch);
  EXPECT_EQ(rows[0].speedup.ratio->values_a, 2u);
  EXPECT_EQ(rows[0].speedup.ratio->values_b, 4u);
}

TEST(Analysis_Comparison, with_one_invocation_has_no_interval) {
  const ComparisonRow row = row_after([](Json& native, Json& peer) {
    native = engine_record("native", {0.002});
    peer = engine_record("transformers", {0.005});
  });
  EXPECT_NEAR(row.speedup.ratio->value, 2.5, 1e-9);
  EXPECT_EQ(row.speedup.ratio->method, RatioMethod::kSingle);
  EXPECT_FALSE(row.speedup.ratio->ci95);
}

TEST(Analysis_Comparison, gives_the_energy_of_the_engine_over_that_of_the_baseline) {
  const ComparisonRow row = row_after([](Json&, Json&) {});
  EXPECT_NEAR(row.energy.ratio->value, 1.0 / 3, 1e-9);
  EXPECT_EQ(row.energy.ratio->method, RatioMethod::kWelch);
  EXPECT_NEAR(row.energy.ratio->ci95->high, 1.0 / 3, 1e-6);
}

TEST(Analysis_Comparison, says_why_there_is_no_energy_ratio) {
  const ComparisonRow none =
      row_after([](Json& native, Json&) { native = engine_record("native", {0.002, 0.002}); });
  EXPECT_TRUE(none.speedup.ratio);
  EXPECT_FALSE(none.energy.ratio);
  EXPECT_EQ(none.energy.reason, "no sensor");
  const ComparisonRow other =
      row_after([](Json&, Json& peer) { peer["phases"][0]["energy"]["boundary"] = "device"; });
  EXPECT_THAT(other.energy.reason, HasSubstr("another boundary: device and package"));
}

TEST(Analysis_Comparison, gives_no_ratio_of_what_did_other_work) {
  struct Row {
    std::function<void(Json&, Json&)> change;
    const char* says;
  };
  const Row rows[] = {
      {[](Json& a, Json&) { a["model"]["dtype"] = "bfloat16"; },
       "another dtype: float32 and bfloat16"},
      {[](Json& a, Json&) { a["model"]["architecture"] = "BertForMaskedLM"; }, "architecture"},
      {[](Json& a, Json&) { a["model"]["parameters"] = 133'000'000; }, "number of parameters"},
      {[](Json& a, Json&) { a["model"]["weights"]["source"] = "checkpoint"; }, "weights"},
      {[](Json& a, Json&) { a["machine"]["fingerprint"] = "x"; }, "another machine"},
      {[](Json& a, Json&) { a["phases"][0]["items"]["token"] = 64; },
       "128 token and 1 sequence, 64"},
      {[](Json& a, Json&) { a["phases"][0]["items"] = {{"image", 1}}; }, "no unit that both"},
      {[](Json& a, Json&) { a["phases"][0]["name"] = "encode"; },
       "transformers has no phase encode"},
  };
  for (const Row& row : rows) {
    Json native = engine_record("native", {0.002, 0.002});
    Json peer = engine_record("transformers", {0.004, 0.004});
    row.change(native, peer);
    const auto comparisons =
        compare_engines({native, peer}, {"native", "transformers"}, "transformers");
    ASSERT_FALSE(comparisons.empty()) << row.says;
    const ComparisonRow& compared = comparisons[0].rows[0];
    EXPECT_FALSE(compared.speedup.ratio) << row.says;
    EXPECT_THAT(compared.speedup.reason, HasSubstr(row.says));
  }
}

TEST(Analysis_Comparison, bears_a_count_of_parameters_that_differs_by_a_buffer) {
  EXPECT_TRUE(
      row_after([](Json& a, Json&) { a["model"]["parameters"] = 109'100'000; }).speedup.ratio);
  EXPECT_TRUE(row_after([](Json& a, Json&) { a["model"].erase("parameters"); }).speedup.ratio);
}

TEST(Analysis_Comparison, says_which_side_failed) {
  const auto fail = [](Json& record) {
    record["outcome"] = {{"status", "failed"}, {"class", "unsupported"}, {"reason", "x"}};
    record["phases"] = Json::array();
    record["model"] = nullptr;
  };
  EXPECT_THAT(row_after([&](Json& native, Json&) { fail(native); }).speedup.reason,
              HasSubstr("native failed: unsupported"));
  EXPECT_THAT(row_after([&](Json&, Json& peer) { fail(peer); }).speedup.reason,
              HasSubstr("transformers failed: unsupported"));
}

TEST(Analysis_Comparison, without_a_record_of_the_baseline_says_so) {
  const auto comparisons = compare_engines(
      {engine_record("native", {0.002}), engine_record("transformers:compile", {0.003})}, kEngines,
      "transformers");
  ASSERT_EQ(comparisons.size(), 1u);
  ASSERT_EQ(comparisons[0].rows.size(), 2u);
  EXPECT_EQ(comparisons[0].rows[0].speedup.reason, "there is no record of transformers");
}

TEST(Analysis_Comparison, keeps_knobs_apart_that_both_engines_were_asked_for) {
  const auto with = [](Json record, const char* value) {
    record["optimizations"] = Json::array(
        {{{"id", "attention"}, {"requested", value}, {"applied", true}, {"value", value}}});
    return record;
  };
  const std::vector<Json> records = {with(engine_record("native", {0.002}), "flash"),
                                     with(engine_record("native", {0.003}), "math"),
                                     with(engine_record("transformers", {0.004}), "flash"),
                                     with(engine_record("transformers", {0.006}), "math")};
  const auto comparisons = compare_engines(records, {"native", "transformers"}, "transformers");
  ASSERT_EQ(comparisons.size(), 2u);
  for (const Comparison& one : comparisons) {
    ASSERT_EQ(one.rows.size(), 2u);
    EXPECT_NEAR(one.rows[0].speedup.ratio->value, 2, 1e-9);
  }
}

TEST(Analysis_Comparison, notes_what_changes_the_numbers_and_unequal_invocations) {
  const ComparisonRow row = row_after([](Json& native, Json&) {
    native["optimizations"] = Json::array(
        {{{"id", "int8"}, {"requested", nullptr}, {"applied", true}, {"lossless", false}}});
    native["stop_rule"]["invocations_done"] = 1;
  });
  ASSERT_EQ(row.notes.size(), 2u);
  EXPECT_EQ(row.notes[0], "int8 changes the numbers that come out");
  EXPECT_EQ(row.notes[1], "1 invocation beside 2 of transformers");
}

TEST(Analysis_Comparison, notes_inputs_that_are_not_the_same_bytes) {
  const auto with = [](const char* ours, const char* theirs) {
    return row_after([&](Json& native, Json& peer) {
      native["digest"] = {{"inputs", ours}};
      peer["digest"] = {{"inputs", theirs}};
    });
  };
  EXPECT_TRUE(with("aa", "aa").notes.empty());
  const ComparisonRow row = with("aa", "bb");
  ASSERT_EQ(row.notes.size(), 1u);
  EXPECT_EQ(row.notes[0], "its inputs are not bit for bit those of transformers");
  EXPECT_TRUE(row.speedup.ratio);
}

TEST(Analysis_Comparison, has_a_json_form) {
  const std::vector<Json> records = three();
  const auto comparisons = compare_engines(records, kEngines, "transformers");
  const Json json = to_json(comparisons[0], records);
  EXPECT_EQ(json.at("schema"), "ridgeline-comparison/1");
  EXPECT_EQ(json.at("model"), "bert-base");
  EXPECT_EQ(json.at("baseline"), "transformers");
  const Json& native = json.at("rows").at(0);
  EXPECT_EQ(native.at("engine"), "native");
  EXPECT_NEAR(native.at("speedup").at("value").get<double>(), 5, 1e-9);
  EXPECT_EQ(native.at("speedup").at("method"), "paired_t");
  EXPECT_EQ(native.at("speedup").at("n").dump(), "[3,3]");
  EXPECT_EQ(native.at("energy_ratio").at("reason"), "no sensor");
  EXPECT_TRUE(json.at("rows").at(1).at("is_baseline").get<bool>());
  EXPECT_TRUE(json.at("rows").at(1).at("speedup").at("value").is_null());
}

}  // namespace
}  // namespace ridgeline::analysis
