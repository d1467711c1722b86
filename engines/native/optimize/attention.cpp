// Knob `attention`: which implementation of attention runs, checked against the planned shapes.
#include <ATen/ops/empty.h>
#include <fmt/format.h>

#include "engines/native/optimize/knobs.hpp"

namespace ridgeline::native {
namespace {

// The kernel that ran for each kind of attention in the model; "flash" or "flash+math".
std::string kernels_that_run(const KnobContext& context, ops::AttentionKernel kernel) {
  std::string names;
  for (const Model::AttentionProbe& probe : context.model->attention_probes(*context.inputs)) {
    const auto options = at::TensorOptions().dtype(context.dtype).device(context.device);
    const at::Tensor query = at::empty(probe.query, options);
    const at::Tensor key = at::empty(probe.key, options);
    at::Tensor mask;
    if (probe.mask) {
      mask = at::empty({probe.query[0], 1, 1, probe.key[2]},
                       at::TensorOptions().dtype(at::kBool).device(context.device));
    }
    const std::string name(ops::attention_kernel_name(query, key, key, mask,
                                                      {.kernel = kernel, .causal = probe.causal}));
    if (names.find(name) == std::string::npos) names += (names.empty() ? "" : "+") + name;
  }
  return names;
}

}  // namespace

Result<KnobOutcome> apply_attention(KnobContext& context) {
  KnobOutcome outcome;
  if (context.value == "math") {
    context.run_options->attention = ops::AttentionKernel::kMath;
    outcome = {true, "math", ""};
  } else if (context.value == "auto" || context.value == "flash") {
    context.run_options->attention = ops::AttentionKernel::kAuto;
    outcome.value = kernels_that_run(context, ops::AttentionKernel::kAuto);
    outcome.applied = context.value == "auto" || outcome.value == "flash";
    if (!outcome.applied) {
      outcome.reason =
          fmt::format("torch runs '{}' for this device, dtype and shape", outcome.value);
    }
  } else {
    return bad_input(fmt::format("attention '{}' is unknown", context.value),
                     "use auto, flash or math");
  }
  return outcome;
}

}  // namespace ridgeline::native
