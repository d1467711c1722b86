// Knob `stream_priority`: the stream that the engine's work on an accelerator goes to.
#include <fmt/format.h>

#include "engines/native/device/backend.hpp"
#include "engines/native/optimize/knobs.hpp"

namespace ridgeline::native {

Result<KnobOutcome> apply_stream_priority(KnobContext& context) {
  if (context.value != "auto" && context.value != "high" && context.value != "normal") {
    return bad_input(fmt::format("stream_priority '{}' is unknown", context.value),
                     "use auto, high or normal");
  }
  // A stream of its own in any case: the default one waits for others, and cannot be recorded.
  const bool high = context.value != "normal";
  const Status done =
      backend_of(context.device).use_stream(high ? StreamPriority::kHigh : StreamPriority::kNormal);
  if (!done) return KnobOutcome{false, "none", done.error().message};
  return KnobOutcome{true, high ? "high" : "normal", ""};
}

}  // namespace ridgeline::native
