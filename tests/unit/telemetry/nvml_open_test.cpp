// NVML: what is said where the library does not open or sees no GPU.
#include <gmock/gmock.h>

#include "fakes/nvml/fake_machine.hpp"

namespace ridgeline::telemetry {
namespace {

using test::FakeMachine;
using test::find_absence;
using test::api::Return;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

struct Silent {
  const char* name;
  Return status;
  const char* reason;
  const char* enable;
};

class Telemetry_NvmlInit : public testing::TestWithParam<Silent> {};

TEST_P(Telemetry_NvmlInit, failure_is_explained) {
  FakeMachine machine;
  machine.add();
  machine->init_status = GetParam().status;
  const auto source = machine.open();
  EXPECT_THAT(source->probe().domains, IsEmpty());
  EXPECT_THAT(source->devices(), IsEmpty());
  for (const Kind kind : {Kind::kEnergy, Kind::kPower, Kind::kTraffic}) {
    const Absence* absence = find_absence(*source, kind, "");
    ASSERT_NE(absence, nullptr);
    EXPECT_THAT(absence->reason, HasSubstr(GetParam().reason));
    EXPECT_THAT(absence->enable, HasSubstr(GetParam().enable));
  }
  std::vector<Reading> readings;
  source->read({}, readings);
  EXPECT_THAT(readings, IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    statuses, Telemetry_NvmlInit,
    testing::Values(Silent{"not_loaded", Return::kDriverNotLoaded, "not loaded", "modprobe nvidia"},
                    Silent{"mismatch", Return::kVersionMismatch, "differ in version", "reboot"},
                    Silent{"no_permission", Return::kNoPermission, "no permission",
                           "/dev/nvidiactl"},
                    Silent{"unknown", static_cast<Return>(4711), "NVML error 4711", ""}),
    [](const auto& parameter) { return std::string(parameter.param.name); });

TEST(Telemetry_NvmlOpen, a_container_without_devices_is_told_how_to_get_them) {
  FakeMachine machine;
  machine->init_status = Return::kDriverNotLoaded;
  machine.root().write(".dockerenv", "x");
  const auto source = machine.open();
  EXPECT_THAT(find_absence(*source, Kind::kEnergy, "")->enable, HasSubstr("--gpus all"));
}

TEST(Telemetry_NvmlOpen, a_driver_without_gpus_says_so) {
  FakeMachine machine;
  const auto source = machine.open();
  EXPECT_THAT(find_absence(*source, Kind::kPower, "")->reason, HasSubstr("sees no GPU"));
}

class Telemetry_NvmlMissing : public testing::Test {
 protected:
  std::string reason(std::string* enable = nullptr) {
    Environment environment;
    environment.root = root_.path();
    environment.nvml = root_.path("libnvidia-ml.so.1");
    const auto source = open_nvml(environment);
    EXPECT_THAT(source->probe().domains, IsEmpty());
    EXPECT_THAT(source->probe().absences, SizeIs(3));
    if (source->probe().absences.empty()) return {};
    if (enable != nullptr) *enable = source->probe().absences[0].enable;
    return source->probe().absences[0].reason;
  }
  void add_gpu() {
    root_.write("sys/bus/pci/devices/0000:17:00.0/vendor", "0x10de\n");
    root_.write("sys/bus/pci/devices/0000:17:00.0/class", "0x030200\n");
  }
  test::TempFolder root_;
};

TEST_F(Telemetry_NvmlMissing, library_on_a_machine_without_nvidia) {
  root_.write("sys/bus/pci/devices/0000:18:00.0/vendor", "0x10de\n");
  root_.write("sys/bus/pci/devices/0000:18:00.0/class", "0x020000\n");  // a network card
  EXPECT_EQ(reason(), "no NVIDIA GPU on the PCI bus");
}

TEST_F(Telemetry_NvmlMissing, library_beside_a_gpu_asks_for_the_driver) {
  add_gpu();
  std::string enable;
  EXPECT_THAT(reason(&enable), HasSubstr("does not open"));
  EXPECT_EQ(enable, "install the NVIDIA driver");
}

TEST_F(Telemetry_NvmlMissing, library_in_a_container_asks_for_its_runtime) {
  add_gpu();
  root_.write(".dockerenv", "x");
  std::string enable;
  EXPECT_THAT(reason(&enable), HasSubstr("does not open"));
  EXPECT_THAT(enable, HasSubstr("--gpus all"));
}

TEST_F(Telemetry_NvmlMissing, library_in_a_virtual_machine_without_a_gpu) {
  root_.write("proc/cpuinfo", "processor : 0\nflags : fpu hypervisor\n");
  EXPECT_THAT(reason(), HasSubstr("virtual machine without a passed-through"));
}

TEST_F(Telemetry_NvmlMissing, library_that_is_another_one) {
  // Any library will do that has no NVML in it.
  Environment environment;
  environment.root = root_.path();
  environment.nvml = "libm.so.6";
  const auto source = open_nvml(environment);
  ASSERT_THAT(source->probe().absences, SizeIs(3));
  EXPECT_THAT(source->probe().absences[0].reason, HasSubstr("not NVIDIA's"));
}

TEST_F(Telemetry_NvmlMissing, library_that_is_no_library) {
  add_gpu();
  root_.write("libnvidia-ml.so.1", "not an ELF file");
  EXPECT_THAT(reason(), HasSubstr("does not open"));
}

}  // namespace
}  // namespace ridgeline::telemetry
