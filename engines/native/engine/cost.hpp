// The ledger of a workload, from shapes alone.
#pragma once

#include "base/error.hpp"
#include "base/json.hpp"
#include "engines/native/engine/loaded_model.hpp"

namespace ridgeline::native {

/// The `cost` reply: every phase of the workload with its FLOPs, bytes, ops and memory. Runs the
/// model on meta tensors, so it takes milliseconds whatever the size. `inputs` gives the shapes
/// when a workload was planned already (texts); else they come from `workload`. `int8_weights`:
/// with the weights of products in 8 bits. `packed_bytes`: of a second layout of weights that a
/// knob made.
///
/// "memory" of a phase has the parts that PlannedWorkload::memory() tracks in a real run, in bytes:
/// weights, packed, cache, inputs, outputs, activations (the most that lives at once during a call,
/// outputs included), and peak, the sum of all but the outputs. "measured" is false for a forward
/// pass that `ridgeline run` does not time, "items" what a call works on. Beside the phases stand
/// "inputs" (shapes by name), "product_weight_bytes", which a second layout of them would take, and
/// "int8_weights".
Result<Json> cost_of(const ResolvedModel& resolved, at::ScalarType dtype, const Workload& workload,
                     const NamedTensors* inputs, bool int8_weights, std::int64_t packed_bytes = 0);

}  // namespace ridgeline::native
