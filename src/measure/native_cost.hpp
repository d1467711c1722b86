// FLOPs and bytes of cases whose own engine counts none: the native engine's ledger knows them from
// shapes alone.
#pragma once

#include <string>
#include <vector>

#include "base/interrupt.hpp"
#include "measure/case_state.hpp"
#include "measure/configuration.hpp"

namespace ridgeline::measure {

/// Asks a native worker for the cost of each case of `states` whose facts have a `cost_reason` and
/// no `cost_engine` (its own engine could not say), and puts the answer into the facts: `cost`, and
/// "native" as `cost_engine`; or, when native does not know either, why as `cost_reason`. The
/// worker is started once for all of them and loads no weights. No other worker may be alive.
///
/// Sizes are those that the case's own engine worked on, so texts count with their real length.
/// Error: interrupted.
Status add_native_costs(const Configuration& configuration, const std::vector<CaseState*>& states,
                        const Interrupt* interrupt);

/// The workload of a `cost` request: what was asked for, with the sizes that the engine made of it
/// in place of texts, pictures and sounds. Exposed for tests.
Result<Json> cost_workload(const Workload& asked, const Json& actual);

}  // namespace ridgeline::measure
