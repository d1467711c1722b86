// NVML: which domains a GPU gives, and what a reading means.
#include <gmock/gmock.h>

#include <set>

#include "fakes/nvml/fake_machine.hpp"
#include "support/source_conformance.hpp"

namespace ridgeline::telemetry {
namespace {

using test::FakeMachine;
using test::find_absence;
using test::find_domain;
using test::kAddress;
using test::place_of;
using test::read_one;
using test::api::Return;
using test::api::ValueType;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

TEST(Telemetry_Nvml, gives_the_domains_of_a_data_centre_gpu) {
  FakeMachine machine;
  machine.add();
  const auto source = machine.open();
  EXPECT_EQ(source->name(), "nvml");
  std::set<std::string> ids;
  for (const Domain& domain : source->probe().domains) {
    EXPECT_EQ(domain.device, kAddress) << domain.id;
    EXPECT_TRUE(domain.id.starts_with(std::string(kAddress) + "/")) << domain.id;
    EXPECT_TRUE(ids.insert(domain.id).second) << domain.id;
    EXPECT_GT(domain.resolution, 0) << domain.id;
    EXPECT_FALSE(domain.provenance.empty()) << domain.id;
    const bool joules = domain.kind == Kind::kEnergy || domain.kind == Kind::kPower;
    EXPECT_EQ(domain.systematic.has_value(), joules) << domain.id;
  }
  for (const char* id :
       {"energy", "power.instant", "power.average", "power.memory", "temperature",
        "temperature.memory", "clock.sm", "clock.memory", "clock.graphics", "throttle.sw_power_cap",
        "throttle.sw_thermal", "throttle.hw_thermal", "throttle.hw_power_brake", "traffic.dram",
        "traffic.pcie_rx", "activity.tensor"}) {
    EXPECT_NE(find_domain(*source, id), nullptr) << id;
  }
  EXPECT_EQ(find_domain(*source, "power.instant.module"), nullptr);
  const Domain* energy = find_domain(*source, "energy");
  ASSERT_NE(energy, nullptr);
  EXPECT_EQ(energy->scope, "board");
  EXPECT_EQ(energy->provenance, "counter");
  EXPECT_EQ(energy->update_period, 0.1);
  EXPECT_FALSE(energy->wraps_at.has_value());
  // What the counter sums up and what may be integrated beside it bear one scope.
  EXPECT_EQ(find_domain(*source, "power.instant")->scope, "board");
  EXPECT_EQ(find_domain(*source, "power.memory")->scope, "memory");
}

TEST(Telemetry_Nvml, reads_in_si_units_and_in_the_order_asked) {
  FakeMachine machine;
  machine.add();
  const auto source = machine.open();
  std::vector<std::size_t> asked;
  for (const char* id : {"temperature", "energy", "clock.sm", "power.instant", "energy",
                         "throttle.sw_power_cap", "temperature.memory", "power.memory"}) {
    asked.push_back(*place_of(*source, id));
  }
  std::vector<Reading> readings;
  source->read(asked, readings);
  ASSERT_EQ(readings.size(), asked.size());
  const double expected[] = {41, 500e3, 1980e6, 500, 500e3, 250, 52, 80};
  for (std::size_t i = 0; i < asked.size(); ++i) {
    EXPECT_EQ(readings[i].domain, asked[i]);
    EXPECT_DOUBLE_EQ(readings[i].value, expected[i]) << i;
  }
}

TEST(Telemetry_Nvml, asks_for_all_fields_in_one_call_stamped_at_its_middle) {
  FakeMachine machine;
  machine.add();
  const auto source = machine.open();
  machine->latency_ns = 4000;
  machine->calls.clear();
  const std::int64_t before = machine->now_ns;
  std::vector<Reading> readings;
  source->read(
      std::vector<std::size_t>{*place_of(*source, "energy"), *place_of(*source, "power.instant"),
                               *place_of(*source, "throttle.hw_thermal")},
      readings);
  EXPECT_EQ(machine->calls["DeviceGetFieldValues"], 1);
  for (const Reading& reading : readings) EXPECT_EQ(reading.ns, before + 2000);
  EXPECT_EQ(machine->now_ns, before + 4000);
}

TEST(Telemetry_Nvml, a_domain_that_does_not_exist_is_read_as_nan) {
  FakeMachine machine;
  machine.add();
  const auto source = machine.open();
  std::vector<Reading> readings;
  source->read(std::vector<std::size_t>{source->probe().domains.size()}, readings);
  ASSERT_EQ(readings.size(), 1u);
  EXPECT_TRUE(std::isnan(readings[0].value));
}

TEST(Telemetry_Nvml, takes_the_calls_of_an_old_driver_without_fields) {
  FakeMachine machine(RIDGELINE_FAKE_NVML_OLD);
  machine->driver = "418.67";
  machine.add().architecture = 0;
  const auto source = machine.open();
  EXPECT_DOUBLE_EQ(read_one(*source, "energy").value, 500e3);
  EXPECT_DOUBLE_EQ(read_one(*source, "power.usage").value, 500);
  EXPECT_THAT(find_domain(*source, "power.usage")->note, HasSubstr("averaged over 1 s"));
  EXPECT_FALSE(find_domain(*source, "energy")->update_period.has_value());
  const Absence* throttle = find_absence(*source, Kind::kThrottleTime, "hw_thermal");
  ASSERT_NE(throttle, nullptr);
  EXPECT_THAT(throttle->enable, HasSubstr("update the NVIDIA driver"));
  const Absence* traffic = find_absence(*source, Kind::kTraffic, "");
  ASSERT_NE(traffic, nullptr);
  EXPECT_EQ(traffic->reason, "this driver's library has no GPM");
  EXPECT_EQ(traffic->device, kAddress);
}

TEST(Telemetry_Nvml, asks_one_by_one_where_the_driver_refuses_many_fields) {
  FakeMachine machine;
  machine.add();
  machine->refuses_batches = true;
  const auto source = machine.open();
  EXPECT_NE(find_domain(*source, "power.instant"), nullptr);
  EXPECT_EQ(find_domain(*source, "power.instant.module"), nullptr);
}

TEST(Telemetry_Nvml, energy_falls_back_from_field_to_field_to_call) {
  FakeMachine machine;
  machine.add();
  machine.gpu().fields.erase({test::api::kFieldTotalEnergy, 0});
  EXPECT_DOUBLE_EQ(read_one(*machine.open(), "energy").value, 500e3);
  machine.gpu().fields.erase({test::api::kFieldEnergy, 0});
  machine->calls.clear();
  EXPECT_DOUBLE_EQ(read_one(*machine.open(), "energy").value, 500e3);
  EXPECT_EQ(machine->calls["DeviceGetTotalEnergyConsumption"], 2);  // to probe and to read
  machine.gpu().failures["DeviceGetTotalEnergyConsumption"] = Return::kNotSupported;
  const auto source = machine.open();
  EXPECT_EQ(find_domain(*source, "energy"), nullptr);
  const Absence* absence = find_absence(*source, Kind::kEnergy, "board");
  ASSERT_NE(absence, nullptr);
  EXPECT_THAT(absence->reason, HasSubstr("Volta"));
  EXPECT_EQ(absence->device, kAddress);
}

TEST(Telemetry_Nvml, a_counter_of_32_bits_says_where_it_wraps) {
  FakeMachine machine;
  machine.add().fields[{test::api::kFieldTotalEnergy, 0}].type = ValueType::kUnsignedInt;
  EXPECT_DOUBLE_EQ(find_domain(*machine.open(), "energy")->wraps_at.value(), 4294967.296);
}

TEST(Telemetry_Nvml, a_superchip_gives_the_power_of_its_module_only) {
  FakeMachine machine;
  auto& fields = machine.add().fields;
  for (const std::uint32_t field : {test::api::kFieldPowerInstant, test::api::kFieldPowerAverage}) {
    auto node = fields.extract({field, test::api::kScopeGpu});
    node.key().second = test::api::kScopeModule;
    fields.insert(std::move(node));
  }
  const auto source = machine.open();
  EXPECT_EQ(find_domain(*source, "power.instant"), nullptr);
  EXPECT_EQ(find_domain(*source, "power.usage"), nullptr);
  EXPECT_EQ(find_domain(*source, "power.instant.module")->scope, "module");
  const Absence* absence = find_absence(*source, Kind::kPower, "board");
  ASSERT_NE(absence, nullptr);
  EXPECT_THAT(absence->reason, HasSubstr("module"));
}

TEST(Telemetry_Nvml, zero_watts_is_no_reading) {
  FakeMachine machine;
  auto& fields = machine.add().fields;
  fields[{test::api::kFieldPowerAverage, test::api::kScopeMemory}].value = [](double) {
    return 0.0;
  };
  const auto source = machine.open();
  EXPECT_EQ(find_domain(*source, "power.memory"), nullptr);
  EXPECT_NE(find_absence(*source, Kind::kPower, "memory"), nullptr);
  machine.gpu().fields[{test::api::kFieldPowerInstant, 0}].value = [](double) { return 0.0; };
  EXPECT_TRUE(std::isnan(read_one(*source, "power.instant").value));
  EXPECT_DOUBLE_EQ(read_one(*source, "power.average").value, 500);
}

TEST(Telemetry_Nvml, a_reset_counter_is_given_as_it_is) {
  FakeMachine machine;
  machine.add();
  const auto source = machine.open();
  EXPECT_DOUBLE_EQ(read_one(*source, "energy").value, 500e3);
  machine.gpu().fields[{test::api::kFieldTotalEnergy, 0}].value = [](double) { return 7.0; };
  EXPECT_DOUBLE_EQ(read_one(*source, "energy").value, 0.007);
}

TEST(Telemetry_Nvml, one_field_that_fails_leaves_the_others) {
  FakeMachine machine;
  machine.add();
  const auto source = machine.open();
  machine.gpu().fields[{test::api::kFieldPowerInstant, 0}].status = Return::kUnknown;
  std::vector<Reading> readings;
  source->read(
      std::vector<std::size_t>{*place_of(*source, "power.instant"), *place_of(*source, "energy")},
      readings);
  EXPECT_TRUE(std::isnan(readings[0].value));
  EXPECT_DOUBLE_EQ(readings[1].value, 500e3);
}

TEST(Telemetry_Nvml, a_gpu_lost_in_mid_run_reads_nan_and_the_other_goes_on) {
  FakeMachine machine;
  machine.add();
  machine.add("00000000:65:00.0", "GPU-aaaaaaaa-0000-1111-2222-333344445555");
  const auto source = machine.open();
  std::vector<std::size_t> all(source->probe().domains.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  std::vector<Reading> readings;
  source->read(all, readings);
  machine.gpu(0).lost = true;
  machine.advance(1);
  readings.clear();
  source->read(all, readings);
  ASSERT_EQ(readings.size(), all.size());
  for (const Reading& reading : readings) {
    const Domain& domain = source->probe().domains[reading.domain];
    EXPECT_EQ(std::isnan(reading.value), domain.device == kAddress) << domain.id;
  }
  ASSERT_EQ(source->devices().size(), 2u);
  EXPECT_FALSE(source->devices()[0].power_limit.has_value());
  EXPECT_THAT(source->devices()[0].missing.front().reason, HasSubstr("fallen off the bus"));
}

TEST(Telemetry_Nvml, finds_the_thermal_counters_under_either_numbering) {
  FakeMachine machine;
  auto& fields = machine.add().fields;
  // A driver of 575 to 580.65, on a GPU with power smoothing: 269 to 271 are its settings.
  std::uint32_t older = test::api::kFieldSwThermalOf575;
  for (std::uint32_t field = test::api::kFieldSwThermal; field <= test::api::kFieldHwPowerBrake;
       ++field, ++older) {
    fields[{older, 0}] = {ValueType::kUnsignedLongLong, [](double) { return 3e9; }};
    fields[{field, 0}] = {ValueType::kUnsignedInt, [](double) { return 4.0; }};
  }
  EXPECT_DOUBLE_EQ(read_one(*machine.open(), "throttle.hw_thermal").value, 3);
  EXPECT_DOUBLE_EQ(read_one(*machine.open(), "throttle.hw_power_brake").value, 3);
  // Both ranges answer like counters: no guess.
  fields[{test::api::kFieldHwThermal, 0}].type = ValueType::kUnsignedLongLong;
  const auto source = machine.open();
  EXPECT_EQ(find_domain(*source, "throttle.sw_thermal"), nullptr);
  const Absence* absence = find_absence(*source, Kind::kThrottleTime, "sw_thermal");
  ASSERT_NE(absence, nullptr);
  EXPECT_THAT(absence->reason, HasSubstr("numbering"));
}

TEST(Telemetry_Nvml, a_throttle_time_of_32_bits_is_no_counter) {
  FakeMachine machine;
  machine.add().fields[{test::api::kFieldPolicyPower, 0}].type = ValueType::kUnsignedInt;
  const auto source = machine.open();
  EXPECT_EQ(find_domain(*source, "throttle.sw_power_cap"), nullptr);
  EXPECT_THAT(find_absence(*source, Kind::kThrottleTime, "sw_power_cap")->reason,
              HasSubstr("32 bits"));
}

TEST(Telemetry_Nvml, says_that_energy_is_of_the_whole_gpu_where_mig_is_on) {
  FakeMachine machine;
  machine.add().mig = 1;
  const auto source = machine.open();
  EXPECT_THAT(find_domain(*source, "energy")->note, HasSubstr("whole GPU"));
  EXPECT_THAT(find_domain(*source, "power.instant")->note, HasSubstr("whole GPU"));
  EXPECT_TRUE(source->devices().front().mig.value());
}

TEST(Telemetry_Nvml, keeps_two_gpus_apart_by_address) {
  FakeMachine machine;
  machine.add("00000000:65:00.0");
  machine.add("00000000:17:00.0");
  machine.gpu(1).fields[{test::api::kFieldPowerInstant, 0}].value = [](double) { return 123e3; };
  const auto source = machine.open();
  EXPECT_DOUBLE_EQ(read_one(*source, "0000:17:00.0/power.instant").value, 123);
  EXPECT_DOUBLE_EQ(read_one(*source, "0000:65:00.0/power.instant").value, 500);
}

TEST(Telemetry_Nvml, an_unreachable_gpu_is_an_absence_and_hides_no_other) {
  FakeMachine machine;
  machine.add("00000000:17:00.0").failures["DeviceGetHandleByIndex_v2"] = Return::kNoPermission;
  machine.add("00000000:65:00.0");
  machine.add("00000000:66:00.0").failures["DeviceGetPciInfo_v3"] = Return::kUnknown;
  machine.add("00000000:65:00.0");  // a second device at an address would make ids ambiguous
  const auto source = machine.open();
  EXPECT_THAT(source->devices(), SizeIs(1));
  const Absence* absence = find_absence(*source, Kind::kEnergy, "");
  ASSERT_NE(absence, nullptr);
  EXPECT_EQ(absence->reason, "GPU 0: no permission");
  EXPECT_THAT(source->probe().absences.back().reason, testing::Not(IsEmpty()));
}

TEST(Telemetry_Nvml, conforms_as_every_source) {
  for (const char* path : {RIDGELINE_FAKE_NVML, RIDGELINE_FAKE_NVML_OLD}) {
    FakeMachine machine(path);
    machine.add();
    machine.add("00000000:65:00.0").lost = true;
    machine->now_ns = 1'000'000'000;  // not later than the real clock
    machine->latency_ns = 1000;
    test::expect_conforms([&] { return machine.open(); });
  }
  FakeMachine none;
  test::expect_conforms([&] { return none.open(); });
}

TEST(Telemetry_Nvml, closes_what_it_opened) {
  FakeMachine machine;
  machine.add();
  auto source = machine.open();
  EXPECT_EQ(machine->running, 1);
  EXPECT_EQ(machine->samples, 2);
  source.reset();
  EXPECT_EQ(machine->running, 0);
  EXPECT_EQ(machine->samples, 0);
}

TEST(Telemetry_Nvml, open_nvml_stamps_with_the_monotonic_clock) {
  FakeMachine machine;
  machine.add();
  Environment environment;
  environment.nvml = RIDGELINE_FAKE_NVML;
  const auto source = open_nvml(environment);
  timespec before{};
  ::clock_gettime(CLOCK_MONOTONIC, &before);
  EXPECT_GE(read_one(*source, "energy").ns, before.tv_sec * 1'000'000'000 + before.tv_nsec);
}

}  // namespace
}  // namespace ridgeline::telemetry
