// Inner loops for processors with AVX-512, its VNNI and its BF16; compiled with its flags.
#if defined(__x86_64__)
#define RIDGELINE_LANES 16
#include "engines/native/ops/cpu/step_loops.hpp"

namespace ridgeline::native::ops::cpu {

const Loops kAvx512Bf16Loops = RIDGELINE_LOOPS("avx512bf16");

}  // namespace ridgeline::native::ops::cpu
#endif
