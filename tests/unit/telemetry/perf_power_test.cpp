// RAPL through the PMU `power`, with counters that are not real.
#include <gtest/gtest.h>

#include "support/fake_perf_events.hpp"
#include "support/recorded_tree.hpp"
#include "support/source_conformance.hpp"
#include "telemetry/perf/perf_source.hpp"

namespace ridgeline::telemetry {
namespace {

using test::absence_of;
using test::FakePerfEvents;
using test::ids_of;
using test::RecordedTree;
using test::value_of;

constexpr const char* kPmu = "sys/bus/event_source/devices/power/";

std::unique_ptr<Source> open(const RecordedTree& tree, PerfEvents& events) {
  Environment environment;
  environment.root = tree.root();
  return open_perf_power(environment, events);
}

void write_event(const RecordedTree& tree, const std::string& name, const std::string& code) {
  const std::string path = std::string(kPmu) + "events/" + name;
  tree.write(path, "event=" + code + "\n");
  tree.write(path + ".scale", "2.3283064365386962890625e-10\n");
  tree.write(path + ".unit", "Joules\n");
}

void write_pmu(const RecordedTree& tree, const std::string& vendor, const std::string& cpumask) {
  tree.write("proc/cpuinfo", "processor\t: 0\nvendor_id\t: " + vendor + "\nflags\t\t: fpu\n");
  tree.write(std::string(kPmu) + "type", "24\n");
  tree.write(std::string(kPmu) + "cpumask", cpumask + "\n");
  tree.write(std::string(kPmu) + "format/event", "config:0-7\n");
  write_event(tree, "energy-pkg", "0x02");
  write_event(tree, "energy-ram", "0x03");
}

void write_cpu(const RecordedTree& tree, int cpu, int socket, int die) {
  const std::string folder = "sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/";
  tree.write(folder + "physical_package_id", std::to_string(socket) + "\n");
  tree.write(folder + "die_id", std::to_string(die) + "\n");
}

TEST(PerfPower_Domains, one_for_each_socket_with_raps_ids) {
  const RecordedTree tree;
  write_pmu(tree, "GenuineIntel", "0,28");
  write_cpu(tree, 0, 0, 0);
  write_cpu(tree, 28, 1, 0);
  FakePerfEvents events;
  const auto source = open(tree, events);
  EXPECT_EQ(ids_of(*source),
            (std::vector<std::string>{"package-0", "package-1", "dram-0", "dram-1"}));
  ASSERT_EQ(events.opened.size(), 4u);
  EXPECT_EQ(events.opened[1].config, (PerfConfig{24, 2, 0, 0}));
  EXPECT_EQ(events.opened[1].cpu, 28);
  EXPECT_EQ(events.opened[1].pid, -1);
  EXPECT_EQ(events.opened[2].config.config, 3u);
  events.count(1).value = 5ull << 32;
  EXPECT_DOUBLE_EQ(value_of(*source, "package-1"), 5);
  EXPECT_FALSE(test::domain_of(*source, "package-1").wraps_at.has_value());
}

TEST(PerfPower_Domains, conform_and_give_their_counters_back) {
  const RecordedTree tree;
  write_pmu(tree, "GenuineIntel", "0");
  FakePerfEvents events;
  test::expect_conforms([&] { return open(tree, events); });
  EXPECT_EQ(events.open_handles(), 0u);
}

TEST(PerfPower_Domains, dies_count_apart_on_intel_alone) {
  for (const bool intel : {true, false}) {
    const RecordedTree tree;
    write_pmu(tree, intel ? "GenuineIntel" : "AuthenticAMD", "0,24");
    write_cpu(tree, 0, 0, 0);
    write_cpu(tree, 24, 0, 1);
    FakePerfEvents events;
    const auto source = open(tree, events);
    EXPECT_EQ(ids_of(*source), intel
                                   ? (std::vector<std::string>{"package-0-die-0", "package-0-die-1",
                                                               "dram-0-die-0", "dram-0-die-1"})
                                   : (std::vector<std::string>{"package-0", "dram-0"}));
  }
}

TEST(PerfPower_Read, a_counter_that_fails_is_nan) {
  const RecordedTree tree;
  write_pmu(tree, "GenuineIntel", "0");
  FakePerfEvents events;
  const auto source = open(tree, events);
  events.count(0).running = 0;
  EXPECT_TRUE(std::isnan(value_of(*source, "package-0")));
  EXPECT_GT(value_of(*source, "dram-0"), 0);
  events.gone = true;
  EXPECT_TRUE(std::isnan(value_of(*source, "dram-0")));
}

TEST(PerfPower_Permission, names_the_setting_and_the_command) {
  const RecordedTree tree;
  write_pmu(tree, "GenuineIntel", "0,28");
  write_cpu(tree, 0, 0, 0);
  write_cpu(tree, 28, 1, 0);
  tree.write("proc/sys/kernel/perf_event_paranoid", "2\n");
  // The second socket is refused: half the machine is no answer.
  for (const int refuse_after : {0, 1}) {
    FakePerfEvents events;
    events.refuse_after = refuse_after;
    const auto source = open(tree, events);
    EXPECT_TRUE(source->probe().domains.empty());
    const Absence absence = absence_of(*source, Kind::kEnergy);
    EXPECT_EQ(absence.reason,
              "the energy counters of the PMU power may not be opened: kernel.perf_event_paranoid "
              "is 2, counting all processes needs 0 or CAP_PERFMON");
    EXPECT_EQ(absence.enable,
              "sudo sysctl kernel.perf_event_paranoid=0  # or: sudo setcap cap_perfmon=ep "
              "\"$(command -v ridgeline)\"");
    test::expect_conforms(*source);
    EXPECT_EQ(events.open_handles(), 0u);
  }
}

TEST(PerfPower_Permission, a_container_refuses_by_itself) {
  const RecordedTree tree;
  write_pmu(tree, "GenuineIntel", "0");
  tree.write("proc/sys/kernel/perf_event_paranoid", "-1\n");
  tree.write(".dockerenv", "");
  FakePerfEvents events;
  events.refuse_after = 0;
  const Absence absence = absence_of(*open(tree, events), Kind::kEnergy);
  EXPECT_EQ(absence.reason,
            "the energy counters of the PMU power may not be opened: docker container");
  EXPECT_EQ(absence.enable, "run outside the container");
}

TEST(PerfPower_Missing, one_event_alone_leaves_the_others) {
  const RecordedTree tree;
  write_pmu(tree, "GenuineIntel", "0");
  tree.write(std::string(kPmu) + "events/energy-ram.unit", "Calories\n");
  FakePerfEvents events;
  const auto source = open(tree, events);
  EXPECT_EQ(ids_of(*source), std::vector<std::string>{"package-0"});
  const Absence absence = absence_of(*source, Kind::kEnergy);
  EXPECT_EQ(absence.scope, "dram");
  EXPECT_EQ(absence.reason, "energy-ram: unit Calories is not known");
}

TEST(PerfPower_Missing, says_why) {
  const RecordedTree vm("amd-vm");
  FakePerfEvents events;
  EXPECT_EQ(absence_of(*open(vm, events), Kind::kEnergy).reason,
            "no RAPL counters (PMU power) in /sys/bus/event_source/devices: virtual machine");
  const RecordedTree server;
  server.write("proc/cpuinfo", "vendor_id\t: GenuineIntel\nflags\t\t: fpu\n");
  EXPECT_EQ(absence_of(*open(server, events), Kind::kEnergy).enable, "sudo modprobe rapl");
  const RecordedTree board;
  EXPECT_EQ(absence_of(*open(board, events), Kind::kEnergy).reason,
            "RAPL is for x86 processors only");
  EXPECT_TRUE(events.opened.empty());
}

TEST(PerfPower_Missing, a_recorded_machine_never_opens_real_counters) {
  const RecordedTree tree;
  write_pmu(tree, "GenuineIntel", "0");
  Environment environment;
  environment.root = tree.root();
  const auto source = open_perf_power(environment);
  EXPECT_TRUE(source->probe().domains.empty());
  test::expect_conforms(*source);
}

}  // namespace
}  // namespace ridgeline::telemetry
