// Read, write, copy and triad bandwidth of an accelerator's memory.
#pragma once

#include "base/error.hpp"
#include "engines/native/ceilings/host/ceiling.hpp"
#include "engines/native/ceilings/request.hpp"

namespace ridgeline::native::ceilings {

/// The best of our own kernels, compiled for the device when asked, and of torch's copy_ and fill_.
/// Without `bytes` the working set is 8 GiB, or a quarter of the free memory where that is less.
/// What each kernel computed is checked before it is timed.
Result<Ceiling> device_bandwidth(const Request& request);

}  // namespace ridgeline::native::ceilings
