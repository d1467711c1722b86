// GPUs and other accelerators on the PCI bus.
#pragma once

#include "machine/machine.hpp"
#include "machine/tree.hpp"

namespace ridgeline::machine {

/// One entry for each PCI device of class 0x03 (display) or 0x12 (processing accelerator),
/// ascending by address. Virtual functions are counted at their parent. What is absent is explained
/// under "accelerators[i].field".
std::vector<Accelerator> read_accelerators(const Tree& tree, std::vector<Missing>& missing);

}  // namespace ridgeline::machine
