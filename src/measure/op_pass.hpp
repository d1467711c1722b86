// The pass that asks an engine where the time of each phase goes, op by op.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"
#include "measure/phase_run.hpp"
#include "protocol/client.hpp"

namespace ridgeline::measure {

/// {"<phase>": {"calls","seconds","ops":[{"op","class","dtype","calls","seconds"}],"note"} or
/// {"reason","enable"}} of the worker's planned phases, by its message `profile`: each for a few
/// calls, at most about a second. Phases that the host takes part in, that emit several tokens or
/// take long, are left out, with the reason. The timing stands whatever happens here; only an
/// interrupt is an error.
Result<Json> op_pass(protocol::Worker& worker, const std::vector<PhaseToRun>& phases);

}  // namespace ridgeline::measure
