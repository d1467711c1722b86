// Reading /sys/devices/system.
#include "engines/native/optimize/topology.hpp"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>

#include "base/cpu_list.hpp"
#include "base/file.hpp"

namespace ridgeline::native {
namespace {

constexpr std::uint64_t kLongestList = 1 << 16;

// The list of numbers in a file of /sys; empty when there is none.
std::vector<int> list_in(const std::string& path) {
  auto text = read_text_file(path, kLongestList);
  if (!text) return {};
  while (!text->empty() && text->back() == '\n') text->pop_back();
  const auto numbers = parse_cpu_list(*text);
  return numbers ? *numbers : std::vector<int>();
}

}  // namespace

std::vector<int> one_cpu_a_core(const std::vector<int>& cpus, const std::string& root) {
  std::vector<int> first_of_cores;
  for (const int cpu : cpus) {
    const std::vector<int> siblings = list_in(
        fmt::format("{}sys/devices/system/cpu/cpu{}/topology/thread_siblings_list", root, cpu));
    // A core is taken when a lower one of its CPUs is among those that may be used.
    const bool taken = std::any_of(siblings.begin(), siblings.end(), [&](int sibling) {
      return sibling < cpu && std::binary_search(cpus.begin(), cpus.end(), sibling);
    });
    if (!taken) first_of_cores.push_back(cpu);
  }
  return first_of_cores;
}

std::vector<int> online_nodes(const std::string& root) {
  return list_in(root + "sys/devices/system/node/online");
}

std::vector<int> nodes_of(const std::vector<int>& cpus, const std::string& root) {
  std::vector<int> nodes;
  for (const int node : online_nodes(root)) {
    const std::vector<int> own =
        list_in(fmt::format("{}sys/devices/system/node/node{}/cpulist", root, node));
    const bool used = std::any_of(own.begin(), own.end(), [&](int cpu) {
      return std::binary_search(cpus.begin(), cpus.end(), cpu);
    });
    if (used) nodes.push_back(node);
  }
  return nodes;
}

}  // namespace ridgeline::native
