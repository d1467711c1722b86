// The reason that helps most, and the source that only gives reasons.
#include "telemetry/null_source.hpp"

#include <gtest/gtest.h>

#include "support/recorded_tree.hpp"
#include "support/source_conformance.hpp"
#include "telemetry/absence.hpp"

namespace ridgeline::telemetry {
namespace {

using test::RecordedTree;

class FakeSource final : public Source {
 public:
  explicit FakeSource(Probe probe) : probe_(std::move(probe)) {}
  std::string_view name() const override { return "fake"; }
  const Probe& probe() const override { return probe_; }
  void read(std::span<const std::size_t> /*domains*/, std::vector<Reading>& /*readings*/) override {
  }

 private:
  Probe probe_;
};

std::vector<std::unique_ptr<Source>> sources_with(std::vector<Absence> absences) {
  std::vector<std::unique_ptr<Source>> sources;
  for (Absence& absence : absences) {
    Probe probe;
    probe.absences.push_back(std::move(absence));
    sources.push_back(std::make_unique<FakeSource>(std::move(probe)));
  }
  return sources;
}

std::string reason(Kind kind, std::vector<Absence> absences) {
  return absent_reason(kind, sources_with(std::move(absences))).reason;
}

TEST(NullSource_Reason, a_permission_to_give_comes_first) {
  const Absence module{Kind::kEnergy, "module", "sudo modprobe x"};
  const Absence machine{Kind::kEnergy, "machine", std::string(kBareMetal)};
  const Absence container{Kind::kEnergy, "container", std::string(kOutsideContainer)};
  const Absence nothing{Kind::kEnergy, "nothing", "install something"};
  const Absence permission{Kind::kEnergy, "permission", "sudo chmod a+r /x"};
  EXPECT_EQ(reason(Kind::kEnergy, {nothing, module, container, machine, permission}), "permission");
  EXPECT_EQ(reason(Kind::kEnergy, {nothing, module, container, machine}), "machine");
  EXPECT_EQ(reason(Kind::kEnergy, {nothing, module, container}), "container");
  EXPECT_EQ(reason(Kind::kEnergy, {nothing, module}), "module");
  EXPECT_EQ(reason(Kind::kEnergy, {nothing}), "nothing");
}

TEST(NullSource_Reason, the_whole_host_goes_before_a_device_and_a_scope) {
  const Absence scope{Kind::kEnergy, "scope", "", "", "dram"};
  const Absence device{Kind::kEnergy, "device", "", "0000:17:00.0"};
  const Absence first{Kind::kEnergy, "first"};
  const Absence second{Kind::kEnergy, "second"};
  EXPECT_EQ(reason(Kind::kEnergy, {scope, device, first, second}), "first");
  EXPECT_EQ(reason(Kind::kEnergy, {scope, device}), "device");
}

TEST(NullSource_Reason, what_bars_energy_bars_power_too) {
  const Absence energy{Kind::kEnergy, "energy", "sudo chmod a+r /x"};
  const Absence power{Kind::kPower, "power"};
  const auto sources = sources_with({power, energy});
  const Absence found = absent_reason(Kind::kPower, sources);
  EXPECT_EQ(found.kind, Kind::kPower);
  EXPECT_EQ(found.reason, "energy");
  EXPECT_EQ(reason(Kind::kPower, {power, {Kind::kEnergy, "energy"}}), "power");
}

TEST(NullSource_Reason, a_kind_that_is_read_or_that_nobody_knows) {
  Probe probe;
  probe.domains.push_back({"x", Kind::kTraffic, "dram"});
  std::vector<std::unique_ptr<Source>> sources;
  sources.push_back(std::make_unique<FakeSource>(std::move(probe)));
  EXPECT_EQ(absent_reason(Kind::kTraffic, sources).reason, "fake gave no value");
  EXPECT_EQ(absent_reason(Kind::kEnergy, sources).reason, "no source reads energy here");
}

TEST(NullSource_Reason, without_sources_the_hosts_are_asked) {
  const RecordedTree vm("amd-vm");
  const Absence energy = absent_reason(Kind::kEnergy, {}, vm.root());
  EXPECT_EQ(energy.reason,
            "no RAPL counters (PMU power) in /sys/bus/event_source/devices: virtual machine");
  EXPECT_EQ(energy.enable, "measure on bare metal");
  const RecordedTree board("arm-board");
  EXPECT_EQ(absent_reason(Kind::kPower, {}, board.root()).reason, "left out: hwmon reads it here");
}

TEST(NullSource_Reason, container_and_module) {
  const RecordedTree tree;
  tree.write("proc/cpuinfo", "vendor_id\t: GenuineIntel\nflags\t\t: fpu\n");
  EXPECT_EQ(absent_reason(Kind::kEnergy, {}, tree.root()).enable, "sudo modprobe rapl");
  tree.write(".dockerenv", "");
  EXPECT_EQ(absent_reason(Kind::kEnergy, {}, tree.root()).enable, "run outside the container");
}

TEST(NullSource_Probe, has_no_domains_and_a_reason_for_each_kind) {
  const RecordedTree tree("amd-vm");
  const auto source = null_source(tree.root());
  EXPECT_TRUE(source->probe().domains.empty());
  ASSERT_EQ(source->probe().absences.size(), 3u);
  test::expect_conforms([&] { return null_source(tree.root()); });
}

}  // namespace
}  // namespace ridgeline::telemetry
