// Energy of Intel and AMD processors from the PMU `power`: RAPL without wraps, and without root
// where the kernel's setting allows it.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

#include "machine/tree.hpp"
#include "telemetry/absence.hpp"
#include "telemetry/perf/perf_source.hpp"
#include "telemetry/perf/pmu.hpp"
#include "telemetry/sources.hpp"

namespace ridgeline::telemetry {
namespace {

using machine::Tree;

constexpr const char* kName = "perf_power";
constexpr const char* kWhat = "the energy counters of the PMU power";

struct Row {
  std::string_view event;
  std::string_view scope;  // and the start of the id: the same as in rapl.cpp
};

constexpr std::array kRows = {
    Row{"energy-pkg", "package"},
    Row{"energy-cores", "core"},
    Row{"energy-ram", "dram"},
    // RAPL's second power plane, which powercap calls uncore, is the graphics part.
    Row{"energy-gpu", "uncore"},
    Row{"energy-psys", "psys"},
};

// One CPU for each set of registers, with the end of its ids: the socket, or "0-die-1" where
// several CPUs of a socket are listed, one for each die. AMD's registers belong to sockets
// whatever the list says.
std::vector<std::pair<int, std::string>> places_of(const Tree& tree, const Pmu& pmu, bool by_die) {
  std::map<int, int> listed;
  for (const int cpu : pmu.cpus) ++listed[socket_of(tree, cpu)];
  std::vector<std::pair<int, std::string>> places;
  std::set<std::string> seen;
  for (const int cpu : pmu.cpus) {
    const int socket = socket_of(tree, cpu);
    std::string place = fmt::format("{}", socket);
    if (by_die && listed[socket] > 1) {
      const auto die =
          tree.integer(fmt::format("sys/devices/system/cpu/cpu{}/topology/die_id", cpu));
      place += fmt::format("-die-{}", die.value_or(0));
    }
    if (seen.insert(place).second) places.emplace_back(cpu, place);
  }
  return places;
}

Domain domain_of(const Row& row, const std::string& place, double scale) {
  Domain domain{fmt::format("{}-{}", row.scope, place), Kind::kEnergy, std::string(row.scope)};
  domain.provenance = "counter";
  domain.resolution = scale;
  domain.update_period = 1e-3;  // of the registers behind it, as both vendors document
  domain.note = "the register's own step is larger (15 to 61 uJ)";
  return domain;
}

// Adds the domains of one event, of every socket or of none; an errno where one may not be opened.
int add_event(const Row& row, const PmuEvent& event,
              const std::vector<std::pair<int, std::string>>& places, PerfFindings& findings) {
  const double scale = event.scale.value_or(0x1p-32);
  std::vector<PerfChannel> channels(places.size());
  for (std::size_t i = 0; i < places.size(); ++i) {
    const int error = findings.open(event.config, places[i].first, scale, channels[i]);
    if (error == 0) continue;
    for (PerfChannel& channel : channels) findings.close(channel);
    return error;
  }
  for (std::size_t i = 0; i < places.size(); ++i) {
    findings.add(domain_of(row, places[i].second, scale), std::move(channels[i]));
  }
  return 0;
}

void add_domains(const Tree& tree, const Pmu& pmu, bool by_die, PerfFindings& findings) {
  const auto places = places_of(tree, pmu, by_die);
  for (const Row& row : kRows) {
    if (!has_event(tree, pmu.name, row.event)) continue;
    const auto event = read_event(tree, pmu, row.event);
    const std::string scope(row.scope);
    if (!event || (!event->unit.empty() && event->unit != "Joules")) {
      const std::string why =
          event ? fmt::format("{}: unit {} is not known", row.event, printable(event->unit))
                : event.error().message;
      findings.probe.absences.push_back({Kind::kEnergy, why, "", "", scope});
      continue;
    }
    const int error = add_event(row, *event, places, findings);
    if (error == 0) continue;
    Absence absence = perf_refused(Kind::kEnergy, error, tree, kWhat);
    // The first refusal is everybody's as long as nothing could be opened.
    if (findings.probe.domains.empty()) {
      findings.probe.absences.push_back(std::move(absence));
      return;
    }
    absence.scope = scope;
    findings.probe.absences.push_back(std::move(absence));
  }
}

}  // namespace

std::unique_ptr<Source> open_perf_power(const Environment& environment, PerfEvents& events) {
  const Tree tree(environment.root);
  const X86 cpu = read_x86(environment.root);
  PerfFindings findings(events);
  if (!tree.exists(fmt::format("{}/power", kPmuFolder))) {
    findings.probe.absences.push_back(missing_sensor(
        Kind::kEnergy, tree,
        cpu.is_x86() ? "no RAPL counters (PMU power) in /sys/bus/event_source/devices"
                     : "RAPL is for x86 processors only",
        cpu.is_x86() ? "sudo modprobe rapl" : ""));
    return make_perf_source(kName, std::move(findings));
  }
  const auto pmu = read_pmu(tree, "power");
  if (!pmu) {
    findings.probe.absences.push_back({Kind::kEnergy, pmu.error().message});
    return make_perf_source(kName, std::move(findings));
  }
  add_domains(tree, *pmu, cpu.is_intel, findings);
  if (findings.probe.domains.empty() && findings.probe.absences.empty()) {
    findings.probe.absences.push_back(
        missing_sensor(Kind::kEnergy, tree, "the PMU power has no energy events"));
  }
  return make_perf_source(kName, std::move(findings));
}

std::unique_ptr<Source> open_perf_power(const Environment& environment) {
  return open_perf_power(environment, perf_events_of(environment.root));
}

}  // namespace ridgeline::telemetry
