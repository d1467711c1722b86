// Bytes to and from DRAM, counted by the memory controllers.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "machine/tree.hpp"
#include "telemetry/absence.hpp"
#include "telemetry/perf/perf_source.hpp"
#include "telemetry/perf/pmu.hpp"
#include "telemetry/sources.hpp"

namespace ridgeline::telemetry {
namespace {

using machine::Tree;

constexpr const char* kName = "perf_uncore";
constexpr double kLine = 64;  // bytes that one column access moves on every DDR generation
constexpr double kMiB = 1048576;

/// One event of one unit, which may count on several sockets.
struct Counter {
  Pmu pmu;
  PerfConfig config;
  double bytes = kLine;  // of one count
  bool writes = false;
};

/// What a family of units gave. `problem` says why its counters cannot be used.
struct Family {
  std::vector<Counter> counters;
  std::string problem = {};
  std::string note = "every process on the socket";
};

// "uncore_imc_3" of prefix "uncore_imc_", but not "uncore_imc_free_running_0".
bool is_numbered(std::string_view name, std::string_view prefix) {
  if (!name.starts_with(prefix)) return false;
  const auto number = machine::parse_integer(name.substr(prefix.size()));
  return number && *number >= 0;
}

double bytes_of(const PmuEvent& event, double otherwise) {
  if (!event.scale) return otherwise;
  if (event.unit == "MiB") return *event.scale * kMiB;
  return event.unit == "Bytes" ? *event.scale : otherwise;
}

// Adds a named event of a unit to the family.
void add_named(const Tree& tree, const Pmu& pmu, std::string_view name, bool writes,
               double otherwise, Family& family) {
  const auto event = read_event(tree, pmu, name);
  if (!event) {
    family.problem = event.error().message;
    return;
  }
  family.counters.push_back({pmu, event->config, bytes_of(*event, otherwise), writes});
}

// Calls f with each readable unit of that shape of name.
template <typename Match, typename F>
void for_each_pmu(const Tree& tree, Family& family, Match&& match, F&& f) {
  for (const std::string& name : tree.list(std::string(kPmuFolder))) {
    if (!match(name)) continue;
    const auto pmu = read_pmu(tree, name);
    if (pmu) {
      f(*pmu);
    } else {
      family.problem = pmu.error().message;
    }
  }
}

// Intel's memory controllers: column accesses for reads and writes. Granite Rapids has two
// schedulers in each channel that count apart.
Family intel_controllers(const Tree& tree) {
  Family family;
  const auto add = [&](const Pmu& pmu, std::string_view base, bool writes) {
    if (has_event(tree, pmu.name, base)) return add_named(tree, pmu, base, writes, kLine, family);
    for (const int scheduler : {0, 1}) {
      add_named(tree, pmu, fmt::format("{}_sch{}", base, scheduler), writes, kLine, family);
    }
  };
  for_each_pmu(
      tree, family, [](const std::string& name) { return is_numbered(name, "uncore_imc_"); },
      [&](const Pmu& pmu) {
        add(pmu, "cas_count_read", false);
        add(pmu, "cas_count_write", true);
      });
  return family;
}

// Counters of Intel's client processors that always run: one unit, or a numbered one for each
// controller. Names changed over the years.
Family intel_free_running(const Tree& tree) {
  Family family;
  const auto add = [&](const Pmu& pmu, std::initializer_list<std::string_view> names, bool writes) {
    for (const std::string_view name : names) {
      if (!has_event(tree, pmu.name, name)) continue;
      const std::size_t before = family.counters.size();
      add_named(tree, pmu, name, writes, kLine, family);
      // Linux before 5.10 scales the servers' events to 4 bytes, but they count lines of 64.
      if (family.counters.size() > before && std::abs(family.counters.back().bytes - 4) < 0.01) {
        family.counters.back().bytes = kLine;
      }
      return;
    }
    family.problem = fmt::format("{} has no event for {}", pmu.name, writes ? "writes" : "reads");
  };
  for_each_pmu(
      tree, family,
      [](const std::string& name) {
        return name == "uncore_imc" || name.starts_with("uncore_imc_free_running");
      },
      [&](const Pmu& pmu) {
        add(pmu, {"data_read", "data_reads", "read"}, false);
        add(pmu, {"data_write", "data_writes", "write"}, true);
      });
  return family;
}

// AMD from Zen 4: sysfs names no events, the processor's manual does (CAS_CMD is 0x0a, and the mask
// chooses reads or writes).
Family amd_controllers(const Tree& tree) {
  Family family;
  for_each_pmu(
      tree, family, [](const std::string& name) { return is_numbered(name, "amd_umc_"); },
      [&](const Pmu& pmu) {
        for (const bool writes : {false, true}) {
          const auto config =
              encode_event(tree, pmu, writes ? "event=0x0a,rdwrmask=2" : "event=0x0a,rdwrmask=1");
          if (config) {
            family.counters.push_back({pmu, *config, kLine, writes});
          } else {
            family.problem = config.error().message;
          }
        }
      });
  return family;
}

// NVIDIA Grace: reads in beats of 32 bytes, writes in bytes.
Family nvidia_fabric(const Tree& tree) {
  Family family;
  family.note = "of CPUs and ordered PCIe writes; traffic of GPUs is not in it";
  for_each_pmu(
      tree, family, [](const std::string& name) { return is_numbered(name, "nvidia_scf_pmu_"); },
      [&](const Pmu& pmu) {
        add_named(tree, pmu, "cmem_rd_data", false, 32, family);
        add_named(tree, pmu, "cmem_wr_total_bytes", true, 1, family);
      });
  return family;
}

std::string nothing_usable(const Tree& tree) {
  for (const std::string& name : tree.list(std::string(kPmuFolder))) {
    if (name == "amd_df") {
      return "only the data fabric counters (amd_df) are there: what they count differs between "
             "models, and their events are not documented well enough to give bytes";
    }
    if (name.starts_with("arm_cmn") || name.starts_with("arm_dmc")) {
      return name + " is there, but its events differ between machines and are not read";
    }
  }
  return {};
}

// Opens all counters of a family, summed by socket and direction; an errno where one may not be.
int add_domains(const Tree& tree, const Family& family, PerfFindings& findings) {
  struct Sum {
    PerfChannel channel;
    double resolution = 0;
  };
  std::map<std::pair<int, bool>, Sum> sums;
  int error = 0;
  for (const Counter& counter : family.counters) {
    for (const int cpu : counter.pmu.cpus) {
      Sum& sum = sums[{socket_of(tree, cpu), counter.writes}];
      sum.resolution = std::max(sum.resolution, counter.bytes);
      if (error == 0) error = findings.open(counter.config, cpu, counter.bytes, sum.channel);
    }
  }
  for (auto& [key, sum] : sums) {
    if (error != 0) {
      findings.close(sum.channel);
      continue;
    }
    Domain domain{fmt::format("dram-{}/{}", key.first, key.second ? "write" : "read"),
                  Kind::kTraffic, "dram"};
    domain.provenance = "counter";
    domain.resolution = sum.resolution;
    domain.note = family.note;
    findings.add(std::move(domain), std::move(sum.channel));
  }
  return error;
}

}  // namespace

std::unique_ptr<Source> open_perf_uncore(const Environment& environment, PerfEvents& events) {
  const Tree tree(environment.root);
  PerfFindings findings(events);
  std::string problem;
  // The controllers' own counters come first: on servers the free running ones are there too.
  for (const auto find : {intel_controllers, intel_free_running, amd_controllers, nvidia_fabric}) {
    const Family family = find(tree);
    if (!family.problem.empty()) problem = family.problem;
    // Half the channels would be half the bytes.
    if (family.counters.empty() || !family.problem.empty()) continue;
    if (const int error = add_domains(tree, family, findings); error != 0) {
      findings.probe.absences.push_back(
          perf_refused(Kind::kTraffic, error, tree, "the memory controller counters"));
    }
    return make_perf_source(kName, std::move(findings));
  }
  if (problem.empty()) problem = nothing_usable(tree);
  findings.probe.absences.push_back(
      problem.empty()
          ? missing_sensor(Kind::kTraffic, tree,
                           "no memory controller counters in /sys/bus/event_source/devices")
          : Absence{Kind::kTraffic, problem});
  return make_perf_source(kName, std::move(findings));
}

std::unique_ptr<Source> open_perf_uncore(const Environment& environment) {
  return open_perf_uncore(environment, perf_events_of(environment.root));
}

}  // namespace ridgeline::telemetry
