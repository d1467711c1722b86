// Reasons for absent sensors.
#include "telemetry/null_source.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/recorded_tree.hpp"

namespace ridgeline::telemetry {
namespace {

using test::RecordedTree;

TEST(NullSource_Reason, virtual_machine_without_rapl) {
  const RecordedTree tree("amd-vm");
  const Absence energy = absent_metrics_reason(Quantity::kEnergy, tree.root());
  EXPECT_EQ(energy.reason, "no RAPL in /sys/class/powercap: virtual machine");
  EXPECT_EQ(energy.enable, "measure on bare metal");
  EXPECT_EQ(absent_metrics_reason(Quantity::kBandwidth, tree.root()).reason,
            "no memory controller counters in /sys/bus/event_source/devices: virtual machine");
}

TEST(NullSource_Reason, rapl_that_is_there_is_not_called_absent) {
  const RecordedTree tree("intel-2s-smt");
  EXPECT_EQ(absent_metrics_reason(Quantity::kPower, tree.root()).reason,
            "RAPL is there (2 packages), this version does not read it yet");
  EXPECT_EQ(
      absent_metrics_reason(Quantity::kBandwidth, tree.root()).reason,
      "memory controller counters are there (uncore_imc_0), this version does not read it yet");
}

TEST(NullSource_Reason, hwmon_power_sensor_of_a_board) {
  const RecordedTree tree("arm-board");
  EXPECT_EQ(absent_metrics_reason(Quantity::kPower, tree.root()).reason,
            "hwmon chip ina3221 is there, this version does not read it yet");
}

TEST(NullSource_Reason, bare_metal_without_driver_gets_a_command) {
  const RecordedTree tree("intel-2s-smt");
  tree.remove("sys/class/powercap");
  const Absence energy = absent_metrics_reason(Quantity::kEnergy, tree.root());
  EXPECT_EQ(energy.reason, "no RAPL in /sys/class/powercap");
  EXPECT_EQ(energy.enable, "sudo modprobe intel_rapl_msr");
}

TEST(NullSource_Reason, container_hides_the_host) {
  const RecordedTree tree("intel-2s-smt");
  tree.remove("sys/class/powercap");
  tree.write(".dockerenv", "");
  EXPECT_EQ(absent_metrics_reason(Quantity::kEnergy, tree.root()).enable,
            "run outside the container");
}

TEST(NullSource_Probe, has_no_domains_and_a_reason_for_each_quantity) {
  const RecordedTree tree("amd-vm");
  const auto source = null_source(tree.root());
  const Probe probe = source->probe();
  EXPECT_TRUE(probe.domains.empty());
  ASSERT_EQ(probe.absences.size(), kQuantities.size());
  for (const Absence& absence : probe.absences) EXPECT_FALSE(absence.reason.empty());
  const auto readings = source->read();
  ASSERT_TRUE(readings.has_value());
  EXPECT_TRUE(readings->empty());
}

TEST(NullSource_Json, writes_null_where_nothing_helps) {
  const Json json = to_json({{Quantity::kPower, "why", ""}, {Quantity::kEnergy, "why", "how"}});
  EXPECT_EQ(to_line(json), R"([{"quantity":"power","reason":"why","enable":null},)"
                           R"({"quantity":"energy","reason":"why","enable":"how"}])");
}

}  // namespace
}  // namespace ridgeline::telemetry
