// What a test sets to make the fake NVML library answer: the machine, its GPUs and the time.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "telemetry/nvml/nvml_api.hpp"

namespace ridgeline::test {

namespace api = telemetry::nvml;

/// The answer to one field; `value` of the virtual time in seconds.
struct FakeField {
  api::ValueType type = api::ValueType::kUnsignedInt;
  std::function<double(double seconds)> value;
  api::Return status = api::Return::kSuccess;
};

struct FakeProcess {
  std::uint32_t pid = 0;
  std::uint64_t memory = api::kNotAvailable;
};

/// A GPM metric: its integral over the virtual time (percent × s, MiB). NaN is passed on.
struct FakeMetric {
  std::function<double(double seconds)> integral;
  api::Return status = api::Return::kSuccess;
};

struct FakeGpu {
  std::string bus_id = "00000000:17:00.0";
  std::string uuid = "GPU-00000000-0000-0000-0000-000000000017";
  std::string name = "NVIDIA H200";
  std::uint32_t architecture = api::kArchitectureHopper;
  std::map<std::pair<std::uint32_t, std::uint32_t>, FakeField> fields;  ///< by field and scope
  std::map<std::uint32_t, std::uint32_t> clocks;                        ///< MHz by clock
  std::map<std::uint32_t, std::uint32_t> max_clocks;
  std::uint32_t temperature = 41;
  std::function<double(double seconds)> energy_mj;  ///< of nvmlDeviceGetTotalEnergyConsumption
  std::uint32_t power_mw = 0;                       ///< of nvmlDeviceGetPowerUsage
  std::uint32_t power_limit_mw = 700000;
  std::uint32_t power_limit_default_mw = 700000;
  std::uint32_t bus_width_bits = 6144;
  std::uint64_t memory_total = 150754820096;
  std::uint64_t memory_reserved = 600000000;
  std::uint64_t memory_used = 1000000;
  std::uint32_t ecc = 1;
  std::uint32_t mig = 0;
  std::uint32_t persistence = 1;
  std::uint32_t performance_state = 0;
  std::uint32_t pcie_generation = 5;
  std::uint32_t pcie_width = 16;
  std::uint64_t throttle_bits = 0;
  std::vector<FakeProcess> compute;
  std::vector<FakeProcess> graphics;
  bool gpm = true;
  bool gpm_streaming = true;
  bool gpm_needs_streaming = false;
  std::map<std::uint32_t, FakeMetric> metrics;
  bool lost = false;                            ///< fallen off the bus
  std::map<std::string, api::Return> failures;  ///< by the function's name without "nvml"
};

/// One for each of the fake's libraries, from the exported function fake_nvml().
struct FakeNvml {
  std::string driver = "580.159.03";
  std::vector<FakeGpu> gpus;
  api::Return init_status = api::Return::kSuccess;
  std::int64_t now_ns = 0;           ///< the virtual time
  std::int64_t latency_ns = 0;       ///< by which each call on a device moves the time on
  bool refuses_batches = false;      ///< nvmlDeviceGetFieldValues takes one field at a time only
  std::map<std::string, int> calls;  ///< counted by name
  int running = 0;                   ///< initialisations less shutdowns
  int samples = 0;                   ///< GPM samples that are allocated

  double seconds() const { return static_cast<double>(now_ns) * 1e-9; }
};

/// Sets up a GPU as an H200 in steady work: 500 W, 1980 MHz, half of the DRAM bandwidth.
FakeGpu fake_h200(const std::string& bus_id, const std::string& uuid);

using FakeNvmlFunction = FakeNvml*();

}  // namespace ridgeline::test
