// Products of few rows against float64 and ATen: every build of the inner loops, sizes with and
// without a remainder, weights in float32, bfloat16 and 8 bits.
#include <ATen/ops/linear.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "engines/native/ops/cpu/kernels.hpp"
#include "engines/native/ops/ledger.hpp"
#include "engines/native/ops/ops.hpp"
#include "tests/native/builds_of_loops.hpp"

namespace ridgeline::native::ops {
namespace {

using native::testing::builds_of_loops;

// Below, at and above what one step of the widest loop takes (64 elements) and what shares a scale
// (256), and real widths.
constexpr std::int64_t kSizes[] = {1,   2,   3,   15,  31,  63,  64,  65,  127,
                                   128, 200, 255, 256, 257, 320, 513, 768, 2048};

double error(const at::Tensor& ours, const at::Tensor& expected) {
  return (ours.to(at::kDouble) - expected.to(at::kDouble)).abs().max().item<double>();
}

double exact_dot(const at::Tensor& a, const at::Tensor& b) {
  return a.to(at::kDouble).dot(b.to(at::kDouble)).item<double>();
}

const std::uint16_t* bits(const at::Tensor& x) {
  return static_cast<const std::uint16_t*>(x.const_data_ptr());
}

at::Tensor widened(const Int8Weight& weight) {
  return weight.rows.to(at::kDouble) * weight.scales.to(at::kDouble).unsqueeze(1);
}

// Rows of a weight as a group: the second one is not the next but the one behind it.
constexpr std::int64_t kApart = 2;

TEST(CpuKernels_Dots, every_build_equals_products_in_double) {
  const c10::InferenceMode inference;
  for (const cpu::Loops* build : builds_of_loops()) {
    for (const std::int64_t size : kSizes) {
      SCOPED_TRACE(::testing::Message() << build->name << " " << size);
      const at::Tensor weight = at::randn({kApart + 1, size});
      const at::Tensor x = at::randn({size});
      const at::Tensor halves = weight.to(at::kBFloat16);
      const at::Tensor half_x = x.to(at::kBFloat16);
      std::vector<float> prepared(static_cast<std::size_t>(size));
      build->prepare_bfloat16(bits(half_x), size, prepared.data());
      for (int count = 1; count <= cpu::kRowGroup; ++count) {
        float sums[cpu::kRowGroup] = {};
        build->dots_float32(weight.const_data_ptr<float>(), kApart * size, count,
                            x.const_data_ptr<float>(), size, sums);
        float half_sums[cpu::kRowGroup] = {};
        build->dots_bfloat16(bits(halves), kApart * size, count, prepared.data(), size, half_sums);
        for (int i = 0; i < count; ++i) {
          EXPECT_NEAR(sums[i], exact_dot(weight[kApart * i], x), 2e-4);
          EXPECT_NEAR(half_sums[i], exact_dot(halves[kApart * i], half_x), 2e-4);
        }
      }
    }
  }
}

TEST(CpuKernels_Dots, every_build_multiplies_8_bits_with_rounded_activations) {
  const c10::InferenceMode inference;
  for (const cpu::Loops* build : builds_of_loops()) {
    for (const std::int64_t size : kSizes) {
      SCOPED_TRACE(::testing::Message() << build->name << " " << size);
      const cpu::Int8Rows made = cpu::to_int8(at::randn({kApart + 1, size}));
      at::Tensor x = at::randn({size});
      x[0] = 3000;  // one element that dwarfs the others
      const std::int64_t padded = made.rows.stride(0);
      std::vector<std::int16_t> values(static_cast<std::size_t>(padded), 77);
      std::vector<cpu::RoundedBlock> blocks(static_cast<std::size_t>(padded / cpu::kInt8Block + 1));
      const cpu::RoundedRow rounded{values.data(), blocks.data()};
      build->round(x.const_data_ptr<float>(), size, padded, rounded);
      for (int count = 1; count <= cpu::kRowGroup; ++count) {
        float sums[cpu::kRowGroup] = {};
        build->dots_int8(made.rows.const_data_ptr<std::int8_t>(), kApart * padded, count, rounded,
                         padded, sums);
        for (int i = 0; i < count; ++i) {
          const at::Tensor row = made.rows[kApart * i];
          // Elements beside the large one are off by half a step of 3000 / 16319 at most.
          const double first = row.narrow(0, 0, std::min<std::int64_t>(size, cpu::kInt8Block))
                                   .to(at::kDouble)
                                   .norm()
                                   .item<double>();
          EXPECT_NEAR(sums[i], exact_dot(row, x), 3000.0 / 16319 * first + 0.2);
        }
      }
    }
  }
}

// Small numbers of either sign, all that an exact product needs to be told from a rounded one.
TEST(CpuKernels_Dots, every_build_multiplies_whole_numbers_exactly) {
  const c10::InferenceMode inference;
  at::Tensor weight = at::zeros({3, 200});
  at::Tensor x = at::zeros({200});
  for (std::int64_t i = 0; i < 200; ++i) {
    for (std::int64_t row = 0; row < 3; ++row) weight[row][i] = (i * 37 + row * 11) % 255 - 127;
    x[i] = (i * 71) % 253 - 126;
  }
  for (std::int64_t row = 0; row < 3; ++row) weight[row][0] = 127;  // so that the scale is 1
  x[1] = 127;
  const cpu::Int8Rows made = cpu::to_int8(weight);
  ASSERT_TRUE(made.rows.to(at::kFloat).equal(weight));
  for (const cpu::Loops* build : builds_of_loops()) {
    const std::int64_t padded = made.rows.stride(0);
    std::vector<std::int16_t> values(static_cast<std::size_t>(padded));
    std::vector<cpu::RoundedBlock> blocks(1);
    build->round(x.const_data_ptr<float>(), 200, padded, {values.data(), blocks.data()});
    float sums[2];
    build->dots_int8(made.rows.const_data_ptr<std::int8_t>(), padded, 2,
                     {values.data(), blocks.data()}, padded, sums);
    for (int row = 0; row < 2; ++row) {
      const double exact = exact_dot(weight[row], x);
      EXPECT_NEAR(sums[row], exact, 2e-4 * exact_dot(weight[row].abs(), x.abs())) << build->name;
    }
  }
}

TEST(CpuKernels_Dot, what_is_not_finite_shows_in_the_product) {
  const c10::InferenceMode inference;
  const cpu::Int8Rows made = cpu::to_int8(at::randn({3, 300}));
  for (const float bad :
       {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    at::Tensor x = at::randn({1, 300});
    x[0][299] = bad;
    EXPECT_FALSE(cpu::row_product(x, made, {}).isfinite().any().item<bool>());
  }
}

TEST(CpuKernels_Narrow, every_build_rounds_as_torch_does) {
  const c10::InferenceMode inference;
  at::Tensor x = at::randn({1000});
  x[3] = std::numeric_limits<float>::infinity();
  x[4] = -std::numeric_limits<float>::infinity();
  x[5] = 3.4028234e38f;
  x[6] = 1.00390625f;  // a tie: to the even one below
  x[7] = 1.01171875f;  // a tie: to the even one above
  x[8] = 1e-42f;
  for (const cpu::Loops* build : builds_of_loops()) {
    at::Tensor ours = at::zeros({1000}, at::kBFloat16);
    build->narrow(x.const_data_ptr<float>(), 1000, static_cast<std::uint16_t*>(ours.data_ptr()));
    EXPECT_TRUE(ours.equal(x.to(at::kBFloat16))) << build->name;
    std::vector<std::uint16_t> nan(1);
    const float value = std::numeric_limits<float>::quiet_NaN();
    build->narrow(&value, 1, nan.data());
    EXPECT_GT(nan[0] & 0x7FFF, 0x7F80) << build->name;
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

TEST(Int8Weight, each_element_is_within_half_a_step_of_its_row) {
  const c10::InferenceMode inference;
  at::Tensor weight = at::randn({50, 129}) * at::randn({50, 1}).exp();
  weight[7].zero_();
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    const at::Tensor stored = weight.to(dtype);
    const Int8Weight made = quantize_weight(stored);
    EXPECT_EQ(made.rows.sizes(), stored.sizes());
    EXPECT_EQ(made.rows.stride(0) % 64, 0);
    const at::Tensor off = (widened(made) - stored.to(at::kDouble)).abs();
    EXPECT_TRUE((off <= 0.5001 * made.scales.to(at::kDouble).unsqueeze(1)).all().item<bool>());
    EXPECT_EQ(made.scales[7].item<float>(), 0);
  }
}

class Int8Linear : public ::testing::TestWithParam<std::int64_t> {};

TEST_P(Int8Linear, equals_the_product_with_the_widened_weight_in_double) {
  const c10::InferenceMode inference;
  const std::int64_t rows = GetParam();
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    for (const std::int64_t in : {1, 33, 64, 200, 300, 768, 2049}) {
      for (const std::int64_t out : {1, 7, 700}) {
        SCOPED_TRACE(::testing::Message() << dtype << " " << rows << "×" << in << "×" << out);
        ProductWeight weight;
        weight.int8 = quantize_weight(at::randn({out, in}));
        const at::Tensor x = at::randn({2, rows / 2 + rows % 2, in}).to(dtype);
        const at::Tensor bias = at::randn({out}).to(dtype);
        const at::Tensor exact =
            at::linear(x.to(at::kDouble), widened(weight.int8), bias.to(at::kDouble));
        const at::Tensor ours = linear(x, weight, bias);
        EXPECT_EQ(ours.scalar_type(), dtype);
        EXPECT_EQ(ours.sizes(), exact.sizes());
        // In bfloat16 the result is rounded to 8 bits, for many rows the widened weight is too.
        const at::Tensor magnitude = at::linear(x.to(at::kDouble).abs(), widened(weight.int8).abs(),
                                                bias.to(at::kDouble).abs());
        const double bound = dtype == at::kFloat ? 1e-4 : 8e-3;
        EXPECT_LE(error(ours, exact), bound * magnitude.max().item<double>());
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(FewAndManyRows, Int8Linear, ::testing::Values(2, 4, 5, 40));

// What 8 bits cost: the figures that docs/performance.md names.
TEST(Int8Linear, stays_close_to_the_product_that_is_not_quantized) {
  const c10::InferenceMode inference;
  const at::Tensor weight = at::randn({1000, 768});
  const at::Tensor x = at::randn({1, 768});
  ProductWeight quantized;
  quantized.int8 = quantize_weight(weight);
  const at::Tensor exact = at::linear(x.to(at::kDouble), weight.to(at::kDouble)).flatten();
  const at::Tensor ours = linear(x, quantized, {}).to(at::kDouble).flatten();
  const double cosine = (exact.dot(ours) / (exact.norm() * ours.norm())).item<double>();
  EXPECT_GT(cosine, 0.9999);
  EXPECT_LT(error(ours, exact), 0.02 * exact.abs().max().item<double>());
  RecordProperty("cosine", std::to_string(cosine));
}

TEST(Int8Linear, costs_a_byte_for_each_weight_on_meta_and_on_the_cpu) {
  const c10::InferenceMode inference;
  for (const at::Device device : {at::Device(at::kCPU), at::Device(at::kMeta)}) {
    ProductWeight weight;
    weight.int8 = quantize_weight(at::zeros({7, 100}, device));
    Ledger ledger;
    {
      const LedgerGuard guard(ledger);
      EXPECT_EQ(linear(at::zeros({3, 100}, device), weight, {}).sizes(), at::IntArrayRef({3, 7}));
    }
    EXPECT_EQ(ledger.unique_weight_bytes(), 7 * 100 + 7 * 4);
    ASSERT_EQ(ledger.entries().size(), 1u);
    EXPECT_EQ(ledger.entries()[0].storage, at::kChar);
    EXPECT_EQ(ledger.entries()[0].arithmetic, at::kFloat);
    EXPECT_EQ(ledger.entries()[0].cost.weight_bytes, 7 * 100 + 7 * 4);
  }
}

}  // namespace
}  // namespace ridgeline::native::ops
