// MFU and MBU of known work against known ceilings, and the reasons when there are none.
#include "measure/efficiency.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <nlohmann/json.hpp>

#include "machine/inventory.hpp"
#include "support/temp_folder.hpp"

namespace ridgeline::measure {
namespace {

using results::Metric;
using results::Metrics;
using results::Source;
using testing::HasSubstr;

machine::Ceiling ceiling(const std::string& id, double value, std::int64_t capacity = 0) {
  machine::Ceiling one;
  one.id = id;
  one.kind = id.substr(0, id.find('.'));
  one.unit = one.kind == "gemm" ? "FLOP/s" : "B/s";
  one.value = value;
  if (id.find(".l") != std::string::npos) one.level = id.substr(id.find('.') + 1);
  if (capacity > 0) one.capacity = capacity;
  return one;
}

machine::CeilingSet cpu_set(int threads, const std::string& cores = "") {
  machine::CeilingSet set;
  set.engine = "native";
  set.engine_version = "0.1.0 (torch 2.13.0)";
  set.device = "cpu";
  set.threads = threads;
  set.cores = cores;
  set.measured_at = "2026-01-31T12:00:00Z";
  set.ceilings = {ceiling("read", 20e9), ceiling("read.l2", 200e9, 2 << 20),
                  ceiling("read.l3", 80e9, 32 << 20), ceiling("gemm.float32", 200e9),
                  ceiling("gemm.bfloat16", 400e9)};
  return set;
}

// A phase of 1 GFLOP and 100 MB that takes 10 ms, on a processor with two sockets of a known kind.
struct Fixture {
  Fixture() {
    limits.machine.cpu.model = "AMD EPYC 9654 96-Core Processor";
    limits.machine.cpu.sockets = 1;
    limits.machine.cpu.physical_cores = 96;
    limits.ceilings.sets = {cpu_set(2), cpu_set(4)};
    configuration.engine = "native";
    configuration.device = "cpu";
    configuration.dtype = "float32";
    configuration.threads = 2;
    latency = results::with_interval(results::measured(0.01, "s", Source::kTimed, 5), 0.008, 0.0125,
                                     results::IntervalKind::kBetweenInvocations);
  }

  void run() {
    const PhaseWork work{"forward", &cost, &latency, &configuration, &engine, &limits};
    flags = add_efficiency(work, metrics);
  }

  const Metric& metric(const std::string& name) const {
    static const Metric none = results::absent("1", "the test asked for what is not there");
    for (const auto& [key, value] : metrics) {
      if (key == name) return value;
    }
    return none;
  }

