// Dot products for processors with AVX512; compiled with its flags.
#if defined(__x86_64__)
#define RIDGELINE_DOT_LANES 16
#include "engines/native/ops/cpu/dot.hpp"

namespace ridgeline::native::ops::cpu {

const DotKernels kAvx512Dot = {dot<float>, dot<std::uint16_t>, rms_norm_row};

}  // namespace ridgeline::native::ops::cpu
#endif
