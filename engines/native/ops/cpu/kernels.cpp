// Products of few rows and norms: what is split over threads, over the loops in dot.hpp.
#include "engines/native/ops/cpu/kernels.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <c10/util/BFloat16.h>

#include <vector>

#include "engines/native/ops/cpu/dot.hpp"
#include "engines/native/ops/cpu/parallel.hpp"

namespace ridgeline::native::ops::cpu {
namespace {

// Bytes of weights a thread should have to read before a second one pays.
constexpr std::int64_t kGrainBytes = 1 << 16;

const DotKernels& kernels() {
#if defined(__x86_64__)
  static const DotKernels& best =
      __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") ? kAvx512Dot
      : __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")       ? kAvx2Dot
                                                                              : kBaselineDot;
  return best;
#else
  return kBaselineDot;
#endif
}

float dot(const float* row, const float* x, std::int64_t size) {
  return kernels().float32(row, x, size);
}

float dot(const std::uint16_t* row, const float* x, std::int64_t size) {
  return kernels().bfloat16(row, x, size);
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
    for (std::int64_t o = begin; o < end; ++o) {
      const float shift = bias == nullptr ? 0.f : static_cast<float>(bias[o]);
      for (std::int64_t row = 0; row < rows; ++row) {
        result[row * width + o] =
            static_cast<Element>(dot(stored + o * in, x + row * in, in) + shift);
      }
    }
  });
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
  parallel_rows(out.view({-1, size}).select(1, 0), grain,
                [&](std::int64_t begin, std::int64_t end) {
                  for (std::int64_t row = begin; row < end; ++row) {
                    kernels().rms_norm(from + row * size, scale, size, static_cast<float>(eps),
                                       to + row * size);
                  }
                });
  return out;
}

}  // namespace ridgeline::native::ops::cpu
