// Reads the topology of the CPUs from sysfs, or from /proc/cpuinfo where sysfs has none.
#include "machine/topology.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "base/cpu_list.hpp"

namespace ridgeline::machine {
namespace {

constexpr const char* kCpuRoot = "sys/devices/system/cpu";

std::vector<int> cpu_list_of(const Tree& tree, const std::string& path) {
  const auto text = tree.text(path);
  if (!text) return {};
  auto cpus = parse_cpu_list(*text);
  return cpus ? std::move(cpus).value() : std::vector<int>{};
}

// The logical CPUs that /proc/cpuinfo lists, with its physical and core ids where it has them.
std::vector<LogicalCpu> cpus_of_cpuinfo(const Tree& tree) {
  std::vector<LogicalCpu> cpus;
  std::map<std::pair<int, std::int64_t>, int> first_of_core;
  const std::string text = tree.text("proc/cpuinfo").value_or("");
  for (const std::string_view line : split_lines(text)) {
    const auto pair = key_value(line);
    if (!pair) continue;
    const auto value = parse_integer(pair->second);
    if (!value || *value < 0 || *value > kMaxCpu) continue;
    const int number = static_cast<int>(*value);
    if (pair->first == "processor") cpus.push_back({.id = number, .core = number});
    if (cpus.empty()) continue;
    if (pair->first == "physical id") cpus.back().socket = number;
    if (pair->first == "core id") {
      const auto key = std::pair(cpus.back().socket, *value);
      cpus.back().core = first_of_core.try_emplace(key, cpus.back().id).first->second;
    }
  }
  return cpus;
}

std::vector<LogicalCpu> cpus_of_sysfs(const Tree& tree) {
  std::vector<LogicalCpu> cpus;
  for (const int id : cpu_list_of(tree, fmt::format("{}/online", kCpuRoot))) {
    const std::string topology = fmt::format("{}/cpu{}/topology", kCpuRoot, id);
    // Core ids repeat between dies and clusters; the list of siblings does not.
    const auto siblings = cpu_list_of(tree, topology + "/thread_siblings_list");
    if (siblings.empty()) return {};
    LogicalCpu cpu{.id = id, .core = siblings.front()};
    // Some Arm kernels say -1 for "unknown": one socket then.
    const auto socket = tree.integer(topology + "/physical_package_id");
    cpu.socket = socket && *socket > 0 && *socket <= kMaxCpu ? static_cast<int>(*socket) : 0;
    cpu.capacity = tree.integer(fmt::format("{}/cpu{}/cpu_capacity", kCpuRoot, id));
    cpus.push_back(cpu);
  }
  return cpus;
}

void count_cores(Cpu& cpu) {
  std::set<int> sockets;
  std::map<int, int> threads_of_core;
  for (const LogicalCpu& logical : cpu.logical) {
    sockets.insert(logical.socket);
    cpu.threads_per_core = std::max(cpu.threads_per_core, ++threads_of_core[logical.core]);
  }
  cpu.sockets = static_cast<int>(sockets.size());
  cpu.physical_cores = static_cast<int>(threads_of_core.size());
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  std::uint64_t unit = 1;
  if (!text.empty() && text.back() == 'K') unit = 1ull << 10;
  if (!text.empty() && text.back() == 'M') unit = 1ull << 20;
  if (unit > 1) text.remove_suffix(1);
  const auto value = parse_integer(text);
  if (!value || *value <= 0 || *value > (1ll << 40)) return std::nullopt;
  return static_cast<std::uint64_t>(*value) * unit;
}

std::string cache_type(std::string_view kernel_name) {
  if (kernel_name == "Data") return "data";
  if (kernel_name == "Instruction") return "instruction";
  return "unified";
}

void read_caches(const Tree& tree, Cpu& cpu) {
  // (level, type, size, sharers) → the distinct sets of CPUs that share one such cache.
  std::map<std::tuple<int, std::string, std::uint64_t, int>, std::set<std::string>> groups;
  for (const LogicalCpu& logical : cpu.logical) {
    for (int index = 0; index < 16; ++index) {
      const std::string folder = fmt::format("{}/cpu{}/cache/index{}", kCpuRoot, logical.id, index);
      const auto level = tree.integer(folder + "/level");
      if (!level) break;
      const auto bytes = parse_size(tree.text(folder + "/size").value_or(""));
      if (!bytes || *level < 1 || *level > 9) continue;
      const auto sharers = tree.text(folder + "/shared_cpu_list").value_or("");
      const auto cpus = parse_cpu_list(sharers);
      const int shared_by = cpus && !cpus->empty() ? static_cast<int>(cpus->size()) : 1;
      const std::string type = cache_type(tree.text(folder + "/type").value_or(""));
      const bool known = cpus && !cpus->empty();
      groups[{static_cast<int>(*level), type, *bytes, shared_by}].insert(
          known ? sharers : fmt::format("{}", logical.id));
    }
  }
  for (const auto& [key, sets] : groups) {
    const auto& [level, type, bytes, shared_by] = key;
    cpu.caches.push_back({level, type, bytes, shared_by, static_cast<int>(sets.size())});
  }
}

std::optional<std::uint64_t> node_memory(const Tree& tree, const std::string& folder) {
  const std::string text = tree.text(folder + "/meminfo").value_or("");
  for (const std::string_view line : split_lines(text)) {
    const auto at = line.find("MemTotal:");
    if (at == std::string_view::npos) continue;
    std::string_view value = trim(line.substr(at + 9));
    if (value.size() > 3 && value.substr(value.size() - 3) == " kB") value.remove_suffix(3);
    const auto kib = parse_integer(trim(value));
    if (kib && *kib >= 0 && *kib < (1ll << 50)) return static_cast<std::uint64_t>(*kib) << 10;
  }
  return std::nullopt;
}

void read_nodes(const Tree& tree, Cpu& cpu) {
  for (const int id : cpu_list_of(tree, "sys/devices/system/node/online")) {
    const std::string folder = fmt::format("sys/devices/system/node/node{}", id);
    NumaNode node{.id = id,
                  .cpus = cpu_list_of(tree, folder + "/cpulist"),
                  .memory_bytes = node_memory(tree, folder)};
    for (LogicalCpu& logical : cpu.logical) {
      if (std::binary_search(node.cpus.begin(), node.cpus.end(), logical.id)) logical.node = id;
    }
    cpu.nodes.push_back(std::move(node));
  }
}

}  // namespace

void read_topology(const Tree& tree, bool is_virtual, Cpu& cpu, std::vector<Missing>& missing) {
  cpu.logical = cpus_of_sysfs(tree);
  if (cpu.logical.empty()) cpu.logical = cpus_of_cpuinfo(tree);
  if (cpu.logical.empty()) {
    missing.push_back({"cpu.logical_cpus",
                       fmt::format("neither /{} nor /proc/cpuinfo lists processors", kCpuRoot),
                       "mount -t proc proc /proc && mount -t sysfs sysfs /sys"});
  }
  count_cores(cpu);
  read_caches(tree, cpu);
  read_nodes(tree, cpu);
  if (cpu.caches.empty()) {
    missing.push_back(
        {"cpu.caches",
         is_virtual ? "virtual machine: the hypervisor does not describe the caches"
                    : tree.why(fmt::format("{}/cpu0/cache", kCpuRoot)),
         is_virtual || !tree.exists("sys/class/dmi/id") ? "" : "sudo dmidecode -t cache"});
  }
  if (cpu.nodes.empty()) {
    missing.push_back({"cpu.numa_nodes", tree.why("sys/devices/system/node/online"), ""});
  }
}

}  // namespace ridgeline::machine
