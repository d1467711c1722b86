// Our CPU kernels against ATen: every build of the inner loops, sizes with and without a remainder.
#include <ATen/ops/linear.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/rms_norm.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include <vector>

#include "engines/native/ops/cpu/dot.hpp"
#include "engines/native/ops/cpu/kernels.hpp"
#include "engines/native/ops/ops.hpp"

namespace ridgeline::native::ops {
namespace {

// Below, at and above what one step of the widest loop takes (64 elements), and real widths.
constexpr std::int64_t kSizes[] = {1, 3, 31, 63, 64, 65, 127, 128, 200, 768};

std::vector<const cpu::DotKernels*> builds() {
  std::vector<const cpu::DotKernels*> all = {&cpu::kBaselineDot};
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    all.push_back(&cpu::kAvx2Dot);
  }
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")) {
    all.push_back(&cpu::kAvx512Dot);
  }
#endif
  return all;
}

double error(const at::Tensor& ours, const at::Tensor& expected) {
  return (ours.to(at::kDouble) - expected.to(at::kDouble)).abs().max().item<double>();
}

TEST(CpuKernels_Dot, every_build_equals_a_product_in_double) {
  const c10::InferenceMode inference;
  for (const cpu::DotKernels* build : builds()) {
    for (const std::int64_t size : kSizes) {
      const at::Tensor row = at::randn({size});
      const at::Tensor x = at::randn({size});
      const at::Tensor half = row.to(at::kBFloat16);
      const double exact = row.to(at::kDouble).dot(x.to(at::kDouble)).item<double>();
      const double exact_half = half.to(at::kDouble).dot(x.to(at::kDouble)).item<double>();
      const auto* values = x.const_data_ptr<float>();
      EXPECT_NEAR(build->float32(row.const_data_ptr<float>(), values, size), exact, 1e-4) << size;
      EXPECT_NEAR(
          build->bfloat16(static_cast<const std::uint16_t*>(half.const_data_ptr()), values, size),
          exact_half, 1e-4)
          << size;
    }
  }
}

TEST(CpuKernels_RmsNorm, every_build_equals_aten) {
  const c10::InferenceMode inference;
  for (const cpu::DotKernels* build : builds()) {
    for (const std::int64_t size : kSizes) {
      const at::Tensor x = at::randn({size});
      const at::Tensor weight = at::randn({size});
      at::Tensor out = at::empty_like(x);
      build->rms_norm(x.const_data_ptr<float>(), weight.const_data_ptr<float>(), size, 1e-5f,
                      out.data_ptr<float>());
      EXPECT_LE(error(out, at::rms_norm(x, {size}, weight, 1e-5)), 1e-5) << size;
    }
  }
}

TEST(CpuKernels_RowProduct, equals_linear_with_many_rows_of_weights_and_several_threads) {
  const c10::InferenceMode inference;
  for (const std::int64_t in : {33, 768}) {
    for (const std::int64_t out : {1, 7, 1000}) {
      const at::Tensor weight = at::randn({out, in});
      const at::Tensor bias = at::randn({out});
      for (std::int64_t rows = 1; rows <= kFewRows; ++rows) {
        const at::Tensor x = at::randn({rows, 1, in});
        const at::Tensor ours = cpu::row_product(x, weight, bias);
        EXPECT_EQ(ours.sizes(), at::IntArrayRef({rows, 1, out}));
        EXPECT_LE(error(ours, at::linear(x, weight, bias)), 1e-3);
        EXPECT_LE(error(cpu::row_product(x, weight, {}), at::linear(x, weight)), 1e-3);
        const at::Tensor half = x.to(at::kBFloat16);
        const at::Tensor weights = weight.to(at::kBFloat16);
        const at::Tensor wide = at::linear(half.to(at::kFloat), weights.to(at::kFloat));
        EXPECT_LE(error(cpu::row_product(half, weights, {}), wide),
                  0.004 * wide.abs().max().item<double>());
      }
    }
  }
}

TEST(CpuKernels_RmsNorm, equals_aten_over_many_rows) {
  const c10::InferenceMode inference;
  const at::Tensor x = at::randn({3, 50, 768});
  const at::Tensor weight = at::randn({768});
  EXPECT_LE(error(cpu::rms_norm(x, weight, 1e-5), at::rms_norm(x, {768}, weight, 1e-5)), 1e-5);
}

}  // namespace
}  // namespace ridgeline::native::ops
