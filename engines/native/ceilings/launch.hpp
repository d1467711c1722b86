// What it costs to start the smallest piece of work.
#pragma once

#include "base/error.hpp"
#include "engines/native/ceilings/host/ceiling.hpp"
#include "engines/native/ceilings/request.hpp"

namespace ridgeline::native::ceilings {

/// On an accelerator: seconds from one launch of an empty kernel to the next when they stand in a
/// row, and `round_trip`, a launch and the wait for its end. On the CPU: one addition of one
/// element by ATen, which has no round trip. `value` and `median` are the median; less is better.
Result<Ceiling> launch_latency(const Request& request);

}  // namespace ridgeline::native::ceilings
