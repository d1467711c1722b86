// The ledger of a workload, from shapes alone.
#pragma once

#include "base/error.hpp"
#include "base/json.hpp"
#include "engines/native/engine/loaded_model.hpp"

namespace ridgeline::native {

/// The `cost` reply: every phase of the workload with its FLOPs, bytes and ops. Runs the model on
/// meta tensors, so it takes milliseconds whatever the size. `inputs` gives the shapes when a
/// workload was planned already (texts); else they come from `workload`. `int8_weights`: with the
/// weights of products in 8 bits.
Result<Json> cost_of(const ResolvedModel& resolved, at::ScalarType dtype, const Workload& workload,
                     const NamedTensors* inputs, bool int8_weights);

}  // namespace ridgeline::native
