// Every build of the inner loops that this processor can run.
#pragma once

#include <vector>

#include "engines/native/ops/cpu/loops.hpp"

namespace ridgeline::native::testing {

inline std::vector<const ops::cpu::Loops*> builds_of_loops() {
  std::vector<const ops::cpu::Loops*> all = {&ops::cpu::kBaselineLoops};
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    all.push_back(&ops::cpu::kAvx2Loops);
  }
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")) {
    all.push_back(&ops::cpu::kAvx512Loops);
    if (__builtin_cpu_supports("avx512vnni")) {
      all.push_back(&ops::cpu::kAvx512VnniLoops);
      if (__builtin_cpu_supports("avx512bf16")) all.push_back(&ops::cpu::kAvx512Bf16Loops);
    }
  }
#endif
  return all;
}

}  // namespace ridgeline::native::testing
