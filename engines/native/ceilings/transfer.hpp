// Bandwidth between the host's memory and an accelerator's.
#pragma once

#include "base/error.hpp"
#include "engines/native/ceilings/host/ceiling.hpp"
#include "engines/native/ceilings/request.hpp"

namespace ridgeline::native::ceilings {

/// Kinds kHostToDevice and kDeviceToHost, from or to pinned or pageable memory. Without `bytes`:
/// 512 MiB, less where memory is short.
Result<Ceiling> transfer_bandwidth(const Request& request);

}  // namespace ridgeline::native::ceilings
