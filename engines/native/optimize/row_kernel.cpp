// Knob `row_kernel`: products of one or a few rows, as in decoding, by a kernel of our own.
#include <fmt/format.h>

#include "engines/native/optimize/knobs.hpp"

namespace ridgeline::native {

Result<KnobOutcome> apply_row_kernel(KnobContext& context) {
  if (context.value != "auto" && context.value != "on" && context.value != "off") {
    return bad_input(fmt::format("row_kernel '{}' is unknown", context.value),
                     "use auto, on or off");
  }
  KnobOutcome outcome;
  outcome.value = "off";
  const bool wanted =
      context.value == "on" || (context.value == "auto" && context.model->decodes());
  if (wanted && !ops::has_row_product(context.dtype, context.device)) {
    outcome.reason = "the kernel multiplies float32 and bfloat16 on a CPU only";
    return outcome;
  }
  bool lacks_plain = false;
  bool is_int8 = false;
  context.declarations->change_product_weights([&](ops::ProductWeight& weight) {
    is_int8 |= weight.int8.rows.defined();
    lacks_plain |= !weight.plain.defined();
    weight.row_kernel = wanted && weight.plain.defined();
    // Nothing else reads the plain weights beside packed ones.
    if (!wanted && weight.packed.defined()) weight.plain = at::Tensor();
  });
  if (is_int8) {
    outcome.value = "on";
    outcome.applied = context.value != "off";
    if (!outcome.applied) outcome.reason = "weights in 8 bits have no other kernel for few rows";
    return outcome;
  }
  if (wanted && lacks_plain) {
    outcome.reason = "prepack keeps plain weights of models that decode only: give prepack=off";
    return outcome;
  }
  outcome.applied = wanted || context.value != "on";
  outcome.value = wanted ? "on" : "off";
  return outcome;
}

}  // namespace ridgeline::native
