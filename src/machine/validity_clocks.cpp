// Governor, energy preference, boost, battery, firmware profile.
#include "machine/validity_clocks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace ridgeline::machine {
namespace {

constexpr std::array<std::string_view, 2> kSlowPreferences = {"power", "balance_power"};
constexpr std::array<std::string_view, 3> kSlowProfiles = {"low-power", "quiet", "cool"};

template <std::size_t N>
bool is_one_of(const std::string& name, const std::array<std::string_view, N>& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

void check_governor(const Machine& machine, std::vector<Flag>& flags) {
  const auto& governor = machine.cpu.governor;
  if (!governor || *governor == "performance") return;
  flags.push_back(
      {"governor", "warn",
       fmt::format("the CPU frequency governor is '{}', clocks follow the load", *governor),
       "sudo cpupower frequency-set -g performance"});
}

// With the governor "performance" the drivers set this one to "performance" as well.
void check_energy_preference(const Settings& settings, std::vector<Flag>& flags) {
  const auto& preference = settings.energy_preference;
  if (!preference || *preference == "performance") return;
  flags.push_back(
      {"energy_preference", is_one_of(*preference, kSlowPreferences) ? "warn" : "info",
       fmt::format("the energy preference of the CPUs is '{}', not 'performance'", *preference),
       "echo performance | sudo tee "
       "/sys/devices/system/cpu/cpufreq/policy*/energy_performance_preference"});
}

// What users have, so only said: a fixed clock is for comparisons.
void check_boost(const Machine& machine, const Settings& settings, std::vector<Flag>& flags) {
  if (!machine.cpu.boost.value_or(false) || settings.boost_file.empty()) return;
  const bool is_inverse = settings.boost_file.ends_with("no_turbo");
  flags.push_back({"boost", "info",
                   "boost is on: clocks depend on heat and on how many cores are busy",
                   fmt::format("for steadier comparisons: echo {} | sudo tee {}",
                               is_inverse ? 1 : 0, settings.boost_file)});
}

void check_power(const Settings& settings, std::vector<Flag>& flags) {
  if (settings.on_battery.value_or(false)) {
    flags.push_back({"battery", "warn", "this machine runs on its battery: clocks are held down",
                     "plug in the power supply"});
  }
  const auto& profile = settings.platform_profile;
  if (profile && is_one_of(*profile, kSlowProfiles)) {
    flags.push_back({"power_profile", "warn",
                     fmt::format("the firmware's power profile is '{}'", *profile),
                     "echo performance | sudo tee /sys/firmware/acpi/platform_profile"});
  }
}

}  // namespace

void check_clocks(const Machine& machine, const Settings& settings, std::vector<Flag>& flags) {
  check_governor(machine, flags);
  check_energy_preference(settings, flags);
  check_boost(machine, settings, flags);
  check_power(settings, flags);
}

}  // namespace ridgeline::machine
