// Energy of Intel and AMD processors from RAPL, as powercap shows it in sysfs.
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include "machine/tree.hpp"
#include "telemetry/absence.hpp"
#include "telemetry/file_source.hpp"
#include "telemetry/sources.hpp"

namespace ridgeline::telemetry {
namespace {

using machine::Tree;

constexpr std::string_view kFolder = "sys/class/powercap";
constexpr std::string_view kAllow =
    "sudo chmod a+r /sys/class/powercap/intel-rapl*/energy_uj"
    "  # until the next boot; docs/power.md makes it last";

// Both vendors update the registers about every millisecond.
constexpr double kUpdatePeriod = 1e-3;

// The kernel gives unit · (2^32 - 1) as the maximum, and the register starts again at 0 one unit
// later, at unit · 2^32.
constexpr double kRegisterMax = 4294967295.0;

struct Zone {
  int number = 0;     // of the package or of the platform
  int part = -1;      // of the part of a package; -1: the package itself
  std::string path;   // "sys/class/powercap/intel-rapl:0:1"
  std::string name;   // "package-0", "dram"
  std::string id;     // "package-0", "dram-0"
  std::string scope;  // "package", "dram"
};

// "intel-rapl:0:1" of control type "intel-rapl" → 0 and 1.
std::optional<std::pair<int, int>> numbers_of(std::string_view entry, std::string_view control) {
  if (!entry.starts_with(control)) return std::nullopt;
  entry.remove_prefix(control.size());
  if (!entry.starts_with(':')) return std::nullopt;
  entry.remove_prefix(1);
  const auto colon = entry.find(':');
  const auto number = machine::parse_integer(entry.substr(0, colon));
  if (!number || *number < 0 || *number > 4095) return std::nullopt;
  if (colon == std::string_view::npos) return std::pair(static_cast<int>(*number), -1);
  const auto part = machine::parse_integer(entry.substr(colon + 1));
  if (!part || *part < 0 || *part > 4095) return std::nullopt;
  return std::pair(static_cast<int>(*number), static_cast<int>(*part));
}

// What follows "package-": "0", or "1-die-0" where the registers belong to dies. AMD's belong to
// packages, so the names that Linux 6.9 to 6.12 made of its dies repeat one counter.
std::string place_of(const std::string& package, bool is_amd) {
  std::string place = package.substr(std::string_view("package-").size());
  const auto die = place.find("-die-");
  if (is_amd && die != std::string::npos) place.resize(die);
  return place;
}

// Names a zone; false for one that the kernel does not document.
bool name_zone(Zone& zone, const std::map<int, std::string>& places, bool is_amd) {
  if (zone.name.starts_with("package-")) {
    zone.id = "package-" + place_of(zone.name, is_amd);
    zone.scope = "package";
    return true;
  }
  if (zone.name == "psys" || zone.name.starts_with("psys-")) {
    zone.id = zone.name == "psys" ? "psys-0" : zone.name;
    zone.scope = "psys";
    return true;
  }
  const auto place = places.find(zone.number);
  const bool known = zone.name == "core" || zone.name == "uncore" || zone.name == "dram";
  if (!known || place == places.end()) return false;
  zone.id = fmt::format("{}-{}", zone.name, place->second);
  zone.scope = zone.name;
  return true;
}

// The zones of one control type, in the order of their numbers.
std::vector<Zone> zones_of(const Tree& tree, std::string_view control, bool is_amd) {
  std::vector<Zone> found;
  std::map<int, std::string> places;
  for (const std::string& entry : tree.list(std::string(kFolder))) {
    const auto numbers = numbers_of(entry, control);
    if (!numbers) continue;
    Zone zone;
    std::tie(zone.number, zone.part) = *numbers;
    zone.path = fmt::format("{}/{}", kFolder, entry);
    zone.name = printable(tree.text(zone.path + "/name").value_or(""));
    if (zone.name.starts_with("package-")) places[zone.number] = place_of(zone.name, is_amd);
    found.push_back(std::move(zone));
  }
  std::erase_if(found, [&](Zone& zone) { return !name_zone(zone, places, is_amd); });
  std::sort(found.begin(), found.end(), [](const Zone& a, const Zone& b) {
    return std::pair(a.number, a.part) < std::pair(b.number, b.part);
  });
  return found;
}

bool has_entries(const Tree& tree) {
  const auto names = tree.list(std::string(kFolder));
  return std::any_of(names.begin(), names.end(),
                     [](const std::string& name) { return name.starts_with("intel-rapl:"); });
}

Domain domain_of(const Zone& zone, const Tree& tree, const std::string& note) {
  Domain domain{zone.id, Kind::kEnergy, zone.scope};
  domain.provenance = "counter";
  domain.update_period = kUpdatePeriod;
  domain.resolution = 1e-6;
  domain.note = note;
  const auto range = tree.integer(zone.path + "/max_energy_range_uj");
  if (range && *range > 0) {
    const double unit = static_cast<double>(*range) * 1e-6 / kRegisterMax;
    domain.resolution = std::max(unit, 1e-6);
    domain.wraps_at = unit * (kRegisterMax + 1);
  }
  return domain;
}

struct Unreadable {
  std::string scope;
  std::string path;
  bool forbidden = false;
};

// One absence for all scopes when nothing can be read, else one for each scope that cannot.
void add_unreadable(const std::vector<Unreadable>& unreadable, const Tree& tree,
                    FileFindings& findings) {
  const bool all = findings.probe.domains.empty();
  std::set<std::string> told;
  for (const Unreadable& one : unreadable) {
    const std::string scope = all ? "" : one.scope;
    if (!told.insert(scope).second) continue;
    Absence absence{Kind::kEnergy, tree.why(one.path), "", "", scope};
    if (one.forbidden) {
      absence.reason =
          fmt::format("/{} may only be read by root (since the fix of CVE-2020-8694)", one.path);
      absence.enable = kAllow;
    }
    findings.probe.absences.push_back(std::move(absence));
  }
}

void add_zones(const Environment& environment, const Tree& tree, const X86& cpu,
               FileFindings& findings) {
  // The microcode then adds noise to the counters, against the PLATYPUS attack.
  const std::string sgx =
      cpu.has_sgx ? "SGX is on: microcode may add noise, use windows of 1 s and more" : "";
  std::set<std::string> seen;
  std::vector<Unreadable> unreadable;
  // intel-rapl-mmio shows package 0 of some laptops a second time, so it comes last and only
  // counts where the other does not have the zone.
  for (const std::string_view control : {"intel-rapl", "intel-rapl-mmio"}) {
    for (const Zone& zone : zones_of(tree, control, cpu.is_amd)) {
      if (!seen.insert(zone.id).second) continue;
      const std::string path = zone.path + "/energy_uj";
      SensorFile file(below(environment.root, path));
      if (file.error() != 0 || std::isnan(file.read())) {
        unreadable.push_back({zone.scope, path, file.error() == EACCES || file.error() == EPERM});
        continue;
      }
      const bool one_core = cpu.is_amd && zone.scope == "core";
      findings.add(domain_of(zone, tree,
                             one_core ? "the first core of the package alone: AMD counts each "
                                        "core apart"
                                      : sgx),
                   std::move(file), 1e-6);
    }
  }
  add_unreadable(unreadable, tree, findings);
  const bool has_dram =
      std::any_of(seen.begin(), seen.end(), [](auto& id) { return id.starts_with("dram-"); });
  if (!findings.probe.domains.empty() && !has_dram) {
    findings.probe.absences.push_back(
        {Kind::kEnergy, "the RAPL of this processor has no dram domain", "", "", "dram"});
  }
}

}  // namespace

std::unique_ptr<Source> open_rapl(const Environment& environment) {
  const Tree tree(environment.root);
  const X86 cpu = read_x86(environment.root);
  FileFindings findings;
  add_zones(environment, tree, cpu, findings);
  if (findings.probe.domains.empty() && findings.probe.absences.empty()) {
    if (!cpu.is_x86()) {
      findings.probe.absences.push_back(
          missing_sensor(Kind::kEnergy, tree, "RAPL is for x86 processors only"));
    } else if (has_entries(tree)) {
      // Containers hide what the entries of the folder point to.
      findings.probe.absences.push_back(missing_sensor(
          Kind::kEnergy, tree, "the RAPL zones in /sys/class/powercap cannot be opened"));
    } else {
      findings.probe.absences.push_back(missing_sensor(
          Kind::kEnergy, tree, "no RAPL in /sys/class/powercap", "sudo modprobe intel_rapl_msr"));
    }
  }
  return make_file_source("rapl", std::move(findings));
}

}  // namespace ridgeline::telemetry
