// Knob `fused`: decoding steps that do everything between two products inside them.
#include <fmt/format.h>

#include "engines/native/optimize/knobs.hpp"

namespace ridgeline::native {

namespace {

// A step that is slower by this factor is not taken. Below it the two are alike (neighbouring steps
// of a virtual machine differ by a tenth), and a run whose processes chose now this and now that
// one would mix them.
constexpr double kClearlySlower = 1.1;

}  // namespace

Result<KnobOutcome> apply_fused(KnobContext& context) {
  if (context.value != "auto" && context.value != "on" && context.value != "off") {
    return bad_input(fmt::format("fused '{}' is unknown", context.value), "use auto, on or off");
  }
  KnobOutcome outcome{.applied = context.value == "off", .value = "off", .reason = {}};
  if (outcome.applied) return outcome;
  const auto trial = context.model->try_fused(*context.inputs);
  if (!trial) {
    outcome.reason = trial.error().message;
    return outcome;
  }
  const std::string figures = fmt::format(
      "a step takes {:.3f} ms and the plain one {:.3f} ms; logits differ by {:.1e} of the largest",
      1e-6 * trial->fused_ns, 1e-6 * trial->plain_ns, trial->error);
  // Written so that NaN fails.
  if (!(trial->error <= trial->bound)) {
    outcome.reason = fmt::format("{}, {:.1e} are allowed", figures, trial->bound);
    return outcome;
  }
  if (context.value == "auto" && trial->ratio >= kClearlySlower) {
    outcome.reason = figures;
    return outcome;
  }
  context.run_options->fused_decode = true;
  return KnobOutcome{.applied = true, .value = "on", .reason = figures};
}

}  // namespace ridgeline::native
