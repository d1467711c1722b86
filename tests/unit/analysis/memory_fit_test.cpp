// What memory is made of, what fits, and joules against their bound.
#include "analysis/memory_fit.hpp"

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
using testing::HasSubstr;

Json with_memory(Json record) {
  record["workload"] = {{"batch", 2}, {"sequence", 100}, {"new_tokens", 28}, {"depth", 64}};
  record["memory"]["metrics"] = {
      {"weights", value_metric(16e9, "B")}, {"packed", value_metric(4e9, "B")},
      {"cache", value_metric(2.56e9, "B")}, {"activations", value_metric(1e9, "B")},
      {"inputs", value_metric(0.2e9, "B")}, {"outputs", value_metric(0.24e9, "B")},
      {"library", value_metric(10e9, "B")}, {"peak", value_metric(24e9, "B")}};
  return record;
}

TEST(MemoryFit_Batch, follows_the_linear_model) {
  const MemoryFit fit = analyse(with_memory(device_case())).memory;
  EXPECT_DOUBLE_EQ(*fit.capacity, 80e9);
  EXPECT_EQ(fit.capacity_of, "GPU memory");
  EXPECT_DOUBLE_EQ(*fit.peak, 24e9);
  ASSERT_EQ(fit.split.size(), 6u);
  EXPECT_EQ(fit.split[1].id, "packed");
  // 20 GB do not grow; 2 GB a row.
  EXPECT_DOUBLE_EQ(*fit.largest_batch.value, 30);
  EXPECT_THAT(fit.largest_batch.how, HasSubstr("2 GB a row"));
}

TEST(MemoryFit_Context, divides_what_is_left_by_the_cache_of_a_token) {
  const MemoryFit fit = analyse(with_memory(device_case())).memory;
  // 128 tokens have 2.56 GB; 80 - 20 - 1.44 are left.
  EXPECT_DOUBLE_EQ(*fit.largest_context.value, 2928);
  EXPECT_THAT(fit.largest_context.how, HasSubstr("20 MB of cache a token at batch 2"));
}

TEST(MemoryFit_Capacity, of_a_cpu_is_what_is_available_or_the_limit) {
  Json record = with_memory(cpu_case());
  MemoryFit fit = analyse(record).memory;
  EXPECT_DOUBLE_EQ(*fit.capacity, 60e9);
  EXPECT_EQ(fit.capacity_of, "main memory that was available");
  EXPECT_DOUBLE_EQ(*fit.largest_batch.value, 15);  // libraries are in it, too
  record["machine"]["memory"]["limit_bytes"] = 34e9;
  fit = analyse(record).memory;
  EXPECT_EQ(fit.capacity_of, "the memory limit of the container");
  EXPECT_DOUBLE_EQ(*fit.largest_batch.value, 2);
}

TEST(MemoryFit_Reason, says_what_is_missing) {
  Json record = with_memory(device_case());
  record["memory"]["metrics"]["activations"] = test::absent_metric("B", "not asked for");
  MemoryFit fit = analyse(record).memory;
  EXPECT_FALSE(fit.largest_batch.value);
  EXPECT_THAT(fit.largest_batch.reason, HasSubstr("activations are not known: not asked for"));
  record = with_memory(device_case());
  record["memory"]["metrics"].erase("cache");
  fit = analyse(record).memory;
  EXPECT_TRUE(fit.largest_batch.value);
  EXPECT_THAT(fit.largest_context.reason, HasSubstr("keeps no cache"));
  record["ceilings"] = nullptr;
  record["machine"] = nullptr;
  EXPECT_THAT(analyse(record).memory.largest_batch.reason,
              HasSubstr("size of GPU memory is not known"));
}

TEST(EnergyEfficiency_Score, is_the_joules_of_the_ceiling_over_those_taken) {
  Json record = device_case();
  Json& phase = add_phase(record, "prefill", 12e-3, cost_of(800e9, 2e9));
  phase["metrics"]["energy.gross"] = value_metric(8, "J");
  const EnergyEfficiency energy = only_phase(record).energy;
  // 800 GFLOP at 80 TFLOP/s and 500 W: 5 J; 2 GB at 0.98 TB/s and 300 W: 0.6 J.
  EXPECT_NEAR(*energy.bound_joules, 5, 1e-12);
  EXPECT_DOUBLE_EQ(*energy.attained_joules, 8);
  EXPECT_NEAR(*energy.score, 0.625, 1e-12);
  EXPECT_THAT(energy.formula, HasSubstr("P_read / R_read"));
  EXPECT_TRUE(energy.reason.empty());
}

TEST(EnergyEfficiency_Reason, names_what_would_measure_it) {
  Json record = device_case("float32");
  Json& phase = add_phase(record, "prefill", 12e-3, cost_of(80e9, 2e9, "float32"));
  phase["metrics"]["energy.gross"] = value_metric(8, "J");
  EnergyEfficiency energy = only_phase(record).energy;
  EXPECT_FALSE(energy.score);
  EXPECT_THAT(energy.reason, HasSubstr("`ridgeline peaks --power --device cuda:0` measures it"));
  record["phases"][0]["metrics"]["energy.gross"] = test::absent_metric("J", "no sensor");
  EXPECT_EQ(only_phase(record).energy.reason, "no energy was measured: no sensor");
  record["cost"] = nullptr;
  EXPECT_THAT(only_phase(record).energy.reason, HasSubstr("not known"));
}

}  // namespace
}  // namespace ridgeline::analysis
