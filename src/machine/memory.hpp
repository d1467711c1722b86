// Main memory, its limits and how the kernel pages it.
#pragma once

#include "machine/machine.hpp"
#include "machine/tree.hpp"

namespace ridgeline::machine {

/// Reads /proc/meminfo, the cgroup limit and the huge page mode; explains what is absent.
Memory read_memory(const Tree& tree, std::vector<Missing>& missing);

}  // namespace ridgeline::machine
