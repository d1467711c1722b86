// Clock, thermal throttling and, where hwmon has none, temperature of the processor.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <utility>

#include "base/cpu_list.hpp"
#include "machine/tree.hpp"
#include "telemetry/absence.hpp"
#include "telemetry/file_source.hpp"
#include "telemetry/hwmon_chips.hpp"
#include "telemetry/sources.hpp"

namespace ridgeline::telemetry {
namespace {

using machine::Tree;
using Hold = SensorFile::Hold;

constexpr const char* kCpus = "sys/devices/system/cpu";

std::string cpu_path(int cpu, std::string_view file) {
  return fmt::format("{}/cpu{}/{}", kCpus, cpu, file);
}

std::vector<int> online_cpus(const Tree& tree) {
  const auto cpus = parse_cpu_list(tree.text(fmt::format("{}/online", kCpus)).value_or(""));
  return cpus ? *cpus : std::vector<int>();
}

// Adds the file to the channel if it can be read. One for each CPU is too many to keep open.
void add_file(const std::string& root, const std::string& path, FileChannel& channel) {
  SensorFile file(below(root, path), Hold::kReopen);
  if (!std::isnan(file.read())) channel.files.push_back(std::move(file));
}

void add_clock(const std::string& root, const Tree& tree, const std::vector<int>& cpus,
               FileFindings& findings) {
  FileChannel channel;
  channel.scale = 1e3;  // the files hold kHz
  channel.combine = FileChannel::Combine::kMean;
  for (const int cpu : cpus) add_file(root, cpu_path(cpu, "cpufreq/scaling_cur_freq"), channel);
  if (channel.files.empty()) {
    findings.probe.absences.push_back(missing_sensor(
        Kind::kClock, tree, "no cpufreq driver in /sys/devices/system/cpu/cpu*/cpufreq"));
    return;
  }
  Domain domain{"clock", Kind::kClock, "cpu"};
  domain.provenance = "sampled";
  domain.resolution = 1e3;
  domain.note = fmt::format("mean of {} CPUs, idle ones included", channel.files.size());
  findings.add(std::move(domain), std::move(channel));
}

Domain throttle_domain(std::string id, const char* scope, std::string note) {
  Domain domain{std::move(id), Kind::kThrottleTime, scope};
  domain.provenance = "counter";
  domain.resolution = 1e-3;
  domain.note = std::move(note);
  return domain;
}

// Intel's counters of time above the thermal limit. Every CPU of a package repeats the package's,
// and both threads of a core the core's.
void add_throttling(const std::string& root, const Tree& tree, const std::vector<int>& cpus,
                    FileFindings& findings) {
  std::map<std::int64_t, int> packages;
  FileChannel cores;
  cores.scale = 1e-3;
  for (const int cpu : cpus) {
    const auto package = tree.integer(cpu_path(cpu, "topology/physical_package_id"));
    packages.emplace(std::max<std::int64_t>(package.value_or(0), 0), cpu);
    const auto siblings =
        parse_cpu_list(tree.text(cpu_path(cpu, "topology/thread_siblings_list")).value_or(""));
    const bool is_first = !siblings || siblings->empty() || siblings->front() == cpu;
    const std::string path = cpu_path(cpu, "thermal_throttle/core_throttle_total_time_ms");
    if (is_first) add_file(root, path, cores);
  }
  for (const auto& [package, cpu] : packages) {
    FileChannel channel;
    channel.scale = 1e-3;
    add_file(root, cpu_path(cpu, "thermal_throttle/package_throttle_total_time_ms"), channel);
    if (channel.files.empty()) continue;
    findings.add(
        throttle_domain(fmt::format("package-{}/throttle.thermal", package), "package", ""),
        std::move(channel));
  }
  if (!cores.files.empty()) {
    const std::string note = fmt::format("summed over {} cores", cores.files.size());
    findings.add(throttle_domain("cores/throttle.thermal", "core", note), std::move(cores));
  }
  const auto& domains = findings.probe.domains;
  if (std::none_of(domains.begin(), domains.end(),
                   [](const Domain& domain) { return domain.kind == Kind::kThrottleTime; })) {
    findings.probe.absences.push_back(missing_sensor(
        Kind::kThrottleTime, tree,
        "no throttle times in /sys/devices/system/cpu/cpu*/thermal_throttle (Intel only)"));
  }
}

bool has_thermometer(const Tree& tree, const std::string& root) {
  const auto chips = hwmon_chips(tree, root);
  return std::any_of(chips.begin(), chips.end(), [](const HwmonChip& chip) {
    return is_cpu_thermometer(chip.name) && chip.has("temp", 1, "input");
  });
}

void add_temperature(const std::string& root, const Tree& tree, FileFindings& findings) {
  if (has_thermometer(tree, root)) return;
  constexpr std::array<std::string_view, 4> kZones = {"x86_pkg_temp", "cpu-thermal", "cpu_thermal",
                                                      "soc-thermal"};
  int number = 0;
  for (const std::string& zone : tree.list("sys/class/thermal")) {
    const std::string folder = "sys/class/thermal/" + zone;
    const std::string type = tree.text(folder + "/type").value_or("");
    if (std::find(kZones.begin(), kZones.end(), type) == kZones.end()) continue;
    SensorFile file(below(root, folder + "/temp"));
    if (std::isnan(file.read())) continue;
    Domain domain{fmt::format("{}-{}/temperature", type, number++), Kind::kTemperature, "package"};
    domain.provenance = "sampled";
    domain.resolution = 1e-3;
    findings.add(std::move(domain), std::move(file), 1e-3);
  }
}

}  // namespace

std::unique_ptr<Source> open_cpufreq(const Environment& environment) {
  const Tree tree(environment.root);
  const std::vector<int> cpus = online_cpus(tree);
  FileFindings findings;
  add_clock(environment.root, tree, cpus, findings);
  add_throttling(environment.root, tree, cpus, findings);
  add_temperature(environment.root, tree, findings);
  return make_file_source("cpufreq", std::move(findings));
}

}  // namespace ridgeline::telemetry
