// Clock, throttle times and thermal zones of the processor.
#include <gtest/gtest.h>

#include "support/recorded_tree.hpp"
#include "support/source_conformance.hpp"
#include "telemetry/sources.hpp"

namespace ridgeline::telemetry {
namespace {

using test::absence_of;
using test::domain_of;
using test::ids_of;
using test::RecordedTree;
using test::value_of;

std::unique_ptr<Source> open(const RecordedTree& tree) {
  Environment environment;
  environment.root = tree.root();
  return open_cpufreq(environment);
}

std::string cpu(int number) {
  return "sys/devices/system/cpu/cpu" + std::to_string(number) + "/";
}

// Two sockets of one core with two threads each: CPUs 0, 2 and 1, 3.
void write_server(const RecordedTree& tree) {
  tree.write("sys/devices/system/cpu/online", "0-3\n");
  for (int i = 0; i < 4; ++i) {
    tree.write(cpu(i) + "cpufreq/scaling_cur_freq", std::to_string(2000000 + 100000 * i) + "\n");
    tree.write(cpu(i) + "topology/physical_package_id", std::to_string(i % 2) + "\n");
    tree.write(cpu(i) + "topology/thread_siblings_list", i % 2 == 0 ? "0,2\n" : "1,3\n");
    tree.write(cpu(i) + "thermal_throttle/core_throttle_total_time_ms", "250\n");
    tree.write(cpu(i) + "thermal_throttle/package_throttle_total_time_ms",
               std::to_string(1000 * (i % 2)) + "\n");
  }
}

TEST(Cpufreq_Clock, is_the_mean_of_the_cpus_that_tell) {
  const RecordedTree tree;
  write_server(tree);
  const auto source = open(tree);
  EXPECT_DOUBLE_EQ(value_of(*source, "clock"), 2.15e9);
  tree.remove(cpu(3) + "cpufreq");  // goes offline
  EXPECT_DOUBLE_EQ(value_of(*source, "clock"), 2.1e9);
  for (const int i : {0, 1, 2}) tree.write(cpu(i) + "cpufreq/scaling_cur_freq", "<unknown>\n");
  EXPECT_TRUE(std::isnan(value_of(*source, "clock")));
}

TEST(Cpufreq_Throttling, once_for_each_package_and_core) {
  const RecordedTree tree;
  write_server(tree);
  const auto source = open(tree);
  EXPECT_EQ(ids_of(*source),
            (std::vector<std::string>{"clock", "package-0/throttle.thermal",
                                      "package-1/throttle.thermal", "cores/throttle.thermal"}));
  EXPECT_DOUBLE_EQ(value_of(*source, "package-1/throttle.thermal"), 1);
  EXPECT_DOUBLE_EQ(value_of(*source, "cores/throttle.thermal"), 0.5) << "two cores, four threads";
  EXPECT_EQ(domain_of(*source, "cores/throttle.thermal").note, "summed over 2 cores");
  tree.write(cpu(1) + "thermal_throttle/core_throttle_total_time_ms", "\n");
  EXPECT_TRUE(std::isnan(value_of(*source, "cores/throttle.thermal")));
  test::expect_conforms([&] { return open(tree); });
}

TEST(Cpufreq_Temperature, zones_stand_in_for_hwmon_only) {
  const RecordedTree tree;
  tree.write("sys/class/thermal/thermal_zone0/type", "acpitz\n");
  tree.write("sys/class/thermal/thermal_zone0/temp", "27800\n");
  tree.write("sys/class/thermal/thermal_zone1/type", "x86_pkg_temp\n");
  tree.write("sys/class/thermal/thermal_zone1/temp", "61000\n");
  EXPECT_DOUBLE_EQ(value_of(*open(tree), "x86_pkg_temp-0/temperature"), 61);
  tree.write("sys/class/hwmon/hwmon0/name", "coretemp\n");
  tree.write("sys/class/hwmon/hwmon0/temp1_input", "61000\n");
  EXPECT_TRUE(open(tree)->probe().domains.empty());
}

TEST(Cpufreq_Missing, says_why) {
  const RecordedTree vm("amd-vm");
  const auto source = open(vm);
  EXPECT_EQ(absence_of(*source, Kind::kClock).reason,
            "no cpufreq driver in /sys/devices/system/cpu/cpu*/cpufreq: virtual machine");
  EXPECT_EQ(absence_of(*source, Kind::kThrottleTime).enable, "measure on bare metal");
  test::expect_conforms(*source);
}

}  // namespace
}  // namespace ridgeline::telemetry
