// Puts the inventory together.
#include "machine/inventory.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <set>
#include <tuple>

#include "base/cpu_list.hpp"
#include "machine/accelerator.hpp"
#include "machine/cgroup.hpp"
#include "machine/cpu.hpp"
#include "machine/memory.hpp"
#include "machine/system.hpp"

namespace ridgeline::machine {
namespace {

// The kernel writes the affinity mask, already cut down to the cpuset, into the status file.
std::vector<int> allowed_cpus(const Tree& tree, const Cpu& cpu, std::vector<Missing>& missing) {
  std::vector<int> online;
  for (const LogicalCpu& logical : cpu.logical) online.push_back(logical.id);
  const std::string text = tree.text("proc/self/status").value_or("");
  for (const std::string_view line : split_lines(text)) {
    const auto pair = key_value(line);
    if (!pair || pair->first != "Cpus_allowed_list") continue;
    const auto mask = parse_cpu_list(pair->second);
    if (!mask || mask->empty()) break;
    std::vector<int> allowed;
    std::set_intersection(online.begin(), online.end(), mask->begin(), mask->end(),
                          std::back_inserter(allowed));
    if (!allowed.empty()) return allowed;
    break;
  }
  missing.push_back(
      {"allowed.affinity",
       tree.why("proc/self/status") + "; every CPU that is online is taken as allowed",
       "taskset -pc $$"});
  return online;
}

}  // namespace

Machine inventory(const std::string& root) {
  const Tree tree(root);
  Machine machine;
  machine.virtualization = read_virtualization(tree);
  machine.board = read_board(tree);
  if (!machine.board) {
    machine.missing.push_back({"board", tree.why("sys/class/dmi/id/product_name")});
  }
  if (machine.virtualization.is_virtual && !machine.virtualization.hypervisor) {
    machine.missing.push_back({"virtualization.hypervisor",
                               "the processor says that a hypervisor is below, nothing names it",
                               "systemd-detect-virt"});
  }
  machine.cpu = read_cpu(tree, machine.virtualization.is_virtual, machine.missing);
  machine.allowed.cpus = allowed_cpus(tree, machine.cpu, machine.missing);
  machine.allowed.quota_cpus = cgroup_cpu_quota(tree);
  const auto count = static_cast<double>(machine.allowed.cpus.size());
  machine.allowed.effective_cpus = std::min(count, machine.allowed.quota_cpus.value_or(count));
  machine.memory = read_memory(tree, machine.missing);
  machine.accelerators = read_accelerators(tree, machine.missing);
  machine.os = read_os(tree, machine.missing);
  machine.load = read_load(tree);
  if (!machine.load) machine.missing.push_back({"load_average", tree.why("proc/loadavg")});
  return machine;
}

std::vector<int> physical_cores(const Machine& machine) {
  std::vector<std::tuple<int, int>> first_of_core;  // node, logical CPU
  std::set<int> cores;
  for (const LogicalCpu& logical : machine.cpu.logical) {
    const auto& allowed = machine.allowed.cpus;
    if (!std::binary_search(allowed.begin(), allowed.end(), logical.id)) continue;
    if (cores.insert(logical.core).second) first_of_core.emplace_back(logical.node, logical.id);
  }
  std::sort(first_of_core.begin(), first_of_core.end());
  if (machine.allowed.quota_cpus) {
    const double whole = std::max(1.0, std::floor(*machine.allowed.quota_cpus));
    if (whole < static_cast<double>(first_of_core.size())) {
      first_of_core.resize(static_cast<std::size_t>(whole));
    }
  }
  std::vector<int> cpus;
  for (const auto& [node, cpu] : first_of_core) cpus.push_back(cpu);
  return cpus;
}

}  // namespace ridgeline::machine
