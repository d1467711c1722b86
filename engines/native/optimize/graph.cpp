// Knob `graph`: phases recorded once and handed over whole.
#include <fmt/format.h>

#include "engines/native/optimize/knobs.hpp"

namespace ridgeline::native {

Result<KnobOutcome> apply_graph(KnobContext& context) {
  if (context.value != "auto" && context.value != "on" && context.value != "off") {
    return bad_input(fmt::format("graph '{}' is unknown", context.value), "use auto, on or off");
  }
  if (context.value == "off") return KnobOutcome{true, "off", ""};
  if (context.execution == nullptr) return KnobOutcome{false, "off", "one call is not recorded"};
  // What becomes of it shows when the phases are there.
  context.execution->record = true;
  return KnobOutcome{true, "on", ""};
}

}  // namespace ridgeline::native
