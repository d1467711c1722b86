// Knob `tf32`: whether float32 on CUDA may round the factors of products to 10 bits.
#include <ATen/Context.h>

#include "engines/native/optimize/switch_value.hpp"

namespace ridgeline::native {
namespace {

// Torch has two generations of these settings and refuses programs that mix them; the older setters
// write both, so that every getter agrees.
void allow_tf32(bool allowed) {
  at::globalContext().setAllowTF32CuBLAS(allowed);
  at::globalContext().setAllowTF32CuDNN(allowed);
}

}  // namespace

Result<KnobOutcome> apply_tf32(KnobContext& context) {
  RIDGELINE_CHECK(check_switch(context, "tf32"));
  const bool wanted = context.value == "on";
  if (!context.device.is_cuda()) {
    return KnobOutcome{!wanted, "off", wanted ? "only CUDA devices have TF32" : ""};
  }
  // By default torch lets convolutions use TF32 and products not. Here float32 is float32.
  const bool on = wanted && context.dtype == at::kFloat;
  allow_tf32(on);
  if (wanted && !on) return KnobOutcome{false, "off", "only float32 can be rounded to TF32"};
  return KnobOutcome{true, on ? "on" : "off", ""};
}

}  // namespace ridgeline::native
