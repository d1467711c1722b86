// The processor: identity, instruction set, clocks.
#pragma once

#include "machine/machine.hpp"
#include "machine/tree.hpp"

namespace ridgeline::machine {

/// Reads /proc/cpuinfo, topology, caches, NUMA nodes and frequency settings; what is absent is
/// added to `missing`. `is_virtual` only shapes the reasons.
Cpu read_cpu(const Tree& tree, bool is_virtual, std::vector<Missing>& missing);

/// True when a processor flag of /proc/cpuinfo says that a hypervisor is below (x86 only).
bool has_hypervisor_flag(const Tree& tree);

}  // namespace ridgeline::machine
