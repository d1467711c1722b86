// Knob `prepack`: weights of matrix products in oneDNN's own layout.
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <sched.h>

#include "base/host_memory.hpp"
#include "engines/native/ops/cpu/parallel.hpp"
#include "engines/native/optimize/knobs.hpp"

namespace ridgeline::native {
namespace {

// oneDNN's packed product starts teams of other sizes than ATen's loops, and GNU's OpenMP runtime
// ends and starts threads at each change (docs/performance.md has the counts): still a gain on 15
// of 16 CPUs, but with every CPU busy the new threads must wait, and on 16 of 16 a call took 18
// times as long. On 2 of 2 CPUs it is a gain; the border between was not measured.
bool threads_would_wait() {
  constexpr int kFewThreads = 4;
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (!ops::cpu::teams_start_threads_anew()) return false;
  if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) return false;
  return at::get_num_threads() > kFewThreads && at::get_num_threads() >= CPU_COUNT(&allowed);
}

std::string why_not(const KnobContext& context) {
  if (!context.device.is_cpu()) return "only the CPU has oneDNN";
  if (!at::globalContext().hasMKLDNN()) return "this torch build has no oneDNN";
  if (context.dtype != at::kFloat && context.dtype != at::kBFloat16) {
    return "oneDNN packs float32 and bfloat16 only";
  }
  return "";
}

std::string why_two_layouts_do_not_fit(Declarations& declarations) {
  std::int64_t bytes = 0;
  declarations.change_product_weights([&](ops::ProductWeight& weight) {
    bytes += static_cast<std::int64_t>(weight.plain.nbytes());
  });
  const auto available = available_host_bytes();
  // Half of what is left stays for caches and activations.
  if (!available || bytes <= *available / 2) return "";
  return fmt::format(
      "decoding needs the plain weights too, and a second copy of {:.1f} GB is more "
      "than half of the memory that is left",
      static_cast<double>(bytes) / 1e9);
}

bool has_int8(Declarations& declarations) {
  bool found = false;
  declarations.change_product_weights(
      [&](ops::ProductWeight& weight) { found |= weight.int8.rows.defined(); });
  return found;
}

}  // namespace

Result<KnobOutcome> apply_prepack(KnobContext& context) {
  if (context.value != "auto" && context.value != "on" && context.value != "off") {
    return bad_input(fmt::format("prepack '{}' is unknown", context.value), "use auto, on or off");
  }
  KnobOutcome outcome;
  outcome.value = "off";
  outcome.applied = context.value == "off";
  if (outcome.applied) return outcome;
  outcome.reason = why_not(context);
  if (outcome.reason.empty() && has_int8(*context.declarations)) {
    outcome.reason = "weights in 8 bits have a layout of their own";
  }
  if (outcome.reason.empty() && context.value == "auto" && threads_would_wait()) {
    outcome.reason =
        "all CPUs are in use, and with GNU's OpenMP runtime the packed product would start threads "
        "anew in every call: install libomp and build again, give one thread less, or prepack=on";
  }
  // Products of few rows, as in decoding, run on plain weights (knob row_kernel): both are kept.
  const bool keep_plain = context.model->decodes();
  if (outcome.reason.empty() && context.value == "auto" && keep_plain) {
    outcome.reason = why_two_layouts_do_not_fit(*context.declarations);
  }
  if (!outcome.reason.empty()) return outcome;
  try {
    context.declarations->change_product_weights([&](ops::ProductWeight& weight) {
      weight.packed = ops::pack_weight(weight.plain);
      if (!keep_plain) weight.plain = at::Tensor();
    });
  } catch (const c10::Error& error) {
    // Weights that were packed before the failure work as they are.
    outcome.reason = fmt::format("oneDNN refuses: {}", error.what_without_backtrace());
    outcome.reason.resize(std::min(outcome.reason.find('\n'), outcome.reason.size()));
    return outcome;
  }
  outcome.applied = true;
  outcome.value = "on";
  return outcome;
}

}  // namespace ridgeline::native
