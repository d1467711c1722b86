// Flags of accelerators at the start, and of clocks and heat over a window.
#include "measure/device_flags.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>

#include "measure/window_flags.hpp"

namespace ridgeline::measure {
namespace {

using results::Flag;
using telemetry::DeviceState;
using Severity = Flag::Severity;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::map<std::string, Flag> by_id(const std::vector<Flag>& flags) {
  std::map<std::string, Flag> map;
  for (const Flag& flag : flags) {
    EXPECT_TRUE(map.emplace(flag.id, flag).second) << "twice: " << flag.id;
    EXPECT_FALSE(flag.detail.empty()) << flag.id;
    EXPECT_FALSE(flag.advice.empty()) << flag.id;
    EXPECT_EQ(flag.advice.find('@'), std::string::npos) << flag.advice;
  }
  return map;
}

DeviceState device(const std::string& address = "0000:17:00.0") {
  DeviceState state;
  state.pci_address = address;
  state.uuid = "GPU-secret";
  return state;
}

TEST(DeviceFlags_Limits, a_card_below_its_power_limit_is_another_card) {
  DeviceState card = device();
  card.power_limit_default = 700;
  card.power_limit = 697;  // rounding
  EXPECT_TRUE(device_flags({card}).empty());
  card.power_limit = 400;
  const Flag capped = by_id(device_flags({card})).at("power_limit");
  EXPECT_EQ(capped.severity, Severity::kWarn);
  EXPECT_EQ(capped.detail, "0000:17:00.0: the power limit is 400 W, below the default of 700 W");
  EXPECT_EQ(capped.advice, "sudo nvidia-smi -i 0000:17:00.0 -pl 700");
  card.power_limit = 750;
  EXPECT_EQ(by_id(device_flags({card})).at("power_limit").severity, Severity::kInfo);
  card.power_limit = kNan;
  EXPECT_TRUE(device_flags({card}).empty());
}

TEST(DeviceFlags_Modes, tell_ecc_mig_and_persistence) {
  DeviceState card = device();
  card.ecc = false;
  card.mig = true;
  card.persistence = false;
  const auto flags = by_id(device_flags({card}));
  ASSERT_EQ(flags.size(), 3u);
  EXPECT_EQ(flags.at("ecc").severity, Severity::kInfo);
  EXPECT_NE(flags.at("ecc").detail.find("is off"), std::string::npos);
  EXPECT_EQ(flags.at("mig").severity, Severity::kWarn);
  EXPECT_EQ(flags.at("persistence").severity, Severity::kInfo);
  card.ecc = true;
  card.mig = false;
  card.persistence = true;
  EXPECT_NE(by_id(device_flags({card})).at("ecc").detail.find("is on"), std::string::npos);
}

TEST(DeviceFlags_Processes, leave_out_our_own) {
  DeviceState card = device();
  card.processes = {{11, "python3", 3ull << 30}, {12, "", {}}, {13, "ours", 1ull << 30}};
  EXPECT_EQ(by_id(device_flags({card}, {13})).at("device_processes").detail,
            "0000:17:00.0: in use by python3 (3.0 GiB), a process");
  EXPECT_TRUE(device_flags({card}, {11, 12, 13}).empty());
}

TEST(DeviceFlags_Link, below_its_best_is_only_said) {
  DeviceState card = device();
  card.pcie_generation = 1;
  card.pcie_generation_max = 5;
  card.pcie_width = card.pcie_width_max = 16;
  const Flag slow = by_id(device_flags({card})).at("pcie_link");
  EXPECT_EQ(slow.severity, Severity::kInfo);
  EXPECT_EQ(slow.detail, "0000:17:00.0: PCIe generation 1 ×16, at most 5 ×16");
  card.pcie_width = 8;
  EXPECT_NE(by_id(device_flags({card})).at("pcie_link").advice, slow.advice);
  card.pcie_generation = card.pcie_generation_max = std::nullopt;
  card.pcie_width = 16;
  EXPECT_TRUE(device_flags({card}).empty());
}

TEST(DeviceFlags_Clocks, held_down_before_any_work_are_flagged) {
  DeviceState card = device();
  card.throttle_reasons = {"gpu_idle", "sw_power_cap"};
  EXPECT_TRUE(device_flags({card}).empty());
  card.throttle_reasons = {"application_clocks", "hw_thermal", "0x800"};
  const auto flags = by_id(device_flags({card}));
  EXPECT_EQ(flags.at("device_clocks").severity, Severity::kInfo);
  EXPECT_EQ(flags.at("throttled").severity, Severity::kWarn);
  EXPECT_EQ(flags.at("device_clocks").detail,
            "0000:17:00.0: clocks are held below their best by application_clocks, 0x800");
  EXPECT_EQ(flags.at("throttled").detail,
            "0000:17:00.0: clocks are held down before any work by hw_thermal");
}

TEST(DeviceFlags_Devices, that_are_alike_share_a_flag) {
  std::vector<DeviceState> cards = {device("0000:17:00.0"), device("0000:65:00.0"),
                                    device("0000:b1:00.0")};
  for (DeviceState& card : cards) card.persistence = false;
  cards[1].persistence = true;
  const auto flags = device_flags(cards);
  ASSERT_EQ(flags.size(), 1u);
  EXPECT_EQ(flags[0].detail.rfind("0000:17:00.0, 0000:b1:00.0: persistence", 0), 0u);
  EXPECT_EQ(flags[0].advice, "sudo nvidia-smi -i 0000:17:00.0,0000:b1:00.0 -pm 1");
}

TEST(DeviceFlags_Devices, that_say_nothing_get_no_flag_and_no_uuid_is_told) {
  EXPECT_TRUE(device_flags({device(), DeviceState{}}).empty());
  EXPECT_TRUE(device_flags({}).empty());
  DeviceState card = device();
  card.mig = true;
  EXPECT_EQ(device_flags({card})[0].detail.find("secret"), std::string::npos);
}

class TwoCards : public telemetry::Source {
 public:
  std::string_view name() const override { return "two"; }
  const telemetry::Probe& probe() const override { return probe_; }
  void read(std::span<const std::size_t>, std::vector<telemetry::Reading>&) override {}
  std::vector<DeviceState> devices() override {
    return {device("0000:17:00.0"), device("0000:65:00.0")};
  }

