// Knob `towers`: whether encoders that do not depend on each other run on two streams.
#include <fmt/format.h>

#include "engines/native/models/towers.hpp"
#include "engines/native/optimize/knobs.hpp"

namespace ridgeline::native {

Result<KnobOutcome> apply_towers(KnobContext& context) {
  if (context.value != "auto" && context.value != "serial" && context.value != "parallel") {
    return bad_input(fmt::format("towers '{}' is unknown", context.value),
                     "use auto, serial or parallel");
  }
  KnobOutcome outcome{.applied = context.value == "serial", .value = "serial", .reason = {}};
  if (outcome.applied) return outcome;
  const auto* towers = dynamic_cast<const IndependentTowers*>(context.model);
  if (towers == nullptr || !towers->has_independent_towers()) {
    outcome.reason = "this model has no two encoders that could run side by side";
  } else if (!context.device.is_cuda()) {
    outcome.reason = "only accelerators have streams: threads share the work of each operation";
  } else {
    context.run_options->parallel_towers = true;
    outcome = {.applied = true, .value = "parallel", .reason = {}};
  }
  return outcome;
}

}  // namespace ridgeline::native
