// How the logical CPUs hang together: sockets, cores, caches, NUMA nodes.
#pragma once

#include "machine/machine.hpp"
#include "machine/tree.hpp"

namespace ridgeline::machine {

/// Fills the sockets, cores, caches and nodes of `cpu` from sysfs; what is absent is explained in
/// `missing`.
void read_topology(const Tree& tree, bool is_virtual, Cpu& cpu, std::vector<Missing>& missing);

}  // namespace ridgeline::machine
