// The system around the processor: operating system, virtualization, board, load.
#pragma once

#include "machine/machine.hpp"
#include "machine/tree.hpp"

namespace ridgeline::machine {

/// Kernel and distribution; the host name is left out on purpose.
Os read_os(const Tree& tree, std::vector<Missing>& missing);

/// Virtual machine and container, from processor flags, DMI, the device tree, the clock source and
/// the marks that container managers leave.
Virtualization read_virtualization(const Tree& tree);

/// "Dell Inc. PowerEdge R760" of DMI or the model of the device tree.
std::optional<std::string> read_board(const Tree& tree);

std::optional<LoadAverage> read_load(const Tree& tree);

}  // namespace ridgeline::machine
