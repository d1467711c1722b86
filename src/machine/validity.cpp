// Environment checks, one function each; those of clocks are in validity_clocks.cpp.
#include "machine/validity.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/cpu_list.hpp"
#include "machine/inventory.hpp"
#include "machine/validity_clocks.hpp"

namespace ridgeline::machine {
namespace {

// Half of the CPUs over a minute was more than daemons. What runs now is another question, which
// processes.hpp answers: our own run of a minute ago is in this average, too.
constexpr double kLoadShare = 0.5;
// A swapped-out page of an idle daemon is harmless, a quarter gigabyte is a shortage.
constexpr std::uint64_t kSwapInUse = 256ull << 20;
constexpr double kLowMemoryShare = 0.1;

double gib(std::uint64_t bytes) {
  return static_cast<double>(bytes) / (1ull << 30);
}

void check_load(const Machine& machine, std::vector<Flag>& flags) {
  const auto cpus = static_cast<double>(machine.cpu.logical.size());
  if (!machine.load || cpus == 0) return;
  if (machine.load->one_minute <= kLoadShare * cpus) return;
  flags.push_back({"load", "info",
                   fmt::format("the load average was {:.2f} on {} CPUs at the start: much ran here "
                               "during the last minutes",
                               machine.load->one_minute, cpus),
                   "let a warm machine cool down for a minute; --busy tells what runs now"});
}

void check_quota(const Machine& machine, std::vector<Flag>& flags) {
  const auto& quota = machine.allowed.quota_cpus;
  if (!quota || *quota >= static_cast<double>(machine.allowed.cpus.size())) return;
  const bool fractional = std::floor(*quota) != *quota;
  flags.push_back(
      {"cgroup_quota", "warn",
       fmt::format("a control group allows {:.4g} CPUs of time on {} CPUs{}: threads are "
                   "stopped for the rest of each period",
                   *quota, machine.allowed.cpus.size(), fractional ? ", not a whole number" : ""),
       "limit the container by whole CPUs (docker --cpuset-cpus) instead of by a quota"});
}

void check_threads(const Machine& machine, int threads, std::vector<Flag>& flags) {
  if (threads <= 0 || machine.allowed.cpus.empty()) return;
  const auto effective = static_cast<int>(std::max(1.0, machine.allowed.effective_cpus));
  std::set<int> cores;
  for (const LogicalCpu& logical : machine.cpu.logical) {
    const auto& allowed = machine.allowed.cpus;
    if (std::binary_search(allowed.begin(), allowed.end(), logical.id)) cores.insert(logical.core);
  }
  const auto core_count = static_cast<int>(cores.size());
  if (threads > effective) {
    flags.push_back({"oversubscribed", "warn",
                     fmt::format("{} threads share {} usable CPUs", threads, effective),
                     fmt::format("--threads {}", physical_cores(machine).size())});
  } else if (threads > core_count && machine.cpu.threads_per_core > 1) {
    flags.push_back({"smt", "warn",
                     fmt::format("{} threads on {} physical cores: hardware threads share a core",
                                 threads, core_count),
                     fmt::format("--threads {}", core_count)});
  }
}

void check_mixed_cores(const Machine& machine, std::vector<Flag>& flags) {
  std::map<std::int64_t, std::vector<int>> by_capacity;
  for (const LogicalCpu& logical : machine.cpu.logical) {
    const auto& allowed = machine.allowed.cpus;
    const bool is_allowed = std::binary_search(allowed.begin(), allowed.end(), logical.id);
    if (is_allowed && logical.capacity) by_capacity[*logical.capacity].push_back(logical.id);
  }
  if (by_capacity.size() < 2) return;
  flags.push_back({"mixed_cores", "warn",
                   fmt::format("the CPUs have {} different speeds: the slowest one sets the pace",
                               by_capacity.size()),
                   "--cores " + to_cpu_list(by_capacity.rbegin()->second)});
}

void check_memory(const Machine& machine, std::vector<Flag>& flags) {
  const Memory& memory = machine.memory;
  const std::uint64_t swap_used = memory.swap_used_bytes.value_or(0);
  if (swap_used > kSwapInUse) {
    flags.push_back({"swap", "warn", fmt::format("{:.1f} GiB of swap are in use", gib(swap_used)),
                     "free memory, then: sudo swapoff -a && sudo swapon -a"});
  }
  if (!memory.total_bytes || !memory.available_bytes) return;
  const std::uint64_t total =
      std::min(*memory.total_bytes, memory.limit_bytes.value_or(UINT64_MAX));
  if (static_cast<double>(*memory.available_bytes) < kLowMemoryShare * static_cast<double>(total)) {
    flags.push_back({"low_memory", "warn",
                     fmt::format("{:.1f} GiB of {:.1f} GiB are available",
                                 gib(*memory.available_bytes), gib(total)),
                     "stop other processes, or measure a smaller model"});
  }
}

void check_virtualization(const Machine& machine, std::vector<Flag>& flags) {
  const Virtualization& where = machine.virtualization;
  if (where.is_virtual) {
    flags.push_back({"virtual_machine", "info",
                     fmt::format("virtual machine ({}): neighbours and clocks are not visible",
                                 where.hypervisor.value_or("hypervisor unknown")),
                     "use several invocations; for absolute numbers measure on bare metal"});
  }
  if (where.container) {
    flags.push_back({"container", "info",
                     fmt::format("container ({}): sensors and limits of the host may be hidden",
                                 *where.container),
                     "compare `ridgeline machine` inside and outside"});
  }
}

void check_huge_pages(const Machine& machine, std::vector<Flag>& flags) {
  const auto& mode = machine.memory.transparent_hugepage;
  if (!mode || *mode == "always") return;
  flags.push_back(
      {"huge_pages", "info",
       fmt::format("transparent huge pages are '{}': large weights live in 4-KiB pages", *mode),
       "echo always | sudo tee /sys/kernel/mm/transparent_hugepage/enabled"});
}

// Pages that migrate in the middle of a run change its bandwidth; one node has nowhere to go.
void check_numa_balancing(const Machine& machine, const Settings& settings,
                          std::vector<Flag>& flags) {
  if (!settings.numa_balancing.value_or(false) || machine.cpu.nodes.size() < 2) return;
  flags.push_back({"numa_balancing", "warn",
                   fmt::format("the kernel moves memory between {} NUMA nodes while it runs",
                               machine.cpu.nodes.size()),
                   "echo 0 | sudo tee /proc/sys/kernel/numa_balancing"});
}

// Threads on isolated CPUs stay where they were born: the scheduler does not spread them.
void check_isolated(const Settings& settings, std::vector<Flag>& flags) {
  if (settings.isolated_cpus.empty()) return;
  flags.push_back({"isolated_cpus", "info",
                   fmt::format("the scheduler puts nothing on CPUs {} by itself",
                               to_cpu_list(settings.isolated_cpus)),
                   fmt::format("--threads 1 --cores {} measures there; several threads would share "
                               "one of these CPUs",
                               settings.isolated_cpus.front())});
}

}  // namespace

std::vector<Flag> environment_flags(const Machine& machine, int threads, const Settings& settings) {
  std::vector<Flag> flags;
  check_clocks(machine, settings, flags);
  check_load(machine, flags);
  check_quota(machine, flags);
  check_threads(machine, threads, flags);
  check_mixed_cores(machine, flags);
  check_memory(machine, flags);
  check_virtualization(machine, flags);
  check_huge_pages(machine, flags);
  check_numa_balancing(machine, settings, flags);
  check_isolated(settings, flags);
  return flags;
}

Json to_json(const std::vector<Flag>& flags) {
  Json list = Json::array();
  for (const Flag& flag : flags) {
    list.push_back({{"id", flag.id},
                    {"severity", flag.severity},
                    {"detail", flag.detail},
                    {"advice", flag.advice}});
  }
  return list;
}

}  // namespace ridgeline::machine
