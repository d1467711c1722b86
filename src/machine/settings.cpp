// Reads cpufreq, power supplies, the firmware's profile and the kernel's switches.
#include "machine/settings.hpp"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>

#include "base/cpu_list.hpp"
#include "base/json_values.hpp"
#include "machine/tree.hpp"

namespace ridgeline::machine {
namespace {

constexpr std::array<const char*, 2> kBoostFiles = {"sys/devices/system/cpu/intel_pstate/no_turbo",
                                                    "sys/devices/system/cpu/cpufreq/boost"};

std::optional<std::string> energy_preference(const Tree& tree, const Machine& machine) {
  std::optional<std::string> found;
  for (const LogicalCpu& cpu : machine.cpu.logical) {
    const auto value = tree.text(
        fmt::format("sys/devices/system/cpu/cpu{}/cpufreq/energy_performance_preference", cpu.id));
    if (!value) continue;
    const bool differs = found && *found != *value;
    found = differs ? "mixed" : *value;
    if (differs) break;
  }
  return found;
}

// A battery of a mouse or a keyboard has the scope "Device".
std::optional<bool> on_battery(const Tree& tree) {
  std::optional<bool> answer;
  const std::string folder = "sys/class/power_supply";
  for (const std::string& name : tree.list(folder)) {
    const std::string supply = folder + "/" + name;
    const std::string type = tree.text(supply + "/type").value_or("");
    if (type == "Battery" && tree.text(supply + "/scope") != "Device") {
      const bool discharging = tree.text(supply + "/status") == "Discharging";
      answer = answer.value_or(false) || discharging;
    } else if (type == "Mains" || type == "USB") {
      // Plugged in and still discharging is a battery that helps a weak supply: mains decide.
      if (tree.integer(supply + "/online").value_or(0) != 0) return false;
    }
  }
  return answer;
}

}  // namespace

Settings read_settings(const Machine& machine, const std::string& root) {
  const Tree tree(root);
  Settings settings;
  settings.energy_preference = energy_preference(tree, machine);
  for (const char* file : kBoostFiles) {
    if (!settings.boost_file.empty() || !tree.exists(file)) continue;
    settings.boost_file = fmt::format("/{}", file);
  }
  if (const auto value = tree.integer("proc/sys/kernel/numa_balancing")) {
    settings.numa_balancing = *value != 0;
  }
  settings.on_battery = on_battery(tree);
  settings.platform_profile = tree.text("sys/firmware/acpi/platform_profile");
  const std::string isolated = tree.text("sys/devices/system/cpu/isolated").value_or("");
  if (const auto cpus = parse_cpu_list(isolated)) settings.isolated_cpus = *cpus;
  return settings;
}

Json to_json(const Settings& settings) {
  return {
      {"energy_preference", or_null(settings.energy_preference)},
      {"numa_balancing", or_null(settings.numa_balancing)},
      {"on_battery", or_null(settings.on_battery)},
      {"platform_profile", or_null(settings.platform_profile)},
      {"isolated_cpus",
       settings.isolated_cpus.empty() ? Json(nullptr) : Json(to_cpu_list(settings.isolated_cpus))}};
}

}  // namespace ridgeline::machine
