// One function for each flag; equal ones of several devices become one.
#include "measure/device_flags.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <string_view>

namespace ridgeline::measure {
namespace {

using results::Flag;
using telemetry::DeviceState;
using Severity = Flag::Severity;

// Reasons that every card has now and then: nothing to do, and large products at the power limit.
constexpr std::array<std::string_view, 2> kNormalReasons = {"gpu_idle", "sw_power_cap"};
// Reasons that only heat or the power supply give.
constexpr std::array<std::string_view, 2> kForcedReasons = {"hw_", "sw_thermal"};

bool starts_with_one_of(const std::string& name, const auto& heads) {
  return std::any_of(heads.begin(), heads.end(),
                     [&](std::string_view head) { return name.starts_with(head); });
}

// Flags whose texts, but for the device, are equal.
class Flags {
 public:
  /// `detail` follows "ADDRESS: "; in `advice` "@" stands for the addresses of all such devices.
  void add(const DeviceState& device, std::string_view id, Severity severity, std::string detail,
           std::string advice) {
    for (Entry& entry : entries_) {
      if (entry.flag.id != id || entry.flag.detail != detail || entry.flag.advice != advice) {
        continue;
      }
      entry.devices.push_back(device.pci_address);
      return;
    }
    entries_.push_back(
        {{std::string(id), severity, std::move(detail), std::move(advice)}, {device.pci_address}});
  }

  std::vector<Flag> take() {
    std::vector<Flag> flags;
    for (Entry& entry : entries_) {
      Flag& flag = entry.flag;
      flag.detail = fmt::format("{}: {}", fmt::join(entry.devices, ", "), std::string(flag.detail));
      const auto at = flag.advice.find('@');
      if (at != std::string::npos) {
        flag.advice.replace(at, 1, fmt::format("{}", fmt::join(entry.devices, ",")));
      }
      flags.push_back(std::move(flag));
    }
    return flags;
  }

 private:
  struct Entry {
    Flag flag;
    std::vector<std::string> devices;
  };
  std::vector<Entry> entries_;
};

void check_power_limit(const DeviceState& device, Flags& flags) {
  const auto& limit = device.power_limit;
  const auto& usual = device.power_limit_default;
  if (!limit || !usual || !std::isfinite(*limit) || !(*usual > 0)) return;
  if (std::abs(*limit - *usual) <= kPowerLimitSlack * *usual) return;
  const bool is_capped = *limit < *usual;
  flags.add(device, "power_limit", is_capped ? Severity::kWarn : Severity::kInfo,
            fmt::format("the power limit is {:g} W, {} the default of {:g} W", *limit,
                        is_capped ? "below" : "above", *usual),
            fmt::format("sudo nvidia-smi -i @ -pl {:g}", *usual));
}

void check_modes(const DeviceState& device, Flags& flags) {
  if (device.ecc) {
    flags.add(device, "ecc", Severity::kInfo,
              *device.ecc ? "error correction of the memory (ECC) is on"
                          : "error correction of the memory (ECC) is off",
              "compare with devices that have the same setting only");
  }
  if (device.mig.value_or(false)) {
    flags.add(device, "mig", Severity::kWarn,
              "the device is split (MIG): energy, power and traffic are those of the whole card",
              "sudo nvidia-smi -i @ -mig 0");
  }
  if (!device.persistence.value_or(true)) {
    flags.add(device, "persistence", Severity::kInfo,
              "persistence mode is off: the driver may be unloaded between runs, which lengthens "
              "starts and resets counters",
              "sudo nvidia-smi -i @ -pm 1");
  }
}

void check_processes(const DeviceState& device, const std::vector<std::int64_t>& own,
                     Flags& flags) {
  constexpr double kGiB = 1ull << 30;
  std::vector<std::string> names;
  for (const telemetry::DeviceProcess& process : device.processes) {
    if (std::find(own.begin(), own.end(), process.pid) != own.end()) continue;
    std::string name = process.name.empty() ? "a process" : process.name;
    if (process.memory_bytes) {
      name += fmt::format(" ({:.1f} GiB)", static_cast<double>(*process.memory_bytes) / kGiB);
    }
    names.push_back(std::move(name));
  }
  if (names.empty()) return;
  flags.add(device, "device_processes", Severity::kInfo,
            fmt::format("in use by {}", fmt::join(names, ", ")),
            "nvidia-smi shows them; --busy tells whether they work now");
}

// Links slow down while nothing is transferred, so this is no warning.
void check_link(const DeviceState& device, Flags& flags) {
  const bool is_narrow =
      device.pcie_width && device.pcie_width_max && *device.pcie_width < *device.pcie_width_max;
  const bool is_slow = device.pcie_generation && device.pcie_generation_max &&
                       *device.pcie_generation < *device.pcie_generation_max;
  if (!is_narrow && !is_slow) return;
  const auto number = [](const std::optional<int>& value) {
    return value ? fmt::format("{}", *value) : std::string("?");
  };
  flags.add(device, "pcie_link", Severity::kInfo,
            fmt::format("PCIe generation {} ×{}, at most {} ×{}", number(device.pcie_generation),
                        number(device.pcie_width), number(device.pcie_generation_max),
                        number(device.pcie_width_max)),
            is_narrow ? "a narrow link stays narrow: look at the slot, the riser and the BIOS"
                      : "idle links slow down; ridgeline peaks measures transfers under load");
}

void check_clocks(const DeviceState& device, Flags& flags) {
  std::vector<std::string> set;
  std::vector<std::string> forced;
  for (const std::string& reason : device.throttle_reasons) {
    if (starts_with_one_of(reason, kNormalReasons)) continue;
    (starts_with_one_of(reason, kForcedReasons) ? forced : set).push_back(reason);
  }
  if (!set.empty()) {
    flags.add(
        device, "device_clocks", Severity::kInfo,
        fmt::format("clocks are held below their best by {}", fmt::join(set, ", ")),
        "nvidia-smi -q -d CLOCK,PERFORMANCE; sudo nvidia-smi -i @ -rgc releases fixed clocks");
  }
  if (!forced.empty()) {
    flags.add(device, "throttled", Severity::kWarn,
              fmt::format("clocks are held down before any work by {}", fmt::join(forced, ", ")),
              "look at cooling and power supply, let it cool down, and measure again");
  }
}

}  // namespace

std::vector<DeviceState> devices_of(const telemetry::Sources& sources) {
  std::vector<DeviceState> devices;
  for (const auto& source : sources) {
    for (DeviceState& device : source->devices()) devices.push_back(std::move(device));
  }
  return devices;
}

std::vector<DeviceState> devices_of(const telemetry::Sources& sources,
                                    const std::vector<std::string>& addresses) {
  std::vector<DeviceState> devices = devices_of(sources);
  std::erase_if(devices, [&](const DeviceState& device) {
    return std::find(addresses.begin(), addresses.end(), device.pci_address) == addresses.end();
  });
  return devices;
}

std::vector<Flag> device_flags(const std::vector<DeviceState>& devices,
                               const std::vector<std::int64_t>& own) {
  Flags flags;
  for (const DeviceState& device : devices) {
    check_power_limit(device, flags);
    check_modes(device, flags);
    check_processes(device, own, flags);
    check_link(device, flags);
    check_clocks(device, flags);
  }
  return flags.take();
}

}  // namespace ridgeline::measure
