// The dot product of a stored row with float32, the inner loop of row_product(), for one
// instruction set. Each of dot_*.cpp includes this file, is compiled for its set, and exports one
// table.
//
// Nothing but <cstdint> is included: a template of the standard library that is instantiated here
// could be the copy that the linker keeps for the whole program, instructions and all.
#pragma once

#include <cstdint>

namespace ridgeline::native::ops::cpu {

/// Rows are `size` elements; bfloat16 is given by its bits, the upper half of a float32. The sums
/// are float32.
struct DotKernels {
  float (*float32)(const float* row, const float* x, std::int64_t size);
  float (*bfloat16)(const std::uint16_t* row, const float* x, std::int64_t size);
  /// x · scale · weight → out, with scale = 1 / sqrt(mean of x² + eps).
  void (*rms_norm)(const float* x, const float* weight, std::int64_t size, float eps, float* out);
};

extern const DotKernels kBaselineDot;
#if defined(__x86_64__)
extern const DotKernels kAvx2Dot;
extern const DotKernels kAvx512Dot;
#endif

}  // namespace ridgeline::native::ops::cpu

#if defined(RIDGELINE_DOT_LANES)

namespace ridgeline::native::ops::cpu {
namespace {

constexpr int kLanes = RIDGELINE_DOT_LANES;
// Chains of additions that run beside each other: they hide the latency of the multiply-add.
constexpr int kChains = 4;
// Bytes ahead of the one read, for the prefetch: rows lie behind each other, so this crosses into
// the next one, where the hardware's prefetcher would have to learn the stream anew.
constexpr std::int64_t kAhead = 2048;

using Floats = float __attribute__((vector_size(kLanes * 4)));
using Words = std::uint32_t __attribute__((vector_size(kLanes * 4)));
using Halves = std::uint16_t __attribute__((vector_size(kLanes * 2)));

inline Floats load(const float* from) {
  Floats values;
  __builtin_memcpy(&values, from, sizeof values);
  return values;
}

inline Floats load(const std::uint16_t* from) {
  Halves bits;
  __builtin_memcpy(&bits, from, sizeof bits);
  const Words words = __builtin_convertvector(bits, Words) << 16;
  Floats values;
  __builtin_memcpy(&values, &words, sizeof values);
  return values;
}

inline float widen(float value) {
  return value;
}

inline float widen(std::uint16_t bits) {
  const std::uint32_t word = static_cast<std::uint32_t>(bits) << 16;
  float value;
  __builtin_memcpy(&value, &word, sizeof value);
  return value;
}

template <typename Stored>
float dot(const Stored* row, const float* x, std::int64_t size) {
  Floats sums[kChains] = {};
  constexpr std::int64_t kStep = kChains * kLanes;
  std::int64_t at = 0;
  for (; at + kStep <= size; at += kStep) {
    for (std::int64_t line = 0; line < kStep * static_cast<std::int64_t>(sizeof(Stored));
         line += 64) {
      __builtin_prefetch(reinterpret_cast<const char*>(row + at) + kAhead + line);
    }
    for (int chain = 0; chain < kChains; ++chain) {
      sums[chain] += load(row + at + chain * kLanes) * load(x + at + chain * kLanes);
    }
  }
  const Floats all = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  float sum = 0;
  for (int lane = 0; lane < kLanes; ++lane) sum += all[lane];
  for (; at < size; ++at) sum += widen(row[at]) * x[at];
  return sum;
}

void rms_norm_row(const float* x, const float* weight, std::int64_t size, float eps, float* out) {
  const float squares = dot(x, x, size);
  const float scale = 1.f / __builtin_sqrtf(squares / static_cast<float>(size) + eps);
  std::int64_t at = 0;
  for (; at + kLanes <= size; at += kLanes) {
    const Floats scaled = load(weight + at) * (load(x + at) * scale);
    __builtin_memcpy(out + at, &scaled, sizeof scaled);
  }
  for (; at < size; ++at) out[at] = weight[at] * (x[at] * scale);
}

}  // namespace
}  // namespace ridgeline::native::ops::cpu

#endif
