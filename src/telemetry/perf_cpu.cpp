// Instructions and cycles of all CPUs, counted by their performance counters.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/cpu_list.hpp"
#include "machine/tree.hpp"
#include "telemetry/absence.hpp"
#include "telemetry/perf/perf_source.hpp"
#include "telemetry/perf/pmu.hpp"
#include "telemetry/sources.hpp"

namespace ridgeline::telemetry {
namespace {

using machine::Tree;

struct Row {
  const char* scope;
  std::uint64_t config;  // PERF_COUNT_HW_CPU_CYCLES and _INSTRUCTIONS
};

constexpr const char* kName = "perf_cpu";
constexpr std::uint32_t kTypeHardware = 0;
constexpr std::array kRows = {Row{"instructions", 1}, Row{"cycles", 0}};

struct Core {
  int cpu = 0;
  std::uint32_t pmu = 0;  // type of the PMU of this sort of core; 0: the only sort
};

// The online CPUs. Intel's processors with two sorts of cores have a PMU for each, which must be
// named in the upper half of the configuration.
std::vector<Core> cores_of(const Tree& tree) {
  std::vector<Core> cores;
  for (const std::string_view name : {"cpu_core", "cpu_atom", "cpu_lowpower"}) {
    const auto pmu = read_pmu(tree, name);
    if (!pmu) continue;
    for (const int cpu : pmu->cpus) cores.push_back({cpu, pmu->type});
  }
  if (!cores.empty()) return cores;
  const auto online = parse_cpu_list(tree.text("sys/devices/system/cpu/online").value_or(""));
  if (online) {
    for (const int cpu : *online) cores.push_back({cpu, 0});
  }
  return cores;
}

// On x86 the kernel lists the PMU of the cores even for those who may not use it. Most virtual
// machines have none, and then no permission helps.
bool lacks_pmu(const Tree& tree, const std::string& root) {
  if (!read_x86(root).is_x86()) return false;
  const auto names = tree.list(std::string(kPmuFolder));
  return std::none_of(names.begin(), names.end(), [](const std::string& name) {
    return name == "cpu" || name.starts_with("cpu_");
  });
}

}  // namespace

std::unique_ptr<Source> open_perf_cpu(const Environment& environment, PerfEvents& events) {
  const Tree tree(environment.root);
  PerfFindings findings(events);
  if (lacks_pmu(tree, environment.root)) {
    findings.probe.absences.push_back(missing_sensor(
        Kind::kEvents, tree, "no counters of the CPUs in /sys/bus/event_source/devices"));
    return make_perf_source(kName, std::move(findings));
  }
  const std::vector<Core> cores = cores_of(tree);
  if (cores.empty()) {
    findings.probe.absences.push_back({Kind::kEvents, tree.why("sys/devices/system/cpu/online")});
  }
  for (const Row& row : kRows) {
    PerfChannel channel;
    int error = 0;
    for (const Core& core : cores) {
      const PerfConfig config{kTypeHardware, row.config | static_cast<std::uint64_t>(core.pmu)
                                                              << 32};
      error = findings.open(config, core.cpu, 1, channel);
      if (error != 0) break;
    }
    if (error != 0) {
      findings.close(channel);
      Absence absence =
          perf_refused(Kind::kEvents, error, tree, fmt::format("the counter of {}", row.scope));
      absence.scope = row.scope;
      findings.probe.absences.push_back(std::move(absence));
    } else if (!cores.empty()) {
      Domain domain{fmt::format("cpu/{}", row.scope), Kind::kEvents, row.scope};
      domain.provenance = "counter";
      domain.resolution = 1;
      domain.note = fmt::format("all processes on {} CPUs", cores.size());
      findings.add(std::move(domain), std::move(channel));
    }
  }
  return make_perf_source(kName, std::move(findings));
}

std::unique_ptr<Source> open_perf_cpu(const Environment& environment) {
  return open_perf_cpu(environment, perf_events_of(environment.root));
}

}  // namespace ridgeline::telemetry
