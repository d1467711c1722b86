// Power, energy and temperatures of boards, GPUs, Arm processors and servers from hwmon.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cmath>
#include <set>
#include <utility>

#include "machine/tree.hpp"
#include "telemetry/absence.hpp"
#include "telemetry/file_source.hpp"
#include "telemetry/hwmon_chips.hpp"
#include "telemetry/sources.hpp"

namespace ridgeline::telemetry {
namespace {

using machine::Tree;

// hwmon's units: power in uW, energy in uJ, temperature in m°C, voltage in mV, current in mA.
constexpr double kMicro = 1e-6;
constexpr double kMilli = 1e-3;

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

bool is_ina3221(const HwmonChip& chip) {
  return chip.name == "ina3221" || chip.name == "ina3221x";
}

/// Collects domains; files that exist but give nothing become absences.
class Scan {
 public:
  Scan(const Environment& environment, const Tree& tree) : root_(environment.root), tree_(tree) {}

  void power(const HwmonChip& chip);
  void rails(const HwmonChip& chip);
  void energy(const HwmonChip& chip);
  void temperature(const HwmonChip& chip);
  FileFindings finish();

 private:
  void add(Domain domain, const std::vector<std::string>& paths, double scale);
  void one_power(const HwmonChip& chip, int number, const std::string& suffix);
  void one_gpu_temperature(const HwmonChip& chip, int number);

