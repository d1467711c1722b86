// Which knob fits which limit.
#include "analysis/advice_knobs.hpp"

#include <fmt/format.h>

#include <array>

#include "analysis/limit_words.hpp"

namespace ridgeline::analysis {
namespace {

enum class Where { kAny, kCpu, kDevice };

struct KnobRow {
  std::string_view id;
  std::string_view value;   // what to ask for
  std::string_view limits;  // separated by blanks
  Where where;
  bool decodes;     // helps steps of one token only
  bool takes_gain;  // removes what the host costs
  std::string_view what;
};

constexpr std::array kKnobs = {
    KnobRow{"graph", "on", "host kernels", Where::kDevice, false, true,
            "record the phase once and hand it over whole"},
    KnobRow{"fused", "on", "host kernels memory", Where::kAny, true, true,
            "decode with fused kernels"},
    KnobRow{"towers", "parallel", "host kernels", Where::kDevice, false, false,
            "run both encoders side by side"},
    KnobRow{"cudnn_benchmark", "on", "kernels compute", Where::kDevice, false, false,
            "let cuDNN choose the convolution by trying"},
    KnobRow{"channels_last", "on", "kernels compute memory", Where::kDevice, false, false,
            "keep channels of convolutions side by side"},
    KnobRow{"prepack", "on", "kernels compute", Where::kCpu, false, false,
            "rearrange the weights once for oneDNN"},
    KnobRow{"row_kernel", "on", "kernels memory", Where::kCpu, true, false,
            "multiply single rows by the kernel that streams weights"},
    KnobRow{"huge_pages", "on", "memory", Where::kCpu, true, false,
            "put streamed weights on huge pages"},
    KnobRow{"keep_memory", "on", "kernels", Where::kCpu, true, false,
            "keep freed tensors for the next ones"},
    KnobRow{"attention", "auto", "kernels compute memory", Where::kAny, false, false,
            "let the attention kernel be chosen by timing"},
};

bool fits(const KnobRow& row, std::string_view limit, const LimitInput& input) {
  if (row.limits.find(limit) == std::string_view::npos) return false;
  const bool is_cpu = input.facts->is_cpu();
  if ((row.where == Where::kCpu && !is_cpu) || (row.where == Where::kDevice && is_cpu)) {
    return false;
  }
  const std::string& phase = input.phase->name;
  return !row.decodes || phase == "decode" || phase == "generate";
}

void add_compile(std::string_view limit, const LimitInput& input, std::optional<double> high,
                 AdviceList& list) {
  const KnobFact* compile = input.facts->knob("compile");
  if (compile == nullptr || compile->is_on() || (limit != "host" && limit != "kernels")) return;
  if (compile->is_refused()) {
    list.add(AdviceKind::kOption, "Get the compiled mode to run: it was asked for and not applied",
             std::nullopt, "compile: " + compile->reason);
    return;
  }
  const bool is_cpu = input.facts->is_cpu();
  list.add(high ? AdviceKind::kFaster : AdviceKind::kOption,
           fmt::format("Compile the model, or compare with native: --engine {0}:{1},native",
                       input.facts->engine, is_cpu ? "compile" : "reduce-overhead"),
           high, "the record shows eager calls: compile is off");
}

}  // namespace

void add_knobs(std::string_view limit, const LimitInput& input, std::optional<double> high,
               AdviceList& list) {
  for (const KnobRow& row : kKnobs) {
    const KnobFact* knob = input.facts->knob(row.id);
    if (knob == nullptr || knob->is_on() || !fits(row, limit, input)) continue;
    if (knob->is_refused()) {
      list.add(AdviceKind::kOption,
               fmt::format("Get {} to apply: it was asked for and refused", row.id), std::nullopt,
               fmt::format("{}: {}", row.id, knob->reason));
      continue;
    }
    if (!knob->could_be_on() || row.id == "attention") continue;
    const auto gain = row.takes_gain ? high : std::nullopt;
    list.add(gain ? AdviceKind::kFaster : AdviceKind::kOption,
             fmt::format("Set --optimize {}={}: {}", row.id, row.value, row.what), gain,
             fmt::format("{} is off in this record", row.id));
  }
  add_compile(limit, input, high, list);
}

}  // namespace ridgeline::analysis
