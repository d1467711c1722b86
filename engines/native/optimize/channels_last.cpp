// Knob `channels_last`: weights of convolutions with their channels side by side in memory. The
// activations then follow.
#include "engines/native/optimize/switch_value.hpp"

namespace ridgeline::native {
namespace {

std::string why_not(const KnobContext& context) {
  bool any = false;
  context.declarations->change_convolution_weights(
      [&](at::Tensor& weight) { any |= weight.defined(); });
  if (!any) {
    return "this model has no convolution: patches of images are cut out and multiplied, in an "
           "order of their own";
  }
  if (!context.device.is_cuda()) return "only convolutions on CUDA gain by it";
  if (context.value == "auto" && context.dtype == at::kFloat) {
    return "convolutions in float32 do not run on tensor cores, which want this layout: "
           "channels_last=on tries it";
  }
  return "";
}

}  // namespace

Result<KnobOutcome> apply_channels_last(KnobContext& context) {
  RIDGELINE_CHECK(check_switch(context, "channels_last"));
  KnobOutcome outcome{.applied = context.value == "off", .value = "off", .reason = {}};
  if (outcome.applied) return outcome;
  outcome.reason = why_not(context);
  if (!outcome.reason.empty()) return outcome;
  context.declarations->change_convolution_weights([](at::Tensor& weight) {
    // [O, C, ...] → memory in the order [O, ..., C].
    if (weight.defined()) weight = weight.movedim(1, -1).contiguous().movedim(-1, 1);
  });
  return KnobOutcome{true, "on", ""};
}

}  // namespace ridgeline::native
