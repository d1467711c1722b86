// NVML GPM: running totals of traffic and activity over pairs of samples.
#include <gmock/gmock.h>

#include "fakes/nvml/fake_machine.hpp"

namespace ridgeline::telemetry {
namespace {

using test::FakeMachine;
using test::find_absence;
using test::find_domain;
using test::place_of;
using test::read_one;
using test::api::Return;
using testing::HasSubstr;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
// Of the fake H200: two transfers a clock of 3201 MHz over 6144 bits.
constexpr double kBandwidth = 2 * 3201e6 * 6144 / 8;

TEST(Telemetry_NvmlGpm, the_first_reading_is_zero_at_its_sample) {
  FakeMachine machine;
  machine.add();
  const auto source = machine.open();
  machine.advance(3);
  machine->latency_ns = 2000;
  const std::int64_t before = machine->now_ns;
  const Reading reading = read_one(*source, "traffic.dram");
  EXPECT_EQ(reading.value, 0);
  EXPECT_EQ(reading.ns, before + 1000);
}

TEST(Telemetry_NvmlGpm, sums_bytes_and_seconds) {
  FakeMachine machine;
  machine.add();
  const auto source = machine.open();
  read_one(*source, "traffic.dram");
  machine.advance(2);
  EXPECT_NEAR(read_one(*source, "traffic.dram").value, 0.5 * kBandwidth * 2, 1);
  EXPECT_NEAR(read_one(*source, "traffic.pcie_tx").value, 100 * 1048576.0 * 2, 1);
  EXPECT_NEAR(read_one(*source, "traffic.pcie_rx").value, 200 * 1048576.0 * 2, 1);
  EXPECT_NEAR(read_one(*source, "activity.sm").value, 0.9 * 2, 1e-9);
  EXPECT_NEAR(read_one(*source, "activity.tensor").value, 0.6 * 2, 1e-9);
  machine.advance(1);
  EXPECT_NEAR(read_one(*source, "traffic.dram").value, 0.5 * kBandwidth * 3, 1);
  EXPECT_NEAR(read_one(*source, "activity.sm_occupancy").value, 0.4 * 3, 1e-9);
}

TEST(Telemetry_NvmlGpm, takes_no_sample_within_100_ms) {
  FakeMachine machine;
  machine.add();
  const auto source = machine.open();
  read_one(*source, "activity.sm");
  machine.advance(0.2);
  const Reading sampled = read_one(*source, "activity.sm");
  machine->calls.clear();
  machine.advance(0.099);
  const Reading again = read_one(*source, "activity.sm");
  EXPECT_EQ(machine->calls["GpmSampleGet"], 0);
  EXPECT_EQ(again.value, sampled.value);
  EXPECT_EQ(again.ns, sampled.ns);
  machine.advance(0.001);
  EXPECT_NEAR(read_one(*source, "activity.sm").value, 0.9 * 0.3, 1e-9);
  EXPECT_EQ(machine->calls["GpmSampleGet"], 1);
}

TEST(Telemetry_NvmlGpm, takes_one_sample_for_all_metrics_of_a_read) {
  FakeMachine machine;
  machine.add();
  const auto source = machine.open();
  machine->calls.clear();
  machine.advance(1);
  std::vector<Reading> readings;
  source->read(std::vector<std::size_t>{*place_of(*source, "activity.sm"),
                                        *place_of(*source, "traffic.dram")},
               readings);
  EXPECT_EQ(machine->calls["GpmSampleGet"], 1);
  EXPECT_EQ(readings[0].ns, readings[1].ns);
}

TEST(Telemetry_NvmlGpm, energy_alone_takes_no_sample) {
  FakeMachine machine;
  machine.add();
  const auto source = machine.open();
  machine->calls.clear();
  read_one(*source, "energy");
  EXPECT_EQ(machine->calls["GpmSampleGet"], 0);
}

TEST(Telemetry_NvmlGpm, follows_the_memory_clock) {
  FakeMachine machine;
  machine.add();
  const auto source = machine.open();
  read_one(*source, "traffic.dram");
  machine.gpu().clocks[test::api::kClockMemory] = 1601;
  machine.advance(1);
  const double mixed = 0.5 * kBandwidth * (3201 + 1601) / 2 / 3201;
  EXPECT_NEAR(read_one(*source, "traffic.dram").value, mixed, 1);
  machine.advance(1);
  EXPECT_NEAR(read_one(*source, "traffic.dram").value, mixed + 0.5 * kBandwidth * 1601 / 3201, 1);
}

TEST(Telemetry_NvmlGpm, a_metric_that_is_nan_for_a_pair_loses_nothing) {
  FakeMachine machine;
  machine.add();
  const auto source = machine.open();
  read_one(*source, "activity.tensor");
  machine.advance(1);
  const auto good = machine.gpu().metrics[test::api::kGpmTensor];
  machine.gpu().metrics[test::api::kGpmTensor].integral = [](double) { return kNan; };
  EXPECT_TRUE(std::isnan(read_one(*source, "activity.tensor").value));
  EXPECT_NEAR(read_one(*source, "activity.sm").value, 0.9, 1e-9);
  machine.gpu().metrics[test::api::kGpmTensor] = good;
  machine.advance(1);
  EXPECT_NEAR(read_one(*source, "activity.tensor").value, 1.2, 1e-9);
  EXPECT_NEAR(read_one(*source, "activity.sm").value, 1.8, 1e-9);
}

TEST(Telemetry_NvmlGpm, a_metric_that_stays_nan_is_given_up_and_holds_back_no_other) {
  FakeMachine machine;
  machine.add();
  const auto source = machine.open();
  read_one(*source, "activity.tensor");
  const auto good = machine.gpu().metrics[test::api::kGpmTensor];
  machine.gpu().metrics[test::api::kGpmTensor].status = Return::kUnknown;
  for (int i = 1; i <= 10; ++i) {
    machine.advance(1);
    EXPECT_TRUE(std::isnan(read_one(*source, "activity.tensor").value));
    EXPECT_NEAR(read_one(*source, "activity.sm").value, 0.9 * i, 1e-9);
  }
  // A part of its time is unknown for ever, so is the total.
  machine.gpu().metrics[test::api::kGpmTensor] = good;
  machine.advance(1);
  EXPECT_TRUE(std::isnan(read_one(*source, "activity.tensor").value));
  EXPECT_NEAR(read_one(*source, "activity.sm").value, 0.9 * 11, 1e-9);
}

TEST(Telemetry_NvmlGpm, a_sample_that_fails_reads_nan_and_the_next_covers_it) {
  FakeMachine machine;
  machine.add();
  const auto source = machine.open();
  read_one(*source, "traffic.dram");
  machine.gpu().failures["GpmSampleGet"] = Return::kTimeout;
  machine.advance(1);
  const Reading failed = read_one(*source, "traffic.dram");
  EXPECT_TRUE(std::isnan(failed.value));
  EXPECT_EQ(failed.ns, machine->now_ns);
  machine.gpu().failures.clear();
  machine.advance(1);
  EXPECT_NEAR(read_one(*source, "traffic.dram").value, kBandwidth, 1);
}

TEST(Telemetry_NvmlGpm, a_metric_that_the_gpu_lacks_is_an_absence) {
  FakeMachine machine;
  machine.add();
  const auto source = machine.open();
  EXPECT_EQ(find_domain(*source, "traffic.nvlink_rx"), nullptr);
  EXPECT_NE(find_absence(*source, Kind::kTraffic, "nvlink_rx"), nullptr);
  EXPECT_EQ(find_absence(*source, Kind::kTraffic, "dram"), nullptr);
}

TEST(Telemetry_NvmlGpm, dram_traffic_needs_the_width_of_the_bus) {
  FakeMachine machine;
  machine.add().failures["DeviceGetMemoryBusWidth"] = Return::kNotSupported;
  const auto source = machine.open();
  EXPECT_EQ(find_domain(*source, "traffic.dram"), nullptr);
  EXPECT_THAT(find_absence(*source, Kind::kTraffic, "dram")->reason, HasSubstr("width"));
  EXPECT_NE(find_domain(*source, "activity.sm"), nullptr);
}

TEST(Telemetry_NvmlGpm, an_older_gpu_has_none) {
  FakeMachine machine;
  machine.add().gpm = false;
  const auto source = machine.open();
  for (const Kind kind : {Kind::kTraffic, Kind::kActivity}) {
    const Absence* absence = find_absence(*source, kind, "");
    ASSERT_NE(absence, nullptr);
    EXPECT_THAT(absence->reason, HasSubstr("Hopper or newer"));
  }
  EXPECT_EQ(machine->samples, 0);
}

TEST(Telemetry_NvmlGpm, missing_permission_names_the_setting) {
  FakeMachine machine;
  machine.add().failures["GpmSampleGet"] = Return::kNoPermission;
  machine.root().write("proc/driver/nvidia/params", "EnableMSI: 1\nRmProfilingAdminOnly: 1\n");
  const auto source = machine.open();
  const Absence* absence = find_absence(*source, Kind::kTraffic, "");
  ASSERT_NE(absence, nullptr);
  EXPECT_THAT(absence->reason, HasSubstr("RmProfilingAdminOnly is 1"));
  EXPECT_THAT(absence->enable, HasSubstr("NVreg_RestrictProfilingToAdminUsers=0"));
  EXPECT_EQ(machine->samples, 0);
}

TEST(Telemetry_NvmlGpm, a_flag_of_support_that_does_not_hold_is_seen) {
  FakeMachine machine;
  machine.add().failures["GpmSampleGet"] = Return::kNotSupported;
  const auto source = machine.open();
  EXPECT_THAT(find_absence(*source, Kind::kTraffic, "")->reason, HasSubstr("gives no sample"));
}

TEST(Telemetry_NvmlGpm, switches_streaming_on_where_needed_and_off_again) {
  FakeMachine machine;
  machine.add().gpm_needs_streaming = true;
  machine.gpu().gpm_streaming = false;
  auto source = machine.open();
  EXPECT_TRUE(machine.gpu().gpm_streaming);
  read_one(*source, "activity.sm");
  machine.advance(1);
  EXPECT_NEAR(read_one(*source, "activity.sm").value, 0.9, 1e-9);
  source.reset();
  EXPECT_FALSE(machine.gpu().gpm_streaming);
}

TEST(Telemetry_NvmlGpm, leaves_streaming_alone_where_samples_come_without) {
  FakeMachine machine;
  machine.add().gpm_streaming = false;
  const auto source = machine.open();
  EXPECT_NE(find_domain(*source, "activity.sm"), nullptr);
  EXPECT_FALSE(machine.gpu().gpm_streaming);
}

TEST(Telemetry_NvmlGpm, names_the_command_where_streaming_needs_root) {
  FakeMachine machine;
  machine.add("00000000:01:00.0");
  machine.add().gpm_needs_streaming = true;
  machine.gpu(1).gpm_streaming = false;
  machine.gpu(1).failures["GpmSetStreamingEnabled"] = Return::kNoPermission;
  const auto source = machine.open();
  const Absence* absence = find_absence(*source, Kind::kTraffic, "");
  ASSERT_NE(absence, nullptr);
  EXPECT_EQ(absence->enable, "sudo nvidia-smi gpm -i 1 -s 1");
}

}  // namespace
}  // namespace ridgeline::telemetry
