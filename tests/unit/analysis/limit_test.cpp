// The verdict of scripted cases: one for each limit, mixed ones, and the borders between them.
#include "analysis/limit.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/analysis/scripted_case.hpp"

namespace ridgeline::analysis {
namespace {

using test::add_phase;
using test::add_throttle;
using test::cost_of;
using test::cpu_case;
using test::device_case;
using test::only_phase;
using test::value_metric;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// 1 TB/s and 100 TFLOP/s: 8 GB take 8 ms, 800 GFLOP take 8 ms.
TEST(Limit_Compute, leads_when_products_take_most_of_the_time) {
  Json record = device_case();
  add_phase(record, "forward", 10e-3, cost_of(800e9, 2e9));
  const PhaseAnalysis phase = only_phase(record);
  EXPECT_EQ(phase.limit.id, "compute");
  EXPECT_EQ(phase.limit.headline, "matrix products");
  EXPECT_DOUBLE_EQ(*phase.shares.compute, 0.8);
  EXPECT_DOUBLE_EQ(*phase.shares.memory, 0.2);
  EXPECT_EQ(phase.limit.evidence,
            "A call makes 800 GFLOP at 80 TFLOP/s, 80 % of the 100 TFLOP/s that were measured for "
            "bfloat16 products; memory takes 20 %.");
}

TEST(Limit_Memory, leads_when_bytes_take_most_of_the_time) {
  Json record = device_case();
  add_phase(record, "decode", 10e-3, cost_of(8e9, 8.4e9));
  const PhaseAnalysis phase = only_phase(record);
  EXPECT_EQ(phase.limit.id, "memory");
  EXPECT_EQ(phase.limit.headline, "memory bandwidth");
  EXPECT_EQ(phase.limit.evidence,
            "A call moves 8.4 GB from memory at 840 GB/s, 84 % of the 1 TB/s that were measured; "
            "matrix products take 0.8 %.");
}

TEST(Limit_Memory, of_a_call_that_fits_a_cache_is_the_rate_of_that_cache) {
  Json record = cpu_case();
  // 20 MB: 0.05 ms from the cache, 0.2 ms from memory.
  add_phase(record, "forward", 0.06e-3, cost_of(1e6, 20e6, "float32"));
  const PhaseAnalysis phase = only_phase(record);
  EXPECT_EQ(phase.limit.id, "memory");
  EXPECT_EQ(phase.limit.headline, "bandwidth of the l3 cache");
  EXPECT_NEAR(*phase.shares.memory, 0.05 / 0.06, 1e-12);
  EXPECT_THAT(phase.limit.evidence, HasSubstr("from the l3 cache"));
}

TEST(Limit_Memory, above_its_ceiling_says_that_the_ceiling_is_wrong) {
  Json record = device_case();
  add_phase(record, "decode", 5e-3, cost_of(8e9, 8e9));
  const PhaseAnalysis phase = only_phase(record);
  EXPECT_EQ(phase.limit.id, "memory");
  EXPECT_THAT(phase.limit.evidence, HasSubstr("160 %"));
  EXPECT_THAT(phase.limit.evidence, HasSubstr("too low or out of date"));
  EXPECT_THAT(phase.advice.front().what, HasSubstr("ridgeline peaks --device cuda:0 --refresh"));
}

TEST(Limit_Memory, counts_the_weights_of_a_generation_once_a_step) {
  Json record = device_case();
  Json cost = cost_of(40e9, 1e9);
  cost["bytes_weights"] = 0.9e9;
  // Ten steps that read 0.9 GB of weights each, and 0.1 GB of the rest in all.
  cost["ops"] = Json::array({test::op("matmul", 100, 40e9, 9e9, 0.1e9, 0)});
  add_phase(record, "generate", 10e-3, cost);
  const PhaseAnalysis phase = only_phase(record);
  EXPECT_EQ(phase.limit.id, "memory");
  EXPECT_NEAR(*phase.shares.memory, 0.91, 1e-12);
  EXPECT_THAT(phase.limit.evidence, HasSubstr("weights once in each step"));
  // Weights that a cache holds are not read again.
  record["cost"]["generate"]["bytes_weights"] = 20e6;
  record["cost"]["generate"]["bytes"] = 30e6;
  EXPECT_NEAR(*only_phase(record).shares.memory, 0.003, 1e-12);
}

TEST(Limit_Host, leads_when_it_is_busy_for_the_whole_call) {
  Json record = device_case();
  Json& phase = add_phase(record, "forward", 8e-3, cost_of(20e9, 0.1e9));
  phase["metrics"]["latency.host"] = value_metric(7.6e-3);
  phase["metrics"]["latency.device"] = value_metric(7.9e-3);
  const PhaseAnalysis result = only_phase(record);
  EXPECT_EQ(result.limit.id, "host");
  EXPECT_DOUBLE_EQ(*result.shares.host, 0.95);
  EXPECT_EQ(result.limit.evidence,
            "The host was busy handing over work for 7.6 ms of 8 ms (95 %), while the ceilings "
            "allow 200 µs.");
}

TEST(Limit_Host, leads_when_the_device_works_for_half_of_the_time) {
  Json record = device_case();
  Json& phase = add_phase(record, "forward", 8e-3, cost_of(20e9, 0.1e9));
  phase["metrics"]["latency.device"] = value_metric(2e-3);
  const PhaseAnalysis result = only_phase(record);
  EXPECT_EQ(result.limit.id, "host");
  EXPECT_THAT(result.limit.evidence, HasSubstr("The device worked for 2 ms of 8 ms (25 %)"));
}

TEST(Limit_Host, is_not_blamed_for_waiting_for_tokens) {
  Json record = device_case();
  Json& phase = add_phase(record, "generate", 8e-3, cost_of(20e9, 7e9));
  phase["metrics"]["latency.host"] = value_metric(7.9e-3);
  phase["metrics"]["ttft"] = value_metric(1e-3);
  const PhaseAnalysis result = only_phase(record);
  EXPECT_EQ(result.limit.id, "memory");
  EXPECT_FALSE(result.shares.host);
}

TEST(Limit_Host, and_memory_are_both_named_when_the_host_just_keeps_up) {
  Json record = device_case();
  Json& phase = add_phase(record, "decode", 10e-3, cost_of(8e9, 7e9));
  phase["metrics"]["latency.host"] = value_metric(9.5e-3);
  const PhaseAnalysis result = only_phase(record);
  EXPECT_EQ(result.limit.id, "mixed");
  EXPECT_THAT(result.limit.among, ElementsAre("memory", "host"));
}

TEST(Limit_Input, leads_when_a_request_waits_longer_for_its_input) {
  Json record = device_case();
  add_phase(record, "preprocess", 12e-3);
  add_phase(record, "forward", 4e-3, cost_of(8e9, 3e9));
  const CaseAnalysis analysis = analyse(record);
  ASSERT_EQ(analysis.phases.size(), 2u);
  for (const PhaseAnalysis& phase : analysis.phases) {
    EXPECT_EQ(phase.limit.id, "input");
    EXPECT_THAT(phase.limit.evidence,
                HasSubstr("12 ms on preparing its input and 4 ms in the model (75 % of both)"));
    EXPECT_DOUBLE_EQ(phase.advice.front().gain->high, 4);
  }
  EXPECT_THAT(analysis.phases[1].limit.evidence,
              HasSubstr("of the phase itself memory takes 75 %"));
}

TEST(Limit_Input, does_not_lead_where_the_model_takes_longer) {
  Json record = device_case();
  add_phase(record, "preprocess", 3e-3);
  add_phase(record, "prefill", 2e-3, cost_of(180e9, 1e9));
  add_phase(record, "decode", 4e-3, cost_of(8e9, 3.5e9));
  record["workload"]["new_tokens"] = 11;
  const CaseAnalysis analysis = analyse(record);
  EXPECT_EQ(analysis.phases[0].limit.id, "input");
  EXPECT_THAT(analysis.phases[0].limit.evidence,
              HasSubstr("3 ms on preparing its input and 42 ms"));
  EXPECT_EQ(analysis.phases[1].limit.id, "compute");
  EXPECT_EQ(analysis.phases[2].limit.id, "memory");
}

TEST(Limit_Capacity, is_named_when_memory_ran_out) {
  Json record = device_case("float32");
  record["outcome"] = {{"status", "failed"},
                       {"class", "oom.device"},
                       {"reason", "no room for the cache"},
                       {"remedy", "use --batch 4"},
                       {"bytes", 96e9}};
  record["workload"]["batch"] = 8;
  const PhaseAnalysis phase = only_phase(record);
  EXPECT_EQ(phase.name, "case");
  EXPECT_EQ(phase.limit.id, "capacity");
  EXPECT_EQ(phase.limit.evidence,
            "It ran out of memory (oom.device): no room for the cache; 96 GB were needed; GPU "
            "memory is 80 GB.");
  EXPECT_EQ(phase.advice.front().what, "Use --batch 4");
  EXPECT_TRUE(phase.waterfall.steps.empty());
}

TEST(Limit_Capacity, limits_a_phase_whose_larger_batch_does_not_fit) {
  Json record = device_case();
  add_phase(record, "decode", 80e-3, cost_of(60e9, 65e9));
  record["memory"]["metrics"] = {{"weights", value_metric(60e9, "B")},
                                 {"activations", value_metric(1e9, "B")},
                                 {"cache", value_metric(14e9, "B")}};
  const PhaseAnalysis phase = only_phase(record);
  EXPECT_EQ(phase.limit.id, "capacity");
  EXPECT_THAT(phase.limit.evidence, HasSubstr("of 80 GB GPU memory at most 1 row fit"));
  // With room for two rows it is memory.
  record["memory"]["metrics"]["weights"] = value_metric(40e9, "B");
  EXPECT_EQ(only_phase(record).limit.id, "memory");
}

TEST(Limit_Power, leads_when_the_device_is_at_its_limit_and_no_ceiling_is_near) {
  Json record = device_case();
  Json& phase = add_phase(record, "prefill", 20e-3, cost_of(800e9, 2e9));
  add_throttle(phase, "sw_power_cap", 9.2, 1.5e9);
  const PhaseAnalysis result = only_phase(record);
  EXPECT_EQ(result.limit.id, "power");
  EXPECT_DOUBLE_EQ(*result.shares.throttled, 0.92);
  EXPECT_EQ(
      result.limit.evidence,
      "The device was at its power limit of 700 W for at least 92 % of its energy windows, at "
      "1.5 GHz instead of 2 GHz.");
  EXPECT_NEAR(result.advice.front().gain->high, 2 / 1.5, 1e-12);
}

TEST(Limit_Power, and_the_ceiling_that_it_lowers_are_named_together) {
  Json record = device_case();
  Json& phase = add_phase(record, "prefill", 12e-3, cost_of(800e9, 2e9));
  add_throttle(phase, "sw_power_cap", 9.5);
  const PhaseAnalysis result = only_phase(record);
  EXPECT_EQ(result.limit.id, "mixed");
  EXPECT_THAT(result.limit.among, ElementsAre("compute", "power"));
  EXPECT_EQ(result.limit.headline, "matrix products and the power limit");
  EXPECT_THAT(result.limit.evidence, HasSubstr("; the device was at its power limit"));
}

TEST(Limit_Power, asks_for_the_default_limit_where_it_was_lowered) {
  Json record = device_case();
  record["machine"]["devices"][0]["power_limit"] = 400.0;
  Json& phase = add_phase(record, "prefill", 20e-3, cost_of(800e9, 2e9));
  add_throttle(phase, "sw_power_cap", 9.5, 1e9);
  const PhaseAnalysis result = only_phase(record);
  EXPECT_THAT(result.advice.front().what, HasSubstr("nvidia-smi -i 0000:17:00.0 -pl 700"));
  EXPECT_DOUBLE_EQ(result.advice.front().gain->high, 2);
}

TEST(Limit_Thermal, leads_whatever_else_is_near) {
  Json record = device_case();
  Json& phase = add_phase(record, "prefill", 10e-3, cost_of(800e9, 2e9));
  add_throttle(phase, "hw_thermal", 3.0, 1.6e9);
  const PhaseAnalysis result = only_phase(record);
  EXPECT_EQ(result.limit.id, "thermal");
  EXPECT_THAT(result.limit.evidence, HasSubstr("Heat slowed it down for at least 30 %"));
  EXPECT_DOUBLE_EQ(result.advice.front().gain->high, 1.25);
}

TEST(Limit_Kernels, lead_when_no_ceiling_explains_half) {
  Json record = device_case();
  Json& phase = add_phase(record, "forward", 10e-3, cost_of(300e9, 1e9));
  phase["metrics"]["latency.host"] = value_metric(0.1e-3);
  phase["metrics"]["latency.device"] = value_metric(9.9e-3);
  const PhaseAnalysis result = only_phase(record);
  EXPECT_EQ(result.limit.id, "kernels");
  EXPECT_EQ(result.limit.evidence,
            "No ceiling explains half of the 10 ms: memory takes 10 % of it and matrix products "
            "30 %; 10 calls of ops take 1 ms each.");
}

TEST(Limit_Kernels, name_the_traffic_that_fusing_would_save) {
  Json record = device_case();
  Json cost = cost_of(300e9, 1e9);
  cost["ops"].push_back(test::op("elementwise", 20, 0, 0, 3e9, 1e9));
  add_phase(record, "forward", 10e-3, cost);
  const PhaseAnalysis result = only_phase(record);
  EXPECT_THAT(result.limit.evidence, HasSubstr("reads and writes between ops take another 40 %"));
  EXPECT_THAT(result.advice.front().what, HasSubstr("fuses ops"));
  EXPECT_NEAR(result.advice.front().gain->high, 1 / 0.6, 1e-9);
}

TEST(Limit_Mixed, names_ceilings_within_the_factor_the_larger_first) {
  Json record = device_case();
  add_phase(record, "forward", 10e-3, cost_of(600e9, 7e9));
  PhaseAnalysis phase = only_phase(record);
  EXPECT_EQ(phase.limit.id, "mixed");
  EXPECT_THAT(phase.limit.among, ElementsAre("memory", "compute"));
  EXPECT_EQ(phase.limit.headline, "memory bandwidth and matrix products");
  EXPECT_THAT(phase.limit.evidence, HasSubstr("; a call makes 600 GFLOP"));
  // 0.7 and 0.45 are further apart than 1.5.
  record["cost"]["forward"] = cost_of(450e9, 7e9);
  EXPECT_EQ(only_phase(record).limit.id, "memory");
  // Below half each, together above three quarters.
  record["cost"]["forward"] = cost_of(400e9, 4.2e9);
  EXPECT_EQ(only_phase(record).limit.id, "mixed");
  record["cost"]["forward"] = cost_of(300e9, 4.2e9);
  EXPECT_EQ(only_phase(record).limit.id, "kernels");
}

TEST(Limit_Unknown, without_ceilings_says_why_and_what_would_tell) {
  Json record = device_case();
  record["ceilings"] = nullptr;
  Json& phase = add_phase(record, "forward", 10e-3, cost_of(800e9, 2e9));
  phase["metrics"]["ceiling.flops_rate"] = test::absent_metric(
      "FLOP/s", "no ceilings were measured on this machine", "ridgeline peaks --device cuda:0");
  const PhaseAnalysis result = only_phase(record);
  EXPECT_EQ(result.limit.id, "unknown");
  EXPECT_EQ(result.limit.evidence,
            "There is no ceiling to compare with: no ceilings were measured on this machine; "
            "`ridgeline peaks --device cuda:0` tells.");
  ASSERT_EQ(result.advice.size(), 1u);
  EXPECT_EQ(result.advice[0].what, "Measure the ceilings: ridgeline peaks --device cuda:0");
}

TEST(Limit_Unknown, when_one_ceiling_is_missing_and_the_other_does_not_lead) {
  Json record = device_case("float16");
  add_phase(record, "forward", 10e-3, cost_of(800e9, 2e9, "float16"));
  record["ceilings"]["datasheet"] = nullptr;
  PhaseAnalysis result = only_phase(record);
  EXPECT_EQ(result.limit.id, "unknown");
  EXPECT_THAT(result.limit.evidence, HasSubstr("Memory takes 20 % of it"));
  // The one that is known leads.
  record["cost"]["forward"] = cost_of(8e9, 8e9, "float16");
  result = only_phase(record);
  EXPECT_EQ(result.limit.id, "memory");
  EXPECT_FALSE(result.shares.compute);
  EXPECT_THAT(result.limit.evidence, Not(HasSubstr("products")));
}

TEST(Limit_Unknown, without_costs_gives_the_reason_of_the_engine) {
  Json record = device_case();
  record["cost"]["forward"] = {{"reason", "no ledger for this family"}};
  add_phase(record, "forward", 10e-3);
  const PhaseAnalysis result = only_phase(record);
  EXPECT_EQ(result.limit.id, "unknown");
  EXPECT_THAT(result.limit.evidence, HasSubstr("no ledger for this family"));
  EXPECT_TRUE(result.advice.empty());
}

TEST(Limit_Datasheet, stands_in_for_ceilings_and_says_so) {
  Json record = device_case();
  record["ceilings"]["measured"] = nullptr;
  add_phase(record, "decode", 10e-3, cost_of(8e9, 9e9));
  const PhaseAnalysis phase = only_phase(record);
  EXPECT_EQ(phase.limit.id, "memory");
  EXPECT_NEAR(*phase.shares.memory, 9e9 / 1.25e12 / 10e-3, 1e-12);
  EXPECT_THAT(phase.limit.evidence, HasSubstr("72 % of the 1.25 TB/s of the datasheet"));
}

// Two phases of 10 s in all, throttled for so many seconds.
Json shared_process(double throttled) {
  Json record = device_case();
  add_phase(record, "prefill", 10e-3, cost_of(800e9, 2e9));
  add_phase(record, "decode", 10e-3, cost_of(8e9, 8e9));
  record["invocations"] = Json::array(
      {{{"phases",
         {{"prefill", {{"n", 900}, {"median", 10e-3}}},
          {"decode", {{"n", 100}, {"median", 10e-3}}}}},
        {"state",
         {{"seconds", 10.0},
          {"domains",
           {{"t",
             {{"kind", "throttle_time"}, {"scope", "sw_power_cap"}, {"end", throttled}}}}}}}}});
  return record;
}

TEST(Limit_Throttle, of_a_process_is_given_to_a_phase_only_as_far_as_it_must_be_its_own) {
  const CaseAnalysis analysis = analyse(shared_process(9.5));
  // At least 9.5 - 1 of its 9 s.
  EXPECT_NEAR(*analysis.phases[0].shares.throttled, 8.5 / 9, 1e-9);
  EXPECT_EQ(analysis.phases[0].limit.id, "mixed");
  // At least half a second of one, at most all of it.
  EXPECT_NEAR(*analysis.phases[1].shares.throttled, 0.5, 1e-9);
  const CaseAnalysis less = analyse(shared_process(5));
  EXPECT_FALSE(less.phases[0].shares.throttled);
  EXPECT_FALSE(less.phases[1].shares.throttled);
  EXPECT_EQ(less.phases[0].limit.id, "compute");
  EXPECT_DOUBLE_EQ(*analyse(shared_process(0)).phases[0].shares.throttled, 0);
}

}  // namespace
}  // namespace ridgeline::analysis