 private:
  telemetry::Probe probe_;
};

TEST(DeviceFlags_Devices, of_a_run_are_found_by_their_address) {
  telemetry::Sources sources;
  sources.push_back(std::make_unique<TwoCards>());
  EXPECT_EQ(devices_of(sources).size(), 2u);
  const auto chosen = devices_of(sources, {"0000:65:00.0", "0000:99:00.0"});
  ASSERT_EQ(chosen.size(), 1u);
  EXPECT_EQ(chosen[0].pci_address, "0000:65:00.0");
  EXPECT_TRUE(devices_of(sources, {}).empty());
}

TEST(WindowFlags_Throttle, heat_above_one_percent_makes_a_case_invalid) {
  EXPECT_TRUE(throttle_flags("gpu", {{"hw_thermal", 0.1}, {"hw_power_brake", 0.05}}, 10).empty());
  for (const char* cause :
       {"thermal", "sw_thermal", "hw_thermal", "hw_power_brake", "package", "core"}) {
    const auto flags = throttle_flags("gpu", {{cause, 0.11}}, 10);
    ASSERT_EQ(flags.size(), 1u) << cause;
    EXPECT_EQ(flags[0].id, "throttled");
    EXPECT_EQ(flags[0].severity, Severity::kInvalid) << cause;
    EXPECT_NE(flags[0].detail.find("1.1 % of the window"), std::string::npos) << flags[0].detail;
  }
}

TEST(WindowFlags_Throttle, the_power_limit_is_a_property) {
  const auto flags = throttle_flags("0000:17:00.0", {{"sw_power_cap", 3.8}}, 10);
  ASSERT_EQ(flags.size(), 1u);
  EXPECT_EQ(flags[0].severity, Severity::kInfo);
  EXPECT_EQ(flags[0].detail, "0000:17:00.0: at its power limit for 38 % of the window");
  EXPECT_TRUE(throttle_flags("gpu", {{"sw_power_cap", 0}}, 10).empty());
}

TEST(WindowFlags_Throttle, other_causes_are_told) {
  const auto flags = throttle_flags("gpu", {{"sync_boost", 5}, {"something_new", 5}}, 10);
  ASSERT_EQ(flags.size(), 2u);
  for (const Flag& flag : flags) {
    EXPECT_EQ(flag.id, "clock_limit");
    EXPECT_EQ(flag.severity, Severity::kInfo);
  }
  EXPECT_NE(flags[1].detail.find("something_new"), std::string::npos);
}

TEST(WindowFlags_Throttle, readings_that_are_none_give_no_flag) {
  EXPECT_TRUE(throttle_flags("gpu", {{"hw_thermal", kNan}, {"core", -1}}, 10).empty());
  EXPECT_TRUE(throttle_flags("gpu", {{"hw_thermal", 1}}, 0).empty());
  EXPECT_TRUE(throttle_flags("gpu", {{"hw_thermal", 1}}, kNan).empty());
  // Cores add up: never more than the window.
  EXPECT_NE(throttle_flags("cpu", {{"core", 40}}, 10)[0].detail.find("100 %"), std::string::npos);
}

TEST(WindowFlags_Temperature, beyond_ten_degrees_is_a_drift) {
  EXPECT_FALSE(temperature_drift("gpu", 40, 50));
  EXPECT_FALSE(temperature_drift("gpu", kNan, 50));
  const auto rise = temperature_drift("gpu", 40, 51);
  ASSERT_TRUE(rise);
  EXPECT_EQ(rise->id, "temperature_drift");
  EXPECT_EQ(rise->severity, Severity::kWarn);
  EXPECT_EQ(rise->detail, "gpu: from 40 to 51 degrees Celsius in the window");
  const auto fall = temperature_drift("gpu", 80, 60);
  ASSERT_TRUE(fall);
  EXPECT_NE(fall->advice, rise->advice);
}

TEST(WindowFlags_Clock, below_base_or_moving_is_flagged) {
  EXPECT_FALSE(check_clock("cpu", 2.0e9, 2.0e9, 2.1e9)) << "within 5 %";
  EXPECT_EQ(check_clock("cpu", 1.9e9, 2.4e9, 2.1e9)->id, "clock_below_base");
  EXPECT_EQ(check_clock("cpu", 3.0e9, 1.9e9, 2.1e9)->id, "clock_below_base");
  EXPECT_EQ(check_clock("cpu", 3.0e9, 2.8e9, 2.1e9)->id, "clock_drift");
  EXPECT_EQ(check_clock("gpu", 1.7e9, 1.98e9)->id, "clock_drift");
  EXPECT_FALSE(check_clock("gpu", 1.95e9, 1.98e9));
  EXPECT_FALSE(check_clock("gpu", kNan, 1.98e9));
  EXPECT_FALSE(check_clock("gpu", 1.98e9, kInfinity));
  EXPECT_FALSE(check_clock("gpu", 0, 0));
}

}  // namespace
}  // namespace ridgeline::measure
