// Settings of this machine that move its clocks or its memory while it is measured.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "machine/machine.hpp"

namespace ridgeline::machine {

/// Empty members: the kernel does not tell, or there is no such setting here.
struct Settings {
  std::optional<std::string> energy_preference;  ///< of the CPUs (EPP); "mixed" when they differ
  std::string boost_file;  ///< that switches boost: "/sys/…/no_turbo"; empty: none is known
  std::optional<bool> numa_balancing;  ///< the kernel moves pages to the CPUs that use them
  std::optional<bool> on_battery;      ///< none: no battery and no power supply is shown
  std::optional<std::string> platform_profile;  ///< of the firmware: "balanced", "low-power"
  std::vector<int> isolated_cpus;               ///< the scheduler puts nothing there by itself
};

/// Reads them below `root`.
Settings read_settings(const Machine& machine, const std::string& root = "/");

/// {energy_preference, numa_balancing, on_battery, platform_profile, isolated_cpus}, null where
/// empty.
Json to_json(const Settings& settings);

}  // namespace ridgeline::machine
