// Which table of loops this processor gets.
#include "engines/native/ops/cpu/loops.hpp"

namespace ridgeline::native::ops::cpu {

const Loops& best_loops() {
#if defined(__x86_64__)
  static const Loops& best =
      __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512vnni")
          ? kAvx512Bf16Loops
      : __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw")
          ? kAvx512VnniLoops
      : __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") ? kAvx512Loops
      : __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")         ? kAvx2Loops
                                                                                : kBaselineLoops;
  return best;
#else
  return kBaselineLoops;
#endif
}

}  // namespace ridgeline::native::ops::cpu
