// The tables of measured phases and constants, and reading costs.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "catalog/presets.hpp"
#include "study/predict.hpp"
#include "study/predict_validation.hpp"

namespace ridgeline::study {
namespace {

TEST(ValidationTable, is_whole_and_names_presets) {
  const auto& rows = validation_table();
  ASSERT_TRUE(rows.has_value()) << rows.error().line();
  EXPECT_GE(rows->size(), 20u);
  for (const ValidationRow& row : *rows) {
    EXPECT_TRUE(catalog::find_preset(row.model).has_value()) << row.model;
    EXPECT_FALSE(row.source.empty()) << row.describe();
    EXPECT_TRUE(row.device_class == "gpu" || row.device_class == "cpu") << row.device_class;
  }
}

TEST(ValidationTable, predicts_decoding_of_8b_on_an_h200_without_having_seen_it) {
  bool seen = false;
  for (const ValidationRow& row : *validation_table()) {
    if (row.model != "llama-3-8b" || row.phase != "decode" || row.depth != 512) continue;
    seen = true;
    EXPECT_NEAR(row.measured, 3.85e-3, 0.01e-3);
    EXPECT_NEAR(row.predicted / row.measured, 1, 0.2);
  }
  EXPECT_TRUE(seen);
}

TEST(FitTable, has_the_classes_that_were_measured) {
  const auto& classes = fit_table();
  ASSERT_TRUE(classes.has_value()) << classes.error().line();
  ASSERT_EQ(classes->size(), 2u);
  for (const FittedClass& one : *classes) {
    EXPECT_TRUE(has_constants(one.device_class));
    EXPECT_GT(one.constants.compute, 0.3) << one.device_class;
    EXPECT_LE(one.constants.memory, 1) << one.device_class;
  }
}

TEST(ErrorOf, has_median_worst_and_how_much_longer) {
  const auto row = [](double measured, double predicted, bool recorded) {
    ValidationRow one;
    one.device = "D";
    one.device_class = "gpu";
    one.measured = measured;
    one.predicted = predicted;
    one.recorded = recorded;
    return one;
  };
  const auto error = error_of({row(10, 11, true), row(10, 8, true), row(10, 5, false)}, "gpu");
  ASSERT_TRUE(error.has_value());
  EXPECT_NEAR(error->median, 0.2, 1e-12);
  EXPECT_NEAR(error->worst, 0.5, 1e-12);
  EXPECT_NEAR(error->longest_recorded, 1.25, 1e-12);
  EXPECT_NEAR(error->longest_plain, 2, 1e-12);
  EXPECT_FALSE(error_of({row(1, 1, true)}, "tpu").has_value());
}

TEST(ParseTables, name_the_line_that_cannot_be) {
  const std::string head =
      "class,basis,compute,memory,kernel_seconds,launch_seconds,ceiling_compute,ceiling_memory\n";
  EXPECT_TRUE(parse_fit(head + "gpu,datasheet,0.5,0.9,1e-6,1e-5,,\n").has_value());
  for (const char* bad : {"gpu,datasheet,x,0.9,1e-6,1e-5,,\n", "gpu,datasheet,0.5\n",
                          "gpu,datasheet,-1,0.9,1e-6,1e-5,,\n", "gpu,datasheet,0,0.9,1e-6,1e-5,,\n",
                          "gpu,datasheet,nan,0.9,1e-6,1e-5,,\n"}) {
    EXPECT_FALSE(parse_fit(head + bad).has_value()) << bad;
  }
  EXPECT_FALSE(parse_fit("").has_value());
  EXPECT_FALSE(parse_fit("other\n").has_value());
  EXPECT_FALSE(parse_validation("device,class\n").has_value());
}

Json good_reply() {
  const Json op = {{"op", "attention"},  {"class", "attention"}, {"dtype", "float32"},
                   {"calls", 2},         {"flops", 100},         {"flops_elementwise", 60},
                   {"bytes_weights", 0}, {"bytes_read", 100},    {"bytes_written", 100}};
  Json memory;
  for (const char* key :
       {"weights", "packed", "cache", "inputs", "outputs", "activations", "peak"}) {
    memory[key] = 1;
  }
  return {{"phases",
           {{"forward",
             {{"flops", 100},
              {"flops_minimum", 50},
              {"bytes", 10},
              {"bytes_unfused", 20},
              {"parameters", 5},
              {"unit", "image"},
              {"items", {{"image", 3}}},
              {"memory", memory},
              {"ops", Json::array({op})}}}}},
          {"inputs", {{"pixel_values", {1, 3, 4, 4}}}}};
}

TEST(WorkFrom, leaves_out_the_scores_that_fused_attention_keeps) {
  const auto work = work_from(good_reply());
  ASSERT_TRUE(work.has_value()) << work.error().line();
  const PhaseWork& phase = work->phases.front();
  // 60 operations are 10 scores of 4 bytes, which move four times.
  EXPECT_EQ(phase.ops.front().bytes, 200 - 4 * 10 * 4);
  EXPECT_EQ(phase.items_of("image"), 3);
  EXPECT_EQ(phase.items_of("token"), 0);
  EXPECT_FALSE(work->takes_tokens);
}

TEST(WorkFrom, refuses_what_no_engine_says) {
  EXPECT_FALSE(work_from(Json::object()).has_value());
  for (const char* key : {"flops", "bytes", "parameters", "memory", "ops"}) {
    Json reply = good_reply();
    reply["phases"]["forward"].erase(key);
    EXPECT_FALSE(work_from(reply).has_value()) << key;
  }
  Json reply = good_reply();
  reply["phases"]["forward"]["ops"][0]["flops"] = -1;
  EXPECT_FALSE(work_from(reply).has_value());
}

TEST(Rank, puts_what_does_not_fit_last_by_what_is_missing) {
  Predictions all;
  all.chips.resize(4);
  all.cases.resize(1);
  const auto add = [&](std::size_t chip, double seconds, bool fits, double missing) {
    Prediction one;
    one.chip = chip;
    one.fits = fits;
    one.missing = missing;
    PhasePrediction phase;
    phase.name = "forward";
    phase.time.central = seconds;
    one.phases = {phase};
    all.predictions.push_back(one);
  };
  add(0, 1, false, 500);
  add(1, 3, true, 0);
  add(2, 2, true, 0);
  add(3, 1, false, 100);
  rank(all);
  std::vector<std::size_t> order;
  for (const Prediction& one : all.predictions) order.push_back(one.chip);
  EXPECT_EQ(order, (std::vector<std::size_t>{2, 1, 3, 0}));
}

}  // namespace
}  // namespace ridgeline::study
