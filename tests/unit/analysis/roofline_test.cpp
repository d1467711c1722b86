// Rooflines, bound times, ops one after another, op classes, words.
#include "analysis/roofline.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analysis/limit_words.hpp"
#include "unit/analysis/scripted_case.hpp"

namespace ridgeline::analysis {
namespace {

using test::add_phase;
using test::cost_of;
using test::cpu_case;
using test::device_case;
using test::only_phase;
using testing::ElementsAre;

TEST(Roofline_Point, is_work_over_time) {
  Json record = device_case();
  add_phase(record, "forward", 10e-3, cost_of(800e9, 2e9));
  const Roofline roofline = only_phase(record).roofline;
  EXPECT_DOUBLE_EQ(*roofline.intensity, 400);
  EXPECT_DOUBLE_EQ(*roofline.flops_rate, 80e12);
  EXPECT_DOUBLE_EQ(*roofline.bytes_rate, 200e9);
  EXPECT_DOUBLE_EQ(*roofline.measured.ridge(), 100);
  EXPECT_DOUBLE_EQ(*roofline.datasheet.ridge(), 100);
  EXPECT_EQ(roofline.measured.dtype, "bfloat16");
  EXPECT_DOUBLE_EQ(*roofline.by_measured.compute, 8e-3);
  EXPECT_DOUBLE_EQ(*roofline.by_measured.memory, 2e-3);
  EXPECT_DOUBLE_EQ(*roofline.by_datasheet.bound(), 6.4e-3);
  EXPECT_DOUBLE_EQ(*roofline.by_steady.bound(), 10e-3);
}

TEST(Roofline_Ceilings, of_several_dtypes_take_each_at_its_own_rate) {
  Json record = device_case();
  Json cost = cost_of(300e9, 1e9);
  cost["ops"] = Json::array({test::op("matmul", 1, 200e9, 0, 1e6, 1e6, "bfloat16"),
                             test::op("matmul", 1, 100e9, 0, 1e6, 1e6, "float32")});
  add_phase(record, "forward", 10e-3, cost);
  const Roofline roofline = only_phase(record).roofline;
  EXPECT_NEAR(*roofline.by_measured.compute, 2e-3 + 5e-3, 1e-15);
  EXPECT_NEAR(*roofline.serial, 7e-3, 1e-15);
}

TEST(Roofline_Ceilings, of_the_metrics_serve_records_without_the_part) {
  Json record = device_case();
  record.erase("ceilings");
  Json& phase = add_phase(record, "forward", 10e-3, cost_of(800e9, 2e9));
  phase["metrics"]["ceiling.flops_rate"] = test::value_metric(200e12, "FLOP/s");
  phase["metrics"]["ceiling.bytes_rate"] = test::value_metric(2e12, "B/s");
  const Roofline roofline = only_phase(record).roofline;
  EXPECT_DOUBLE_EQ(*roofline.by_measured.compute, 4e-3);
  EXPECT_DOUBLE_EQ(*roofline.by_measured.memory, 1e-3);
  EXPECT_FALSE(roofline.by_datasheet.bound());
}

TEST(Roofline_Extra, are_the_caches) {
  Json record = cpu_case();
  add_phase(record, "forward", 10e-3, cost_of(8e9, 2e9, "float32"));
  const Roofline roofline = only_phase(record).roofline;
  ASSERT_EQ(roofline.extra.size(), 1u);
  EXPECT_EQ(roofline.extra[0].label, "L3 read");
  EXPECT_DOUBLE_EQ(roofline.extra[0].bytes_rate, 400e9);
  EXPECT_EQ(roofline.measured.level, "memory");
}

TEST(Roofline_Serial, reads_operands_that_fit_a_cache_from_it_but_weights_from_memory) {
  Json record = cpu_case();
  Json cost = cost_of(0, 1e9, "float32");
  cost["bytes_cache"] = 0.1e9;
  cost["ops"] = Json::array({test::op("matmul", 10, 1e9, 1e9, 40e6, 40e6, "float32"),
                             test::op("elementwise", 1, 0, 0, 100e6, 100e6, "float32"),
                             test::op("attention", 10, 0, 0, 100e6, 40e6, "float32")});
  add_phase(record, "decode", 1, cost);
  // Weights and what fits not: 100 GB/s; 8 MB and 4 MB a call: 400 GB/s; the cache: memory.
  const double expected = (10e-3 + 0.2e-3) + 2e-3 + (1e-3 + 0.1e-3);
  EXPECT_NEAR(*only_phase(record).roofline.serial, expected, 1e-12);
}

TEST(OpClasses_Bounds, are_by_class_the_largest_first) {
  Json record = device_case();
  Json cost = cost_of(800e9, 2e9);
  cost["ops"] =
      Json::array({test::op("norm", 4, 0, 0, 0.5e9, 0.5e9), test::op("matmul", 1, 500e9, 1e9, 0, 0),
                   test::op("matmul", 1, 300e9, 1e9, 0, 0)});
  Json& phase = add_phase(record, "forward", 10e-3, cost);
  phase["ops"] = {{"calls", 4},
                  {"seconds", 0.011},
                  {"ops", Json::array({{{"class", "matmul"}, {"seconds", 9e-3}},
                                       {{"class", "copy"}, {"seconds", 1e-3}}})}};
  const std::vector<OpClass> classes = only_phase(record).classes;
  ASSERT_EQ(classes.size(), 3u);
  EXPECT_EQ(classes[0].name, "matmul");
  EXPECT_DOUBLE_EQ(*classes[0].bound_seconds, 8e-3);
  EXPECT_EQ(classes[0].limit, "compute");
  EXPECT_DOUBLE_EQ(*classes[0].seconds, 9e-3);
  EXPECT_DOUBLE_EQ(*classes[0].flops_rate, 800e9 / 9e-3);
  EXPECT_EQ(classes[1].name, "norm");
  EXPECT_EQ(classes[1].limit, "memory");
  EXPECT_FALSE(classes[1].seconds);
  EXPECT_EQ(classes[2].name, "copy");
  EXPECT_FALSE(classes[2].bound_seconds);
  EXPECT_FALSE(classes[2].flops_rate);
}

TEST(OpClasses_Bounds, need_a_ceiling_for_their_dtype) {
  Json record = device_case();
  record["ceilings"] = nullptr;
  add_phase(record, "forward", 10e-3, cost_of(800e9, 2e9));
  const std::vector<OpClass> classes = only_phase(record).classes;
  ASSERT_EQ(classes.size(), 1u);
  EXPECT_FALSE(classes[0].bound_seconds);
  EXPECT_TRUE(classes[0].limit.empty());
}

TEST(Words_Of, quantities_have_three_digits_and_a_unit) {
  EXPECT_EQ(seconds_words(3.8532e-3), "3.85 ms");
  EXPECT_EQ(seconds_words(0), "0 s");
  EXPECT_EQ(seconds_words(12345), "12345 s");
  EXPECT_EQ(bytes_words(0), "0 B");
  EXPECT_EQ(bytes_words(999.6e6), "1 GB");
  EXPECT_EQ(bytes_rate_words(35.728e9), "35.7 GB/s");
  EXPECT_EQ(flops_rate_words(508.5e12), "508 TFLOP/s");
  EXPECT_EQ(share_words(0.0004), "below 0.1 %");
  EXPECT_EQ(share_words(0.8357), "84 %");
  EXPECT_EQ(gain_words(1.1966), "1.20x");
  EXPECT_EQ(short_words(std::string(400, 'a')).size(), 300 + 3u);
  EXPECT_EQ(short_words(std::string(299, 'a') + "é tail"), std::string(299, 'a') + "…");
}

}  // namespace
}  // namespace ridgeline::analysis