  const std::string& root_;
  const Tree& tree_;
  std::set<std::string> ids_;
  FileFindings findings_;
};

// Several paths are multiplied.
void Scan::add(Domain domain, const std::vector<std::string>& paths, double scale) {
  FileChannel channel;
  channel.scale = scale;
  channel.combine = FileChannel::Combine::kProduct;
  for (const std::string& path : paths) {
    SensorFile file(below(root_, path));
    if (std::isnan(file.read())) {
      Absence absence{domain.kind, tree_.why(path), "", domain.device, domain.scope};
      if (file.error() == EACCES || file.error() == EPERM) {
        absence.reason = fmt::format("/{} may only be read by root", path);
        absence.enable = fmt::format("sudo chmod a+r /{}", path);
      }
      findings_.probe.absences.push_back(std::move(absence));
      return;
    }
    channel.files.push_back(std::move(file));
  }
  while (!ids_.insert(domain.id).second) domain.id += "'";
  findings_.add(std::move(domain), std::move(channel));
}

// What the ACPI meters of NVIDIA Grace cover is in their OEM text; other servers' have none, and
// measure the whole machine.
std::string scope_of_meter(const std::string& oem_info) {
  const std::string text = lower(oem_info);
  if (text.starts_with("module")) return "module";
  if (text.starts_with("grace") || text.starts_with("total")) return "package";
  if (text.starts_with("cpu")) return "core";
  if (text.starts_with("sysio")) return "uncore";
  return "node";
}

std::string interval_note(double seconds) {
  return fmt::format("averaged over {:g} s", seconds);
}

void Scan::one_power(const HwmonChip& chip, int number, const std::string& suffix) {
  const bool average = suffix == "average";
  const std::string label = chip.text(tree_, "power", number, "label").value_or("");
  const std::string oem_info = chip.text(tree_, "power", number, "oem_info").value_or("");
  const auto milliseconds = tree_.integer(chip.path("power", number, "average_interval"));
  const auto update = tree_.integer(chip.folder + "/update_interval");
  Domain domain;
  domain.kind = Kind::kPower;
  domain.provenance = "sampled";
  domain.resolution = kMicro;
  domain.device = chip.pci;
  if (average && milliseconds && *milliseconds > 0) {
    domain.update_period = static_cast<double>(*milliseconds) * kMilli;
    domain.note = interval_note(*domain.update_period);
  } else if (update && *update > 0) {
    domain.update_period = static_cast<double>(*update) * kMilli;
  }
  if (!chip.pci.empty()) {
    const std::string part = number == 1 ? "power" : fmt::format("power{}", number);
    domain.id = fmt::format("{}/{}.{}", chip.pci, part, average ? "average" : "instant");
    domain.scope = "board";
    if (domain.note.empty() && !label.empty()) domain.note = label;
  } else {
    const std::string plain = fmt::format("power{}", number);
    const std::string& name = !label.empty() ? label : oem_info;
    domain.id = fmt::format("{}/{}", chip.title, name.empty() ? plain : name);
    if (average && chip.has("power", number, "input")) domain.id += ".average";
    if (chip.name == "power_meter") {
      domain.scope = scope_of_meter(oem_info);
    } else {
      domain.scope = label == "VDD_IN" ? "module" : (label.empty() ? chip.name : label);
    }
    if (chip.name.starts_with("BAT")) domain.note = "a battery: right only while discharging";
  }
  add(std::move(domain), {chip.path("power", number, suffix)}, kMicro);
}

void Scan::power(const HwmonChip& chip) {
  for (const HwmonInput& input : chip.inputs) {
    const bool measures = input.suffix == "input" || input.suffix == "average";
    if (input.prefix == "power" && measures) one_power(chip, input.number, input.suffix);
  }
}

// INA3221 of Jetson boards: three rails with voltage and current. Further inputs are shunt voltages
// and sums.
void Scan::rails(const HwmonChip& chip) {
  if (!is_ina3221(chip)) return;
  const auto update = tree_.integer(chip.folder + "/update_interval");
  for (int rail = 1; rail <= 3; ++rail) {
    const bool is_whole = chip.has("in", rail, "input") && chip.has("curr", rail, "input");
    if (!is_whole || chip.has("power", rail, "input")) continue;
    const std::string label =
        chip.text(tree_, "in", rail, "label").value_or(fmt::format("rail{}", rail));
    Domain domain{fmt::format("{}/{}", chip.title, label), Kind::kPower,
                  label == "VDD_IN" ? "module" : label};
    domain.provenance = "sampled";
    domain.resolution = kMilli * kMilli;
    if (update && *update > 0) domain.update_period = static_cast<double>(*update) * kMilli;
    domain.note = "voltage times current of one rail";
    add(std::move(domain), {chip.path("in", rail, "input"), chip.path("curr", rail, "input")},
        kMilli * kMilli);
  }
}

void Scan::energy(const HwmonChip& chip) {
  for (const HwmonInput& input : chip.inputs) {
    if (input.prefix != "energy" || input.suffix != "input") continue;
    const std::string label = chip.text(tree_, "energy", input.number, "label").value_or("");
    Domain domain;
    domain.kind = Kind::kEnergy;
    domain.provenance = "counter";
    domain.resolution = kMicro;
    domain.device = chip.pci;
    if (chip.name == "amd_energy") {
      // Its sockets are what RAPL calls packages; its cores are too many and RAPL has none.
      if (!label.starts_with("Esocket")) continue;
      domain.id = "package-" + label.substr(std::string_view("Esocket").size());
      domain.scope = "package";
    } else if (!chip.pci.empty()) {
      // i915 and xe extend registers of 32 bits to 64 whenever the file is read, so these never
      // wrap as long as somebody reads them every few minutes. i915 has a chip for each tile.
      const auto tile = chip.name.find("_gt");
      const bool whole = tile == std::string::npos && (label.empty() || label == "card");
      const std::string part = !label.empty() && !whole
                                   ? label
                                   : chip.name.substr(tile == std::string::npos ? 0 : tile + 1);
      domain.id = fmt::format("{}/energy{}", chip.pci, whole ? "" : "." + part);
      domain.scope = whole ? "board" : "gpu";
      domain.note = "a register of 32 bits that the driver extends when it is read";
    } else {
      const std::string name = label.empty() ? fmt::format("energy{}", input.number) : label;
      domain.id = fmt::format("{}/{}", chip.title, name);
      domain.scope = label.empty() ? chip.name : label;
    }
    add(std::move(domain), {chip.path("energy", input.number, "input")}, kMicro);
  }
}

void Scan::one_gpu_temperature(const HwmonChip& chip, int number) {
  const std::string label = lower(chip.text(tree_, "temp", number, "label").value_or(""));
  Domain domain;
  domain.kind = Kind::kTemperature;
  domain.device = chip.pci;
  domain.provenance = "sampled";
  domain.resolution = kMilli;
  const bool memory = label == "mem" || label == "vram";
  const bool whole = label.empty() || label == "edge" || label == "pkg";
  domain.scope = memory ? "memory" : (whole ? "gpu" : label);
  domain.id = chip.pci + "/temperature";
  if (!whole) domain.id += "." + domain.scope;
  add(std::move(domain), {chip.path("temp", number, "input")}, kMilli);
}

// Which of a processor chip's many inputs is the package: coretemp has one for each core too.
bool is_package(const std::string& name, int number, const std::string& label) {
  if (name == "coretemp")
    return label.starts_with("Package id") || label.starts_with("Physical id");
  if (name == "k10temp" || name == "zenpower")
    return label.empty() || label == "Tctl" || label == "Tdie";
  return number == 1;
}

void Scan::temperature(const HwmonChip& chip) {
  for (const HwmonInput& input : chip.inputs) {
    if (input.prefix != "temp" || input.suffix != "input") continue;
    if (!chip.pci.empty()) {
      one_gpu_temperature(chip, input.number);
      continue;
    }
    if (!is_cpu_thermometer(chip.name)) continue;
    const std::string label = chip.text(tree_, "temp", input.number, "label").value_or("");
    if (!is_package(chip.name, input.number, label)) continue;
    Domain domain{fmt::format("{}/{}", chip.title,
                              label.empty() ? fmt::format("temp{}", input.number) : label),
                  Kind::kTemperature, "package"};
    domain.provenance = "sampled";
    domain.resolution = kMilli;
    if (label == "Tctl") domain.note = "the control value, on some models above the temperature";
    add(std::move(domain), {chip.path("temp", input.number, "input")}, kMilli);
  }
}

FileFindings Scan::finish() {
  const auto has = [&](auto&& wanted) {
    const Probe& probe = findings_.probe;
    return std::any_of(probe.domains.begin(), probe.domains.end(),
                       [&](const Domain& domain) { return wanted(domain.kind); }) ||
           std::any_of(probe.absences.begin(), probe.absences.end(),
                       [&](const Absence& absence) { return wanted(absence.kind); });
  };
  if (!has([](Kind kind) { return kind == Kind::kPower || kind == Kind::kEnergy; })) {
    findings_.probe.absences.push_back(
        missing_sensor(Kind::kPower, tree_, "no power sensor in /sys/class/hwmon"));
  }
  if (!has([](Kind kind) { return kind == Kind::kTemperature; })) {
    findings_.probe.absences.push_back(missing_sensor(
        Kind::kTemperature, tree_, "no temperature of the processor in /sys/class/hwmon"));
  }
  return std::move(findings_);
}

}  // namespace

std::unique_ptr<Source> open_hwmon(const Environment& environment) {
  const Tree tree(environment.root);
  Scan scan(environment, tree);
  for (const HwmonChip& chip : hwmon_chips(tree, environment.root)) {
    scan.power(chip);
    scan.rails(chip);
    scan.energy(chip);
    scan.temperature(chip);
  }
  return make_file_source("hwmon", scan.finish());
}

}  // namespace ridgeline::telemetry
