// Which CPUs share a core, and which a memory node: what placing threads needs to know.
#pragma once

#include <string>
#include <vector>

namespace ridgeline::native {

/// One CPU of each physical core among `cpus`, the lowest; a CPU whose siblings cannot be read
/// counts as a core. `root` is "/" except in tests.
std::vector<int> one_cpu_a_core(const std::vector<int>& cpus, const std::string& root = "/");

/// Memory nodes that `cpus` belong to, ascending; empty when the system does not tell.
std::vector<int> nodes_of(const std::vector<int>& cpus, const std::string& root = "/");

/// Memory nodes of the machine that are online, ascending; empty when the system does not tell.
std::vector<int> online_nodes(const std::string& root = "/");

}  // namespace ridgeline::native
