// Inner loops for processors with AVX2; compiled with its flags.
#if defined(__x86_64__)
#define RIDGELINE_LANES 8
#include "engines/native/ops/cpu/step_loops.hpp"

namespace ridgeline::native::ops::cpu {

const Loops kAvx2Loops = RIDGELINE_LOOPS("avx2");

}  // namespace ridgeline::native::ops::cpu
#endif
