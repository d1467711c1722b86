// The message "probe": one ceiling of one device, at one working set.
#pragma once

#include "base/error.hpp"
#include "base/json.hpp"
#include "protocol/timed_loop.hpp"

namespace ridgeline::native {

/// Answers {"kind", "device", "dtype", "bytes", "size", "threads", "cores", "pinned", "seconds"}
/// with
/// {"value", "unit", "median", "samples", "seconds", "kernel", …}: docs/measuring.md has both.
Result<Json> probe(const Json& fields, protocol::Progress& progress);

}  // namespace ridgeline::native
