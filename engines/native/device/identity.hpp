// Which accelerators this process would use, in the order in which it counts them.
#pragma once

#include "base/json.hpp"

namespace ridgeline::native {

/// [{"kind","ordinal","name"}], the CPU first; of CUDA devices also "uuid" ("GPU-…"),
/// "pci_address" and "memory" (B), read from the driver without creating a context. The order is
/// CUDA's, after CUDA_VISIBLE_DEVICES. Without a driver only the CPU. The driver is asked once.
Json list_devices();

}  // namespace ridgeline::native
