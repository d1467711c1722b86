// What about the accelerators makes numbers less trustworthy, at the start of a run.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "results/record.hpp"
#include "telemetry/device_state.hpp"
#include "telemetry/meter.hpp"

namespace ridgeline::measure {

/// A limit this far below the default (relative) is a setting; less is rounding to whole watts.
inline constexpr double kPowerLimitSlack = 0.005;

/// The accelerators that the sources know, as they are now: all, or those at these PCI addresses.
std::vector<telemetry::DeviceState> devices_of(const telemetry::Sources& sources);
std::vector<telemetry::DeviceState> devices_of(const telemetry::Sources& sources,
                                               const std::vector<std::string>& addresses);

/// Flags "power_limit", "ecc", "mig", "persistence", "device_processes", "pcie_link",
/// "device_clocks" and "throttled" of these devices; one flag for all devices that share its text.
/// Processes of `own` (pids of ours and of our workers) are left out. What the library did not tell
/// gives no flag: it stands in DeviceState::missing. The commands are of nvidia-smi: only NVML
/// fills DeviceState so far.
std::vector<results::Flag> device_flags(const std::vector<telemetry::DeviceState>& devices,
                                        const std::vector<std::int64_t>& own = {});

}  // namespace ridgeline::measure
