// Knob `cudnn_benchmark`: whether cuDNN tries its algorithms when a convolution has a new shape.
#include <ATen/Context.h>

#include "engines/native/optimize/switch_value.hpp"

namespace ridgeline::native {
namespace {

std::string why_not(const KnobContext& context) {
  if (!context.device.is_cuda()) return "only CUDA devices have cuDNN";
  if (!at::Context::hasCuDNN()) return "this torch build has no cuDNN";
  bool any = false;
  context.declarations->change_convolution_weights([&](at::Tensor&) { any = true; });
  return any ? "" : "this model has no convolution";
}

}  // namespace

Result<KnobOutcome> apply_cudnn_benchmark(KnobContext& context) {
  RIDGELINE_CHECK(check_switch(context, "cudnn_benchmark"));
  KnobOutcome outcome{.applied = context.value == "off", .value = "off", .reason = {}};
  if (!outcome.applied) outcome.reason = why_not(context);
  const bool on = !outcome.applied && outcome.reason.empty();
  // A process may load one model after another.
  if (context.device.is_cuda()) at::globalContext().setBenchmarkCuDNN(on);
  if (on) outcome = {.applied = true, .value = "on", .reason = {}};
  return outcome;
}

}  // namespace ridgeline::native
