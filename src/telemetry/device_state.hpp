// An accelerator as its driver's library describes it at one moment.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"

namespace ridgeline::telemetry {

/// A process with a context on the device.
struct DeviceProcess {
  std::int64_t pid = 0;
  std::string name;                           ///< of /proc/PID/comm; empty when unknown
  std::optional<std::uint64_t> memory_bytes;  ///< on the device
};

/// Empty members are unknown; `missing` says why where the library told.
struct DeviceState {
  std::string pci_address;  ///< "0000:17:00.0", lower case, as sysfs spells it
  std::string uuid;         ///< "GPU-…": for matching only, never written into records
  std::string name;
  std::string driver_version;
  std::optional<double> power_limit;          ///< W, in force
  std::optional<double> power_limit_default;  ///< W, of this board
  std::optional<double> clock_max;            ///< Hz, of the processors
  std::optional<double> memory_clock_max;     ///< Hz
  std::optional<double> memory_bandwidth;     ///< B/s: 2 · memory clock · bus width / 8
  std::optional<std::uint64_t> memory_total;  ///< B
  std::optional<std::uint64_t> memory_used;   ///< B
  std::optional<bool> ecc;
  std::optional<bool> mig;
  std::optional<bool> persistence;
  std::optional<std::string> performance_state;  ///< "P0"
  std::optional<int> pcie_generation;
  std::optional<int> pcie_width;
  std::optional<int> pcie_generation_max;
  std::optional<int> pcie_width_max;
  std::vector<std::string> throttle_reasons;  ///< in force now: "sw_power_cap", "gpu_idle"
  std::vector<DeviceProcess> processes;
  struct Missing {
    std::string field;  ///< "processes"
    std::string reason;
    std::string enable;
  };
  std::vector<Missing> missing;
};

/// All members but the UUID; null where empty.
Json to_json(const DeviceState& device);

}  // namespace ridgeline::telemetry
