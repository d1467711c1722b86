// Knob `quantize`: weights of matrix products in 8 bits.
#include <fmt/format.h>

#include "engines/native/optimize/knobs.hpp"

namespace ridgeline::native {

std::int64_t quantize_product_weights(Declarations& declarations) {
  std::int64_t change = 0;
  const auto bytes = [](const at::Tensor& tensor) {
    return tensor.numel() * static_cast<std::int64_t>(tensor.element_size());
  };
  declarations.change_product_weights([&](ops::ProductWeight& weight) {
    weight.int8 = ops::quantize_weight(weight.plain);
    change += bytes(weight.int8.rows) + bytes(weight.int8.scales);
    // An embedding table that serves as a head too stays for the look-up.
    if (weight.plain.use_count() == 1) change -= bytes(weight.plain);
    weight.plain = at::Tensor();
  });
  return change;
}

Result<KnobOutcome> apply_quantize(KnobContext& context) {
  if (context.value != "off" && context.value != "int8") {
    return bad_input(fmt::format("quantize '{}' is unknown", context.value), "use off or int8");
  }
  if (context.value == "off") return KnobOutcome{true, "off", ""};
  if (!ops::has_row_product(context.dtype, context.device)) {
    return KnobOutcome{false, "off",
                       "products of 8-bit weights take float32 and bfloat16 on a CPU"};
  }
  const std::int64_t change = quantize_product_weights(*context.declarations);
  if (context.weight_bytes != nullptr) *context.weight_bytes += change;
  return KnobOutcome{true, "int8", ""};
}

}  // namespace ridgeline::native
