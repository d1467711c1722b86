// One window of the energy pass: what each meter says about it, per call.
#pragma once

#include <vector>

#include "base/json.hpp"
#include "measure/instruments.hpp"
#include "measure/phase_run.hpp"

namespace ridgeline::measure {

/// The energy of a run of calls. `window` is the part of it that counts (its begin is later than
/// the first call: power rises first). `series` are those of `plan`, read around the whole run.
///
/// {"seconds","calls","busy_share","joules","bound","seconds_per_call","method","peak_watts",
///  "meters":{"<id>":{"method","seconds","calls","joules","bound","peak_watts","cross_check",
///  "had_reset","note"} or
///  {"reason"}},"state":{"<id>":{"kind","scope","start","end","mean","max"}}}
/// `joules`, `bound` and `seconds_per_call` are of one call, summed over the primary meters; each
/// meter counts the calls of its own span, from tick to tick. When a primary meter has nothing,
/// `joules` is null and `reason` says why. Of throttle times, `start` is 0 and `end` the rise.
Json energy_trial(const std::vector<CalibratedMeter>& meters, const ChannelPlan& plan,
                  const std::vector<telemetry::Series>& series,
                  const std::vector<protocol::SampleRow>& calls, const telemetry::Span& window);

}  // namespace ridgeline::measure
