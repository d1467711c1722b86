// Inner loops for processors with AVX-512; compiled with its flags.
#if defined(__x86_64__)
#define RIDGELINE_LANES 16
#include "engines/native/ops/cpu/step_loops.hpp"

namespace ridgeline::native::ops::cpu {

const Loops kAvx512Loops = RIDGELINE_LOOPS("avx512");

}  // namespace ridgeline::native::ops::cpu
#endif
