// The inner loops, compiled for several instruction sets; the loader picks one.
#include "engines/native/ops/cpu/kernels.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <c10/util/BFloat16.h>

#include <bit>
#include <cmath>
#include <vector>

#include "engines/native/ops/cpu/parallel.hpp"

// One clone a generation of x86; other processors have their vector unit in the baseline.
#if defined(__x86_64__) && defined(__GNUC__)
#define RIDGELINE_VECTOR_CLONES \
  __attribute__((target_clones("default", "arch=haswell", "arch=skylake-avx512")))
#else
#define RIDGELINE_VECTOR_CLONES
#endif

namespace ridgeline::native::ops::cpu {
namespace {

// Weight rows that are read side by side: four streams keep the memory busy, and each has an
// accumulator of its own to hide the latency of the multiply-add.
constexpr std::int64_t kRowsAtOnce = 4;

// Bytes of weights a thread should have to read before a second one pays.
constexpr std::int64_t kGrainBytes = 1 << 16;

RIDGELINE_VECTOR_CLONES
void dot_rows(const float* weight, std::int64_t in, const float* x, float* sums) {
  const float* w0 = weight;
  const float* w1 = w0 + in;
  const float* w2 = w1 + in;
  const float* w3 = w2 + in;
  float s0 = 0, s1 = 0, s2 = 0, s3 = 0;
#pragma omp simd reduction(+ : s0, s1, s2, s3)
  for (std::int64_t k = 0; k < in; ++k) {
    s0 += w0[k] * x[k];
    s1 += w1[k] * x[k];
    s2 += w2[k] * x[k];
    s3 += w3[k] * x[k];
  }
  sums[0] = s0;
  sums[1] = s1;
  sums[2] = s2;
  sums[3] = s3;
}

RIDGELINE_VECTOR_CLONES
void dot_row(const float* weight, std::int64_t in, const float* x, float* sums) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t k = 0; k < in; ++k) sum += weight[k] * x[k];
  sums[0] = sum;
}

// A bfloat16 is the upper half of a float32.
inline float widen(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

RIDGELINE_VECTOR_CLONES
void dot_rows(const std::uint16_t* weight, std::int64_t in, const float* x, float* sums) {
  const std::uint16_t* w0 = weight;
  const std::uint16_t* w1 = w0 + in;
  const std::uint16_t* w2 = w1 + in;
  const std::uint16_t* w3 = w2 + in;
  float s0 = 0, s1 = 0, s2 = 0, s3 = 0;
#pragma omp simd reduction(+ : s0, s1, s2, s3)
  for (std::int64_t k = 0; k < in; ++k) {
    s0 += widen(w0[k]) * x[k];
    s1 += widen(w1[k]) * x[k];
    s2 += widen(w2[k]) * x[k];
    s3 += widen(w3[k]) * x[k];
  }
  sums[0] = s0;
  sums[1] = s1;
  sums[2] = s2;
  sums[3] = s3;
}

RIDGELINE_VECTOR_CLONES
void dot_row(const std::uint16_t* weight, std::int64_t in, const float* x, float* sums) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t k = 0; k < in; ++k) sum += widen(weight[k]) * x[k];
  sums[0] = sum;
}

template <typename Stored, typename Element>
void multiply(const at::Tensor& weight, const float* x, std::int64_t rows, const Element* bias,
              const at::Tensor& out) {
  const std::int64_t in = weight.size(1);
  const std::int64_t width = weight.size(0);
  const auto* stored = static_cast<const Stored*>(weight.const_data_ptr());
  auto* result = static_cast<Element*>(out.data_ptr());
  const std::int64_t grain =
      std::max<std::int64_t>(1, kGrainBytes / (in * static_cast<std::int64_t>(sizeof(Stored))));
  parallel_rows(out.select(0, 0), grain, [&](std::int64_t begin, std::int64_t end) {
    float sums[kRowsAtOnce];
    for (std::int64_t o = begin; o < end;) {
      const std::int64_t count = end - o >= kRowsAtOnce ? kRowsAtOnce : 1;
      for (std::int64_t row = 0; row < rows; ++row) {
        const float* input = x + row * in;
        if (count == kRowsAtOnce) {
          dot_rows(stored + o * in, in, input, sums);
        } else {
          dot_row(stored + o * in, in, input, sums);
        }
        for (std::int64_t i = 0; i < count; ++i) {
          const float shift = bias == nullptr ? 0.f : static_cast<float>(bias[o + i]);
          result[row * width + o + i] = static_cast<Element>(sums[i] + shift);
        }
      }
      o += count;
    }
  });
}

RIDGELINE_VECTOR_CLONES
void normalize_row(const float* x, const float* weight, std::int64_t size, float eps, float* out) {
  float squares = 0;
#pragma omp simd reduction(+ : squares)
  for (std::int64_t k = 0; k < size; ++k) squares += x[k] * x[k];
  const float scale = 1.f / std::sqrt(squares / static_cast<float>(size) + eps);
#pragma omp simd
  for (std::int64_t k = 0; k < size; ++k) out[k] = weight[k] * (x[k] * scale);
}

}  // namespace

at::Tensor row_product(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  const std::int64_t in = weight.size(1);
  const at::Tensor rows = x.reshape({-1, in}).contiguous();
  at::Tensor out = at::empty({rows.size(0), weight.size(0)}, x.options());
  if (x.scalar_type() == at::kFloat) {
    multiply<float, float>(weight, rows.const_data_ptr<float>(), rows.size(0),
                           bias.defined() ? bias.const_data_ptr<float>() : nullptr, out);
  } else {
    const at::Tensor wide = rows.to(at::kFloat);
    multiply<std::uint16_t, c10::BFloat16>(
        weight, wide.const_data_ptr<float>(), rows.size(0),
        bias.defined() ? bias.const_data_ptr<c10::BFloat16>() : nullptr, out);
  }
  std::vector<std::int64_t> shape = x.sizes().vec();
  shape.back() = weight.size(0);
  return out.view(shape);
}

at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps) {
  const std::int64_t size = x.size(-1);
  at::Tensor out = at::empty_like(x);
  const auto* from = x.const_data_ptr<float>();
  const auto* scale = weight.const_data_ptr<float>();
  auto* to = out.data_ptr<float>();
  const std::int64_t grain =
      std::max<std::int64_t>(1, kGrainBytes / (size * static_cast<std::int64_t>(sizeof(float))));
  parallel_rows(
      out.view({-1, size}).select(1, 0), grain, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t row = begin; row < end; ++row) {
          normalize_row(from + row * size, scale, size, static_cast<float>(eps), to + row * size);
        }
      });
  return out;
}

}  // namespace ridgeline::native::ops::cpu
