// Knob `attention`: which implementation of attention runs, checked against the planned shapes and
// on CUDA timed on them.
#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <array>
#include <optional>

#include "engines/native/optimize/attention_trial.hpp"
#include "engines/native/optimize/knobs.hpp"

namespace ridgeline::native {
namespace {

using ops::AttentionKernel;

std::optional<AttentionKernel> kernel_from(std::string_view name) {
  constexpr std::array kAll = {AttentionKernel::kAuto, AttentionKernel::kFlash,
                               AttentionKernel::kCudnn, AttentionKernel::kEfficient,
                               AttentionKernel::kMath};
  for (const AttentionKernel kernel : kAll) {
    if (ops::name_of(kernel) == name) return kernel;
  }
  return std::nullopt;
}

std::vector<AttentionInputs> inputs_of(const KnobContext& context) {
  std::vector<AttentionInputs> all;
  for (const Model::AttentionProbe& probe : context.model->attention_probes(*context.inputs)) {
    all.push_back(attention_inputs(probe, context.dtype, context.device));
  }
  return all;
}

// The implementation that runs for each kind of attention in the model; "flash" or
// "flash+efficient".
std::string names_of(const std::vector<AttentionInputs>& all, const ops::AttentionChoice& choice) {
  std::string names;
  for (const AttentionInputs& in : all) {
    const std::string name(ops::attention_kernel_name(in.query, in.key, in.value, in.mask,
                                                      {.kernel = choice, .causal = in.causal}));
    if (names.find(name) == std::string::npos) names += (names.empty() ? "" : "+") + name;
  }
  return names;
}

// The fastest for each kind of attention.
ops::AttentionChoice timed_choice(const std::vector<AttentionInputs>& all, double bound) {
  ops::AttentionChoice::Table table;
  for (const AttentionInputs& in : all) {
    const std::vector<AttentionTrial> trials = try_attention(in);
    const std::string_view own =
        ops::attention_kernel_name(in.query, in.key, in.value, in.mask, {.causal = in.causal});
    table.emplace_back(in.call(), best_of(trials, own, bound));
  }
  return ops::AttentionChoice(std::move(table));
}

}  // namespace

Result<KnobOutcome> apply_attention(KnobContext& context) {
  const std::optional<AttentionKernel> asked = kernel_from(context.value);
  if (!asked) {
    return bad_input(fmt::format("attention '{}' is unknown", context.value),
                     "use auto, flash, cudnn, efficient or math");
  }
  ops::AttentionChoice& choice = context.run_options->attention;
  choice = *asked;
  KnobOutcome outcome{.applied = true, .value = std::string(context.value), .reason = {}};
  if (*asked == AttentionKernel::kMath) return outcome;
  const std::vector<AttentionInputs> all = inputs_of(context);
  if (*asked == AttentionKernel::kAuto && context.device.is_cuda()) {
    try {
      choice = timed_choice(all, attention_bound(context.dtype));
    } catch (const c10::Error& error) {
      outcome.reason = fmt::format("not timed: {}", error.what_without_backtrace());
      outcome.reason.resize(std::min(outcome.reason.find('\n'), outcome.reason.size()));
    }
  }
  outcome.value = names_of(all, choice);
  outcome.applied = *asked == AttentionKernel::kAuto || outcome.value == context.value;
  if (!outcome.applied) {
    outcome.reason = fmt::format("torch runs '{}' for this device, dtype and shape", outcome.value);
  }
  return outcome;
}

}  // namespace ridgeline::native
