// Where the time of a phase goes, op by op: the `profile` reply.
#pragma once

#include "base/error.hpp"
#include "base/json.hpp"
#include "engines/native/device/backend.hpp"
#include "engines/native/models/model.hpp"

namespace ridgeline::native {

/// Calls the phase, op by op, for about `seconds` (at least once, after a call that does not count)
/// and stamps each op at its begin and end: by the device's own events, on the CPU by its clock.
/// An op within another one counts for itself alone.
///
///   {"calls": counted calls of the phase, "seconds": mean of a call,
///    "ops": [{"op", "class", "dtype", "calls": of one call of the phase, "seconds": mean of a
///             call}], "note": text or null}
///
/// Stamps cost time, and on a device each op is launched by itself: a pass of its own, never a
/// timed one. `recorded`: what is timed is a graph of it. An error of class unsupported when the
/// phase runs no ops of their own (fused kernels).
Result<Json> profile_ops(const Phase& phase, DeviceBackend& backend, double seconds, bool recorded);

}  // namespace ridgeline::native
