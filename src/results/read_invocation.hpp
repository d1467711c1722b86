// Reads invocations back, for resuming a run.
#pragma once

#include <string_view>

#include "base/error.hpp"
#include "base/json.hpp"
#include "results/record.hpp"

namespace ridgeline::results {

/// What to_json(Invocation) wrote; `what` names it in errors.
Result<Invocation> invocation_from_json(const Json& json, std::string_view what);

}  // namespace ridgeline::results