  Json cost = {{"flops", 1e9}, {"bytes", 100e6}};
  Json engine = {{"name", "native"},
                 {"version", "0.1.0"},
                 {"versions", {{"torch", "2.13.0"}, {"compiler", "g++ 12"}}}};
  MachineLimits limits;
  Configuration configuration;
  Metric latency;
  Metrics metrics;
  std::vector<results::Flag> flags;
};

TEST(Efficiency_Share, is_work_over_time_and_ceiling) {
  Fixture f;
  f.run();
  EXPECT_DOUBLE_EQ(*f.metric("mfu").value, 1e9 / (0.01 * 200e9));
  EXPECT_DOUBLE_EQ(*f.metric("mbu").value, 100e6 / (0.01 * 20e9));
  EXPECT_DOUBLE_EQ(*f.metric("ceiling.flops_rate").value, 200e9);
  EXPECT_DOUBLE_EQ(*f.metric("ceiling.bytes_rate").value, 20e9);
  EXPECT_DOUBLE_EQ(*f.metric("mfu.datasheet").value, 1e9 / (0.01 * 7.37e12 * 2 / 96));
  EXPECT_DOUBLE_EQ(*f.metric("mbu.datasheet").value, 100e6 / (0.01 * 460.8e9));
  EXPECT_EQ(f.metric("mfu").unit, "1");
  EXPECT_EQ(f.metrics.size(), 8u);
  EXPECT_TRUE(f.flags.empty());
}

TEST(Efficiency_Share, names_its_inputs_and_its_weakest) {
  Fixture f;
  f.run();
  const Metric& mfu = f.metric("mfu");
  EXPECT_EQ(mfu.source, Source::kDerived);
  EXPECT_EQ(mfu.weakest, Source::kModelled);
  EXPECT_EQ(mfu.inputs, (std::vector<std::string>{"cost.forward.flops", "forward.latency",
                                                  "forward.ceiling.flops_rate"}));
  EXPECT_EQ(f.metric("ceiling.flops_rate").source, Source::kTimed);
  EXPECT_EQ(f.metric("datasheet.flops_rate").source, Source::kDatasheet);
  EXPECT_EQ(f.metric("mbu.datasheet").weakest, Source::kDatasheet);
  EXPECT_EQ(f.metric("mbu.datasheet").inputs.back(), "forward.datasheet.bytes_rate");
  ASSERT_TRUE(mfu.ci95);
  EXPECT_DOUBLE_EQ(mfu.ci95->low, 1e9 / (0.0125 * 200e9));
  EXPECT_DOUBLE_EQ(mfu.ci95->high, 1e9 / (0.008 * 200e9));
}

TEST(Efficiency_Share, of_several_dtypes_takes_each_at_its_own_rate) {
  Fixture f;
  f.cost["ops"] = {{{"dtype", "float32"}, {"flops", 0.5e9}},
                   {{"dtype", "bfloat16"}, {"flops", 0.5e9}},
                   {{"dtype", "int8"}, {"flops", 0}}};
  f.run();
  const double seconds = 0.5e9 / 200e9 + 0.5e9 / 400e9;
  EXPECT_DOUBLE_EQ(*f.metric("ceiling.flops_rate").value, 1e9 / seconds);
  EXPECT_DOUBLE_EQ(*f.metric("mfu").value, seconds / 0.01);
}

TEST(Efficiency_Share, of_a_dtype_without_a_ceiling_is_null_with_its_reason) {
  Fixture f;
  machine::Ceiling half = ceiling("gemm.float16", 1);
  half.value.reset();
  half.reason = "this processor has no float16 products";
  f.limits.ceilings.sets[0].ceilings.push_back(half);
  f.configuration.dtype = "float16";
  f.run();
  EXPECT_FALSE(f.metric("mfu").value);
  EXPECT_THAT(f.metric("mfu").reason, HasSubstr("no float16 products"));
  EXPECT_TRUE(f.metric("mbu").value);
  EXPECT_FALSE(f.metric("mfu.datasheet").value);
}

TEST(Efficiency_Choice, without_ceilings_says_which_command_measures_them) {
  Fixture f;
  f.limits.ceilings.sets.clear();
  f.run();
  EXPECT_FALSE(f.metric("mfu").value);
  EXPECT_THAT(f.metric("mfu").reason, HasSubstr("no ceilings were measured on this machine"));
  EXPECT_EQ(f.metric("mfu").enable, "ridgeline peaks --device cpu --threads 2");
  EXPECT_FALSE(f.metric("mbu").value);
  EXPECT_TRUE(f.metric("mfu.datasheet").value);
}

TEST(Efficiency_Choice, takes_no_ceiling_of_other_threads_or_cores) {
  Fixture f;
  f.configuration.threads = 8;
  f.run();
  EXPECT_THAT(f.metric("mfu").reason, HasSubstr("other threads or cores"));
  EXPECT_EQ(f.metric("mfu").enable, "ridgeline peaks --device cpu --threads 8");
  f.configuration.threads.reset();
  f.metrics.clear();
  f.run();
  EXPECT_FALSE(f.metric("mfu").value);  // how many the engine takes is not known
  f.configuration.threads = 8;
  f.configuration.cores = "0-7";
  f.metrics.clear();
  f.run();
  EXPECT_THAT(f.metric("mbu").reason, HasSubstr("other threads or cores"));
  EXPECT_EQ(f.metric("mbu").enable, "ridgeline peaks --device cpu --threads 8 --cores 0-7");
  f.limits.ceilings.sets.push_back(cpu_set(8, "0-7"));
  f.limits.ceilings.sets.back().ceilings[0].value = 50e9;
  f.metrics.clear();
  f.run();
  EXPECT_DOUBLE_EQ(*f.metric("ceiling.bytes_rate").value, 50e9);
}

TEST(Efficiency_Choice, takes_no_ceiling_of_another_version_of_the_engine) {
  Fixture f;
  f.engine["versions"]["torch"] = "2.14.0";
  f.run();
  EXPECT_THAT(f.metric("mfu").reason, HasSubstr("another version"));
  f.engine["versions"]["torch"] = "2.13.0";
  f.engine["versions"]["compiler"] = "g++ 15";
  f.metrics.clear();
  f.run();
  EXPECT_TRUE(f.metric("mfu").value);
}

TEST(Efficiency_Choice, prefers_the_own_engine_and_falls_back_to_native) {
  Fixture f;
  f.configuration.engine = "transformers";
  f.engine = {{"name", "transformers"}, {"version", "1"}};
  f.run();
  EXPECT_DOUBLE_EQ(*f.metric("ceiling.flops_rate").value, 200e9);
  machine::CeilingSet own = cpu_set(2);
  own.engine = "transformers";
  own.engine_version = "1";
  own.ceilings[3].value = 100e9;
  f.limits.ceilings.sets.push_back(own);
  machine::CeilingSet foreign = own;
  foreign.engine = "scripted";
  foreign.ceilings[3].value = 1e9;
  f.limits.ceilings.sets.push_back(foreign);
  f.metrics.clear();
  f.run();
  EXPECT_DOUBLE_EQ(*f.metric("ceiling.flops_rate").value, 100e9);
}

TEST(Efficiency_Flag, names_the_cache_that_holds_the_work) {
  Fixture f;
  f.cost["bytes"] = 20e6;  // fits the third level, not the second
  f.latency = results::measured(0.5e-3, "s", Source::kTimed, 5);
  f.cost["flops"] = 1e6;
  f.run();
  EXPECT_DOUBLE_EQ(*f.metric("mbu").value, 2);
  ASSERT_EQ(f.flags.size(), 1u);
  EXPECT_EQ(f.flags[0].id, "mbu");
  EXPECT_EQ(f.flags[0].severity, results::Flag::Severity::kInfo);
  EXPECT_THAT(f.flags[0].detail, HasSubstr("20 MB of a call fit the l3 cache"));
  EXPECT_THAT(f.flags[0].detail, HasSubstr("of that it is 0.50"));
}

TEST(Efficiency_Flag, doubts_what_no_cache_explains) {
  Fixture f;
  f.latency = results::measured(1e-3, "s", Source::kTimed, 5);
  f.run();
  ASSERT_EQ(f.flags.size(), 3u);  // mfu, mbu and mfu.datasheet
  EXPECT_EQ(f.flags[0].id, "mfu");
  EXPECT_EQ(f.flags[1].severity, results::Flag::Severity::kWarn);
  EXPECT_THAT(f.flags[1].detail, HasSubstr("above the measured ceiling"));
  EXPECT_THAT(f.flags[1].advice, HasSubstr("ridgeline peaks --device cpu --threads 2 --refresh"));
  EXPECT_THAT(f.flags[2].detail, HasSubstr("above what the vendor promises"));
}

TEST(Efficiency_Metrics, are_null_when_the_latency_or_the_cost_is) {
  Fixture f;
  f.latency = results::absent("s", "no process got that far");
  f.cost.erase("bytes");
  f.run();
  EXPECT_THAT(f.metric("mfu").reason, HasSubstr("needs forward.latency"));
  EXPECT_THAT(f.metric("mbu").reason, HasSubstr("states no cost"));
  EXPECT_TRUE(f.flags.empty());
}

TEST(Efficiency_Accelerator, needs_no_threads_and_finds_its_row) {
  Fixture f;
  f.configuration.device = "cuda:0";
  machine::CeilingSet set = cpu_set(0);
  set.device = "cuda:0";
  set.device_name = "NVIDIA H200";
  set.ceilings = {ceiling("read", 4.5e12), ceiling("gemm.float32", 50e12)};
  f.limits.ceilings.sets.push_back(set);
  f.run();
  EXPECT_DOUBLE_EQ(*f.metric("ceiling.bytes_rate").value, 4.5e12);
  EXPECT_DOUBLE_EQ(*f.metric("datasheet.bytes_rate").value, 4.8e12);
  f.limits.ceilings.sets.clear();
  f.metrics.clear();
  f.run();
  EXPECT_EQ(f.metric("mfu").enable, "ridgeline peaks --device cuda:0");
  EXPECT_THAT(f.metric("mbu.datasheet").reason, HasSubstr("no accelerator"));
}

TEST(Efficiency_Limits, of_a_damaged_file_are_a_reason_and_no_failure) {
  const test::TempFolder folder;
  ::setenv("XDG_CACHE_HOME", folder.path().c_str(), 1);
  machine::Machine machine;
  EXPECT_TRUE(read_limits(machine).ceilings.sets.empty());
  EXPECT_EQ(read_limits(machine).reason, "");
  folder.write("ridgeline/peaks-" + machine::fingerprint(machine) + ".json", "{");
  Fixture f;
  f.limits = read_limits(machine);
  EXPECT_EQ(f.limits.enable, "ridgeline peaks --refresh");
  f.run();
  EXPECT_THAT(f.metric("mfu").reason, HasSubstr("cannot be used"));
}

}  // namespace
}  // namespace ridgeline::measure
