// Looks for sensors only to say truthfully why their quantities are absent.
#include "telemetry/null_source.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "machine/system.hpp"
#include "machine/tree.hpp"

namespace ridgeline::telemetry {
namespace {

using machine::Tree;
using machine::Virtualization;

constexpr std::string_view kNotYet = "this version does not read it yet";

bool starts_with_any(const std::string& name, std::initializer_list<std::string_view> prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](std::string_view prefix) { return name.starts_with(prefix); });
}

// Names of powercap zones of whole packages: "intel-rapl:0" but not its part "intel-rapl:0:0".
int rapl_packages(const Tree& tree) {
  const auto names = tree.list("sys/class/powercap");
  return static_cast<int>(std::count_if(names.begin(), names.end(), [](const std::string& name) {
    return name.starts_with("intel-rapl:") && std::count(name.begin(), name.end(), ':') == 1;
  }));
}

// The name of the first hwmon chip with a power or energy input.
std::string hwmon_chip(const Tree& tree) {
  for (const std::string& chip : tree.list("sys/class/hwmon")) {
    const std::string folder = "sys/class/hwmon/" + chip;
    for (const std::string& file : tree.list(folder)) {
      const bool measures = starts_with_any(file, {"power", "energy"}) &&
                            (file.ends_with("_input") || file.ends_with("_average"));
      if (measures) return tree.text(folder + "/name").value_or(chip);
    }
  }
  return {};
}

std::string memory_counter(const Tree& tree) {
  for (const std::string& name : tree.list("sys/bus/event_source/devices")) {
    if (starts_with_any(name, {"uncore_imc", "amd_umc", "amd_df", "arm_cmn", "nvidia_scf_pmu"})) {
      return name;
    }
  }
  return {};
}

// The cause that explains an empty folder of sysfs, and what changes it.
Absence nothing_found(Quantity quantity, const Virtualization& where, const std::string& what,
                      const std::string& enable) {
  if (where.is_virtual) {
    return {quantity, what + ": virtual machine", "measure on bare metal"};
  }
  if (where.container) {
    return {quantity, fmt::format("{}: {} container", what, *where.container),
            "run outside the container"};
  }
  return {quantity, what, enable};
}

Absence power_absence(Quantity quantity, const Tree& tree, const Virtualization& where) {
  if (const int packages = rapl_packages(tree); packages > 0) {
    return {quantity,
            fmt::format("RAPL is there ({} package{}), {}", packages, packages == 1 ? "" : "s",
                        kNotYet),
            ""};
  }
  if (const std::string chip = hwmon_chip(tree); !chip.empty()) {
    return {quantity, fmt::format("hwmon chip {} is there, {}", chip, kNotYet), ""};
  }
  const std::string cpuinfo = tree.text("proc/cpuinfo").value_or("");
  const bool is_x86 = cpuinfo.find("GenuineIntel") != std::string::npos ||
                      cpuinfo.find("AuthenticAMD") != std::string::npos;
  return nothing_found(quantity, where,
                       is_x86 ? "no RAPL in /sys/class/powercap"
                              : "no power sensor in /sys/class/powercap or /sys/class/hwmon",
                       is_x86 ? "sudo modprobe intel_rapl_msr" : "");
}

Absence bandwidth_absence(const Tree& tree, const Virtualization& where) {
  if (const std::string name = memory_counter(tree); !name.empty()) {
    return {Quantity::kBandwidth,
            fmt::format("memory controller counters are there ({}), {}", name, kNotYet), ""};
  }
  return nothing_found(Quantity::kBandwidth, where,
                       "no memory controller counters in /sys/bus/event_source/devices", "");
}

class NullSource final : public Source {
 public:
  explicit NullSource(const std::string& root) {
    for (const Quantity quantity : kQuantities) {
      probe_.absences.push_back(absent_metrics_reason(quantity, root));
    }
  }
  std::string_view name() const override { return "null"; }
  Probe probe() override { return probe_; }
  Result<std::vector<Reading>> read() override { return std::vector<Reading>{}; }

 private:
  Probe probe_;
};

}  // namespace

Absence absent_metrics_reason(Quantity quantity, const std::string& root) {
  const Tree tree(root);
  const Virtualization where = machine::read_virtualization(tree);
  return quantity == Quantity::kBandwidth ? bandwidth_absence(tree, where)
                                          : power_absence(quantity, tree, where);
}

std::unique_ptr<Source> null_source(const std::string& root) {
  return std::make_unique<NullSource>(root);
}

}  // namespace ridgeline::telemetry
