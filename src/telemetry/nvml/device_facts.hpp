// A GPU's limits, modes, links, memory and processes as NVML tells them now.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "machine/tree.hpp"
#include "telemetry/device_state.hpp"
#include "telemetry/nvml/device.hpp"
#include "telemetry/nvml/library.hpp"

namespace ridgeline::telemetry::nvml {

/// Everything that DeviceState has, with a reason in `missing` for what the driver did not tell.
/// Names of processes come from proc below `tree`.
DeviceState read_facts(const Library& library, DeviceHandle handle, const Identity& identity,
                       const machine::Tree& tree);

/// "sw_power_cap", "gpu_idle", …: the names of the bits of nvmlDeviceGetCurrentClocksEventReasons;
/// a bit without a name is "0x800".
std::vector<std::string> throttle_names(std::uint64_t bits);

}  // namespace ridgeline::telemetry::nvml
