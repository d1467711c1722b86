// Sums of ops.
#include "study/predict_model.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "analysis/limit.hpp"

namespace ridgeline::study {
namespace {

// engines/native/fused: products of heads, output, gate and down, and attention; then the embedding
// with the first norm, and the logits.
constexpr double kFusedKernelsOfLayer = 5;
constexpr double kFusedKernelsMore = 2;

bool has_op(const PhaseWork& phase, std::string_view op) {
  return std::any_of(phase.ops.begin(), phase.ops.end(),
                     [&](const OpWork& one) { return one.op == op; });
}

double calls_of_class(const PhaseWork& phase, std::string_view op_class) {
  double calls = 0;
  for (const OpWork& op : phase.ops) {
    if (op.op_class == op_class) calls += op.calls;
  }
  return calls;
}

// The step of a gated decoder for one sequence: what the fused kernels take.
bool is_fusible_step(const PhaseWork& phase) {
  return phase.items_of("token") == 1 && has_op(phase, "rotate") && has_op(phase, "rms_norm") &&
         has_op(phase, "gated");
}

double kernels_of_step(const PhaseWork& step, const Execution& execution) {
  if (!execution.accelerator || !execution.fused || !is_fusible_step(step)) return step.calls();
  return kFusedKernelsOfLayer * calls_of_class(step, "attention") + kFusedKernelsMore;
}

// Shares of these rates, which may be others than those that the constants count from.
struct Reached {
  double compute;
  double memory;
};

Reached reached_of(const DeviceRates& rates, const TimeConstants& constants) {
  Reached reached{constants.compute, constants.memory};
  if (rates.basis == constants.basis) return reached;
  const double compute = constants.ceiling_compute.value_or(1);
  const double memory = constants.ceiling_memory.value_or(1);
  if (rates.basis == Basis::kMeasured) {
    return {std::min(1.0, reached.compute / compute), std::min(1.0, reached.memory / memory)};
  }
  return {reached.compute * compute, reached.memory * memory};
}

}  // namespace

std::string_view name_of(Basis basis) {
  return basis == Basis::kMeasured ? "measured" : "datasheet";
}

double kernels_of(const ModelWork& work, const PhaseWork& phase, const Execution& execution) {
  if (!execution.accelerator) return phase.calls();
  if (phase.name == "decode") return kernels_of_step(phase, execution);
  if (phase.name == kHostDriven) {
    const PhaseWork* step = work.find("decode");
    const double rows = phase.items_of("sequence");
    if (step == nullptr || rows <= 0) return phase.calls();
    // The first token comes from the prompt.
    const double steps = phase.items_of("token") / rows - 1;
    return phase.calls() - steps * (step->calls() - kernels_of_step(*step, execution));
  }
  const PhaseWork* image = work.find("encode_image");
  const PhaseWork* text = work.find("encode_text");
  if (phase.name == "forward" && image != nullptr && text != nullptr && execution.two_streams) {
    return phase.calls() - std::min(image->calls(), text->calls());
  }
  return phase.calls();
}

Result<PhaseTime> predict_phase(const ModelWork& work, const PhaseWork& phase,
                                const DeviceRates& rates, const TimeConstants& constants,
                                const Execution& execution) {
  const Reached reached = reached_of(rates, constants);
  PhaseTime time;
  double least_compute = 0;
  for (const OpWork& op : phase.ops) {
    double compute = 0;
    if (op.flops > 0) {
      const auto rate = rates.flops.find(op.dtype);
      if (rate == rates.flops.end()) {
        return unsupported(fmt::format("no rate of {} products is known", op.dtype));
      }
      compute = op.flops / (reached.compute * rate->second);
      least_compute += op.flops / rate->second;
    }
    const double memory = op.bytes / (reached.memory * rates.bytes);
    (compute > memory ? time.compute : time.memory) += std::max(compute, memory);
  }
  const double kernels = kernels_of(work, phase, execution);
  time.kernels = kernels * constants.kernel_seconds;
  const double device = time.compute + time.memory + time.kernels;
  const bool is_recorded = execution.recorded && phase.name != kHostDriven;
  if (execution.accelerator && !is_recorded) {
    time.host = std::max(0.0, kernels * constants.launch_seconds - device);
  }
  if (phase.flops > 0) least_compute *= phase.flops_minimum / phase.flops;
  time.low = std::max(least_compute, phase.bytes / rates.bytes);
  time.central = std::max(device + time.host, time.low);
  return time;
}

Limit limit_of(const PhaseTime& time, bool fits) {
  if (!fits) return {"capacity", {}};
  std::vector<std::pair<double, std::string>> parts = {{time.compute, "compute"},
                                                       {time.memory, "memory"},
                                                       {time.kernels, "kernels"},
                                                       {time.host, "host"}};
  std::sort(parts.begin(), parts.end(),
            [](const auto& a, const auto& b) { return a.first > b.first; });
  double sum = 0;
  for (const auto& [seconds, id] : parts) sum += seconds;
  if (sum <= 0) return {"unknown", {}};
  if (parts.front().first >= analysis::kLeads * sum) return {parts.front().second, {}};
  Limit mixed{"mixed", {}};
  for (const auto& [seconds, id] : parts) {
    if (seconds * analysis::kMixed >= parts.front().first) mixed.among.push_back(id);
  }
  if (mixed.among.size() < 2) mixed.among.push_back(parts[1].second);
  return mixed;
}

}  // namespace ridgeline::study
