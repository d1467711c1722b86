// Descriptions of PMUs, and instructions and cycles of all CPUs.
#include <gtest/gtest.h>

#include "support/fake_perf_events.hpp"
#include "support/recorded_tree.hpp"
#include "support/source_conformance.hpp"
#include "telemetry/perf/perf_source.hpp"
#include "telemetry/perf/pmu.hpp"

namespace ridgeline::telemetry {
namespace {

using machine::Tree;
using test::FakePerfEvents;
using test::ids_of;
using test::RecordedTree;
using test::value_of;

std::unique_ptr<Source> open(const RecordedTree& tree, PerfEvents& events) {
  Environment environment;
  environment.root = tree.root();
  return open_perf_cpu(environment, events);
}

TEST(Pmu_Field, goes_to_its_bits) {
  struct Row {
    const char* format;
    std::uint64_t value;
    PerfConfig expected;
  };
  for (const Row& row :
       {Row{"config:0-7", 0xab, {0, 0xab, 0, 0}}, Row{"config:8-15", 0xcf, {0, 0xcf00, 0, 0}},
        Row{"config:18", 1, {0, 1ull << 18, 0, 0}}, Row{"config1:0-63", ~0ull, {0, 0, ~0ull, 0}},
        Row{"config2:4-7", 0xf, {0, 0, 0, 0xf0}},
        Row{"config:0-7,32-35", 0x1ab, {0, 0x1000000ab, 0, 0}},
        Row{"config:0-7,32-35,59-60", 0x3fff, {0, 0x1800000f000000ff, 0, 0}}}) {
    PerfConfig config;
    const auto status = put_field(row.format, row.value, config);
    ASSERT_TRUE(status.has_value()) << row.format;
    EXPECT_EQ(config, row.expected) << row.format;
  }
}

TEST(Pmu_Field, refuses_what_does_not_fit_or_is_no_field) {
  PerfConfig config;
  EXPECT_FALSE(put_field("config:0-7", 0x100, config).has_value());
  for (const char* format : {"", "config", "config:", "config9:0-7", "config:7-0", "config:0-64",
                             "config:a", "config:0-7,,", "config:-"}) {
    EXPECT_FALSE(put_field(format, 1, config).has_value()) << format;
  }
}

TEST(Pmu_Event, terms_are_encoded_by_the_format_folder) {
  const RecordedTree recorded;
  const std::string folder = "sys/bus/event_source/devices/uncore_imc_0/";
  recorded.write(folder + "type", "42\n");
  recorded.write(folder + "cpumask", "0,28\n");
  recorded.write(folder + "format/event", "config:0-7\n");
  recorded.write(folder + "format/umask", "config:8-15\n");
  recorded.write(folder + "format/edge", "config:18\n");
  recorded.write(folder + "events/cas", "event=0x04, umask=0x03,edge\n");
  recorded.write(folder + "events/cas.scale", "6.103515625e-5\n");
  recorded.write(folder + "events/cas.unit", "MiB\n");
  recorded.write(folder + "events/bad.scale", "x\n");
  recorded.write(folder + "events/bad", "event=1\n");
  const Tree tree(recorded.root());
  const auto pmu = read_pmu(tree, "uncore_imc_0");
  ASSERT_TRUE(pmu.has_value());
  EXPECT_EQ(pmu->cpus, (std::vector<int>{0, 28}));
  const auto event = read_event(tree, *pmu, "cas");
  ASSERT_TRUE(event.has_value()) << event.error().message;
  EXPECT_EQ(event->config, (PerfConfig{42, 0x40304, 0, 0}));
  EXPECT_DOUBLE_EQ(event->scale.value_or(0), 6.103515625e-5);
  EXPECT_EQ(event->unit, "MiB");
  const auto raw = encode_event(tree, *pmu, "config=0x10,config1=7");
  ASSERT_TRUE(raw.has_value());
  EXPECT_EQ(*raw, (PerfConfig{42, 16, 7, 0}));
  for (const char* terms : {"event=?", "event=0x100", "nothing=1", "event=", "../type=1", "=1"}) {
    EXPECT_FALSE(encode_event(tree, *pmu, terms).has_value()) << terms;
  }
  EXPECT_FALSE(read_event(tree, *pmu, "bad").has_value());
  EXPECT_FALSE(read_event(tree, *pmu, "absent").has_value());
  EXPECT_FALSE(read_pmu(tree, "absent").has_value());
}

TEST(PerfCount_Full, extrapolates_and_never_invents) {
  EXPECT_EQ(full_count({100, 10, 10}), 100);
  EXPECT_EQ(full_count({100, 10, 5}), 200);
  EXPECT_EQ(full_count({0, 10, 10}), 0);
  EXPECT_TRUE(std::isnan(full_count({0, 10, 0})));
  EXPECT_TRUE(std::isnan(full_count({0, 0, 0})));
}

// The kernel's own clock is a counter that every machine has.
TEST(PerfEvents_System, counts_where_the_kernel_lets_it) {
  PerfEvents& events = perf_events_of("/");
  constexpr std::uint32_t kTypeSoftware = 1;
  const int handle = events.open({kTypeSoftware, 0, 0, 0}, -1, 0);
  if (handle < 0) GTEST_SKIP() << "perf_event_open is refused here: " << -handle;
  const auto before = events.read(handle);
  for (volatile int i = 0; i < 100000;) i = i + 1;
  const auto after = events.read(handle);
  events.close(handle);
  ASSERT_TRUE(before.has_value() && after.has_value());
  EXPECT_GT(after->value, before->value);
  EXPECT_GT(full_count(*after), 0);
  EXPECT_FALSE(events.read(handle).has_value()) << "closed";
}

TEST(PerfEvents_System, refuses_nonsense_with_an_errno) {
  EXPECT_LT(perf_events_of("/").open({0xfffffff0u, 0, 0, 0}, 0, -1), 0);
  EXPECT_EQ(perf_events_of("/recorded").open({1, 0, 0, 0}, -1, 0), -ENODEV);
}

TEST(PerfCpu_Domains, sum_over_all_cpus) {
  const RecordedTree tree;
  tree.write("sys/devices/system/cpu/online", "0-2\n");
  FakePerfEvents events;
  const auto source = open(tree, events);
  EXPECT_EQ(ids_of(*source), (std::vector<std::string>{"cpu/instructions", "cpu/cycles"}));
  ASSERT_EQ(events.opened.size(), 6u);
  EXPECT_EQ(events.opened[2].cpu, 2);
  EXPECT_EQ(events.opened[2].config, (PerfConfig{0, 1, 0, 0}));
  EXPECT_EQ(events.opened[3].config, (PerfConfig{0, 0, 0, 0}));
  events.count(1) = {500, 10, 5};
  EXPECT_EQ(value_of(*source, "cpu/instructions"), 1000 + 1000 + 1000);
  events.count(2).running = 0;
  EXPECT_TRUE(std::isnan(value_of(*source, "cpu/instructions"))) << "never a part of the sum";
  test::expect_conforms([&] { return open(tree, events); });
}

TEST(PerfCpu_Domains, two_sorts_of_cores_name_their_pmu) {
  const RecordedTree tree;
  tree.write("sys/bus/event_source/devices/cpu_core/type", "4\n");
  tree.write("sys/bus/event_source/devices/cpu_core/cpus", "0-1\n");
  tree.write("sys/bus/event_source/devices/cpu_atom/type", "10\n");
  tree.write("sys/bus/event_source/devices/cpu_atom/cpus", "2\n");
  FakePerfEvents events;
  const auto source = open(tree, events);
  ASSERT_EQ(events.opened.size(), 6u);
  EXPECT_EQ(events.opened[0].config.config, (4ull << 32) | 1);
  EXPECT_EQ(events.opened[2].config.config, (10ull << 32) | 1);
  EXPECT_EQ(events.opened[2].cpu, 2);
}

TEST(PerfCpu_Missing, no_permission_helps_where_there_are_no_counters) {
  const RecordedTree tree("amd-vm");
  FakePerfEvents events;
  const auto source = open(tree, events);
  EXPECT_EQ(test::absence_of(*source, Kind::kEvents).reason,
            "no counters of the CPUs in /sys/bus/event_source/devices: virtual machine");
  EXPECT_TRUE(events.opened.empty());
}

TEST(PerfCpu_Missing, says_why_and_leaves_nothing_open) {
  struct Row {
    int error;
    const char* reason;
    const char* enable;
  };
  for (const Row& row :
       {Row{ENOENT,
            "the counter of cycles cannot be opened (No such file or directory): virtual machine",
            "measure on bare metal"},
        Row{EMFILE, "the counter of cycles: too many open files", "ulimit -n 65536"},
        Row{ENOSYS, "the counter of cycles: this kernel has no perf_event_open", ""}}) {
    const RecordedTree tree;
    tree.write("proc/cpuinfo", "vendor_id\t: AuthenticAMD\nflags\t\t: fpu hypervisor\n");
    tree.write("sys/devices/system/cpu/online", "0-1\n");
    tree.write("sys/bus/event_source/devices/cpu/type", "4\n");
    FakePerfEvents events;
    events.refuse_after = 1;  // the first CPU works, the second does not
    events.refusal = row.error;
    const auto source = open(tree, events);
    EXPECT_TRUE(source->probe().domains.empty());
    ASSERT_EQ(source->probe().absences.size(), 2u);
    EXPECT_EQ(source->probe().absences[1].reason, row.reason);
    EXPECT_EQ(source->probe().absences[1].enable, row.enable);
    EXPECT_EQ(source->probe().absences[1].scope, "cycles");
    EXPECT_EQ(events.open_handles(), 0u);
    test::expect_conforms(*source);
  }
}

}  // namespace
}  // namespace ridgeline::telemetry
