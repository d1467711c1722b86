// NVML: a GPU's limits, modes and processes.
#include <gmock/gmock.h>

#include "fakes/nvml/fake_machine.hpp"
#include "telemetry/device_match.hpp"
#include "telemetry/nvml/device_facts.hpp"

namespace ridgeline::telemetry {
namespace {

using test::FakeMachine;
using test::api::Return;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

TEST(Telemetry_NvmlFacts, describes_the_gpu_as_it_is_now) {
  FakeMachine machine;
  machine.add().power_limit_mw = 600000;
  machine.gpu().throttle_bits = 0x4 | 0x40;
  const auto source = machine.open();
  ASSERT_THAT(source->devices(), SizeIs(1));
  const DeviceState state = source->devices()[0];
  EXPECT_EQ(state.pci_address, "0000:17:00.0");
  EXPECT_EQ(state.uuid, "GPU-8f2b1c3d-0000-1111-2222-333344445555");
  EXPECT_EQ(state.name, "NVIDIA H200");
  EXPECT_EQ(state.driver_version, "580.159.03");
  EXPECT_EQ(state.power_limit, 600);
  EXPECT_EQ(state.power_limit_default, 700);
  EXPECT_EQ(state.clock_max, 1980e6);
  EXPECT_EQ(state.memory_clock_max, 3201e6);
  EXPECT_DOUBLE_EQ(state.memory_bandwidth.value(), 4916736000000.0);
  EXPECT_EQ(state.memory_total, 150754820096u);
  EXPECT_EQ(state.memory_used, 1000000u);
  EXPECT_EQ(state.ecc, true);
  EXPECT_EQ(state.mig, false);
  EXPECT_EQ(state.persistence, true);
  EXPECT_EQ(state.performance_state, "P0");
  EXPECT_EQ(state.pcie_generation, 5);
  EXPECT_EQ(state.pcie_width, 16);
  EXPECT_EQ(state.pcie_generation_max, 5);
  EXPECT_EQ(state.pcie_width_max, 16);
  EXPECT_THAT(state.throttle_reasons, ElementsAre("sw_power_cap", "hw_thermal"));
  EXPECT_THAT(state.processes, IsEmpty());
  EXPECT_THAT(state.missing, IsEmpty());
  machine.gpu().throttle_bits = 0x1;
  EXPECT_THAT(source->devices()[0].throttle_reasons, ElementsAre("gpu_idle"));
}

TEST(Telemetry_NvmlFacts, lists_processes_once_with_their_names) {
  FakeMachine machine;
  machine.add().compute = {{4242, 5'000'000}, {17, test::api::kNotAvailable}, {4242, 6'000'000}};
  machine.gpu().graphics = {{4242, 1'000'000}, {99, 3}};
  machine.root().write("proc/4242/comm", "python3\n");
  const auto processes = machine.open()->devices()[0].processes;
  ASSERT_THAT(processes, SizeIs(3));
  EXPECT_EQ(processes[0].pid, 4242);
  EXPECT_EQ(processes[0].name, "python3");
  EXPECT_EQ(processes[0].memory_bytes, 6'000'000u);
  EXPECT_EQ(processes[1].pid, 17);
  EXPECT_EQ(processes[1].name, "");
  EXPECT_FALSE(processes[1].memory_bytes.has_value());
  EXPECT_EQ(processes[2].pid, 99);
}

TEST(Telemetry_NvmlFacts, makes_room_for_many_processes) {
  FakeMachine machine;
  machine.add();
  for (std::uint32_t pid = 1; pid <= 300; ++pid) machine.gpu().compute.push_back({pid, pid});
  EXPECT_THAT(machine.open()->devices()[0].processes, SizeIs(300));
}

TEST(Telemetry_NvmlFacts, says_why_a_fact_is_missing) {
  FakeMachine machine;
  auto& gpu = machine.add();
  gpu.failures["DeviceGetEccMode"] = Return::kNotSupported;
  gpu.failures["DeviceGetComputeRunningProcesses_v3"] = Return::kNoPermission;
  gpu.failures["DeviceGetMemoryBusWidth"] = Return::kNotSupported;
  gpu.performance_state = 32;
  const DeviceState state = machine.open()->devices()[0];
  EXPECT_FALSE(state.ecc.has_value());
  EXPECT_FALSE(state.memory_bandwidth.has_value());
  EXPECT_FALSE(state.performance_state.has_value());
  std::vector<std::string> fields;
  for (const auto& missing : state.missing) fields.push_back(missing.field);
  EXPECT_THAT(fields, ElementsAre("memory_bandwidth", "ecc", "performance_state", "processes"));
  EXPECT_EQ(state.missing[1].reason, "not supported by this GPU");
  EXPECT_THAT(state.missing[3].enable, HasSubstr("root"));
}

TEST(Telemetry_NvmlFacts, falls_back_to_fields_and_to_older_calls) {
  FakeMachine machine;
  machine.add().failures["DeviceGetEnforcedPowerLimit"] = Return::kNotSupported;
  EXPECT_DOUBLE_EQ(machine.open()->devices()[0].power_limit.value(), 700);

  FakeMachine old(RIDGELINE_FAKE_NVML_OLD);
  old.add().compute = {{7, 70}, {8, 80}};
  const DeviceState state = old.open()->devices()[0];
  EXPECT_EQ(state.memory_used, 601000000u);  // with what the driver keeps
  ASSERT_THAT(state.processes, SizeIs(2));
  EXPECT_EQ(state.processes[1].memory_bytes, 80u);
  EXPECT_FALSE(state.mig.has_value());
  EXPECT_FALSE(state.memory_bandwidth.has_value());
}

TEST(Telemetry_NvmlFacts, names_every_throttle_bit) {
  EXPECT_THAT(nvml::throttle_names(0), IsEmpty());
  EXPECT_THAT(nvml::throttle_names(0x8 | 0x80 | 0x1000),
              ElementsAre("hw_slowdown", "hw_power_brake", "0x1000"));
  EXPECT_THAT(nvml::throttle_names(~std::uint64_t{0}), SizeIs(64));
}

TEST(Telemetry_NvmlFacts, an_engine_with_another_order_finds_its_gpu) {
  FakeMachine machine;
  machine.add("00000000:65:00.0", "GPU-aaaaaaaa-0000-1111-2222-333344445555");
  machine.add("00000000:17:00.0", "GPU-bbbbbbbb-0000-1111-2222-333344445555");
  const auto devices = machine.open()->devices();
  // CUDA_VISIBLE_DEVICES=1 makes NVML's second GPU CUDA's device 0.
  EXPECT_EQ(match_device(devices, "bbbbbbbb-0000-1111-2222-333344445555", "0000:17:00.0"), 1u);
  EXPECT_EQ(match_device(devices, "", "00000000:65:00.0"), 0u);
}

}  // namespace
}  // namespace ridgeline::telemetry
