// Dot products for any processor.

#define RIDGELINE_DOT_LANES 4
#include "engines/native/ops/cpu/dot.hpp"

namespace ridgeline::native::ops::cpu {

const DotKernels kBaselineDot = {dot<float>, dot<std::uint16_t>, rms_norm_row};

}  // namespace ridgeline::native::ops::cpu
