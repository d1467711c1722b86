// What stands between the products of a decoding step, against ATen and float64.
#include <ATen/Parallel.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/rms_norm.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/zeros.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include <cmath>

#include "engines/native/ops/cpu/kernels.hpp"
#include "engines/native/ops/ops.hpp"
#include "tests/native/builds_of_loops.hpp"

namespace ridgeline::native::ops {
namespace {

using native::testing::builds_of_loops;

double error(const at::Tensor& ours, const at::Tensor& expected) {
  return (ours.to(at::kDouble) - expected.to(at::kDouble)).abs().max().item<double>();
}

// Half a step of the dtype's last bit, at values around 4, and some sums.
double bound(at::ScalarType dtype) {
  return dtype == at::kFloat ? 1e-5 : 0.02;
}

at::Tensor exact_attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                           const at::Tensor& mask) {
  const std::int64_t group = query.size(1) / key.size(1);
  const at::Tensor keys = key.to(at::kDouble).repeat_interleave(group, 1);
  const at::Tensor values = value.to(at::kDouble).repeat_interleave(group, 1);
  at::Tensor scores = at::matmul(query.to(at::kDouble), keys.transpose(2, 3)) /
                      std::sqrt(static_cast<double>(query.size(3)));
  if (mask.defined()) scores.masked_fill_(mask.logical_not(), -INFINITY);
  return at::matmul(at::softmax(scores, -1), values);
}

struct AttentionCase {
  std::int64_t heads;
  std::int64_t key_heads;
  std::int64_t size;
};

class OneQuery : public ::testing::TestWithParam<AttentionCase> {};

TEST_P(OneQuery, equals_attention_in_double_over_part_of_a_cache) {
  const c10::InferenceMode inference;
  const auto [heads, key_heads, size] = GetParam();
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    for (const std::int64_t tokens : {1, 2, 15, 16, 17, 64, 129, 300}) {
      SCOPED_TRACE(::testing::Message() << dtype << " " << tokens);
      // As a step has them: the query a view of one projection, keys the first slots of a cache.
      const at::Tensor query =
          at::randn({2, 1, heads + 1, size}).to(dtype).narrow(2, 0, heads).transpose(1, 2);
      const auto cached = [&, count = tokens] {
        return at::randn({2, key_heads, 305, size}).to(dtype).narrow(2, 0, count);
      };
      const at::Tensor key = cached();
      const at::Tensor value = cached();
      ASSERT_TRUE(cpu::can_attend(query, key, value, {}));
      const at::Tensor ours = attention(query, key, value, {}, {});
      EXPECT_EQ(ours.sizes(), at::IntArrayRef({2, heads, 1, size}));
      EXPECT_LE(error(ours, exact_attention(query, key, value, {})), bound(dtype));
      // Masks: of all rows, and of each.
      for (const std::int64_t rows : {1, 2}) {
        at::Tensor mask = at::rand({rows, 1, 1, 305}).gt(0.5).narrow(3, 0, tokens);
        mask.select(3, tokens - 1).fill_(true);
        ASSERT_TRUE(cpu::can_attend(query, key, value, mask));
        EXPECT_LE(
            error(attention(query, key, value, mask, {}), exact_attention(query, key, value, mask)),
            bound(dtype));
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, OneQuery,
                         ::testing::Values(AttentionCase{12, 12, 64}, AttentionCase{8, 2, 64},
                                           AttentionCase{4, 1, 80}, AttentionCase{8, 4, 128},
                                           AttentionCase{3, 3, 5}, AttentionCase{2, 1, 1}));

TEST(OneQuery, puts_parts_of_a_long_context_together) {
  const c10::InferenceMode inference;
  const int before = at::get_num_threads();
  at::set_num_threads(4);
  const at::Tensor query = at::randn({1, 3, 1, 64}) * 5;
  const at::Tensor key = at::randn({1, 1, 3001, 64});
  const at::Tensor value = at::randn({1, 1, 3001, 64});
  EXPECT_LE(error(attention(query, key, value, {}, {}), exact_attention(query, key, value, {})),
            1e-5);
  // All that may be seen lies in the last part.
  at::Tensor mask = at::zeros({1, 1, 1, 3001}, at::kBool);
  mask.narrow(3, 2990, 7).fill_(true);
  EXPECT_LE(error(attention(query, key, value, mask, {}), exact_attention(query, key, value, mask)),
            1e-5);
  mask.zero_();
  EXPECT_TRUE(attention(query, key, value, mask, {}).isnan().all().item<bool>());
  at::set_num_threads(before);
}

TEST(OneQuery, leaves_other_shapes_and_masks_to_aten) {
  const c10::InferenceMode inference;
  const at::Tensor one = at::randn({1, 2, 1, 8});
  const at::Tensor many = at::randn({1, 2, 5, 8});
  EXPECT_FALSE(cpu::can_attend(many, many, many, {}));
  EXPECT_FALSE(cpu::can_attend(one, many, many, at::randn({1, 1, 1, 5})));
  EXPECT_FALSE(cpu::can_attend(one, many, many, at::zeros({1, 2, 1, 5}, at::kBool)));
  EXPECT_FALSE(cpu::can_attend(one, many.transpose(2, 3).contiguous().transpose(2, 3), many, {}));
  EXPECT_FALSE(cpu::can_attend(one.to(at::kDouble), many.to(at::kDouble), many, {}));
}

TEST(StepLoops, every_build_attends_norms_gates_and_turns_alike) {
  const c10::InferenceMode inference;
  constexpr std::int64_t kSize = 85;
  constexpr std::int64_t kTokens = 37;
  const at::Tensor x = at::randn({3, kSize});
  const at::Tensor gate = at::cat(
      {at::randn({kSize - 3}) * 4, at::full({1}, -200.f), at::full({1}, 200.f), at::zeros({1})});
  const at::Tensor key = at::randn({kTokens, kSize});
  const at::Tensor value = at::randn({kTokens, kSize});
  const at::Tensor weights = at::softmax(at::matmul(x, key.t()), -1);
  for (const cpu::Loops* build : builds_of_loops()) {
    SCOPED_TRACE(build->name);
    at::Tensor out = at::zeros({3, kSize});
    auto* to = out.data_ptr<float>();
    std::vector<float> scores(kTokens);
    std::vector<float> sums(3);
    std::vector<float> largest(3);
    build->attend_float32(
        {key.const_data_ptr<float>(), value.const_data_ptr<float>(), kSize, kSize, nullptr, kTokens,
         kSize, kSize},
        {x.const_data_ptr<float>(), 3, scores.data(), sums.data(), largest.data(), to});
    for (int i = 0; i < 3; ++i) out[i].div_(sums[static_cast<std::size_t>(i)]);
    EXPECT_LE(error(out, at::matmul(weights, value)), 1e-5);
    build->rms_norm(x.const_data_ptr<float>(), gate.const_data_ptr<float>(), kSize, 1e-5f, to);
    const at::Tensor norm = at::rms_norm(x[0], {kSize}, gate, 1e-5);
    EXPECT_LE(error(out[0], norm), 1e-5 * norm.abs().max().item<double>());
    build->silu_gate(gate.const_data_ptr<float>(), x.const_data_ptr<float>(), kSize, to);
    EXPECT_LE(error(out[0], at::silu(gate) * x[0]), 1e-4);
    at::Tensor turned = x.clone();
    auto* rows = turned.data_ptr<float>();
    build->rotate(rows, rows + kSize, key.const_data_ptr<float>(), value.const_data_ptr<float>(),
                  kSize);
    EXPECT_LE(error(turned[0], x[0] * key[0] - x[1] * value[0]), 1e-5);
    EXPECT_LE(error(turned[1], x[1] * key[0] + x[0] * value[0]), 1e-5);
  }
}

TEST(CpuKernels_RmsNorm, equals_the_norm_in_double_over_many_rows) {
  const c10::InferenceMode inference;
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    const at::Tensor x = at::randn({3, 50, 768}).to(dtype);
    const at::Tensor weight = at::randn({768}).to(dtype);
    const at::Tensor exact = at::rms_norm(x.to(at::kDouble), {768}, weight.to(at::kDouble), 1e-5);
    const at::Tensor ours = rms_norm(x, weight, 1e-5);
    EXPECT_EQ(ours.scalar_type(), dtype);
    EXPECT_LE(error(ours, exact), dtype == at::kFloat ? 2e-5 : 0.06);
  }
}

TEST(CpuKernels_Gate, equals_silu_times_the_value) {
  const c10::InferenceMode inference;
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    for (const std::int64_t rows : {1, 60}) {
      const at::Tensor x = at::randn({rows, 2 * 771}).to(dtype);
      const at::Tensor exact =
          at::silu(x.to(at::kDouble).narrow(1, 0, 771)) * x.to(at::kDouble).narrow(1, 771, 771);
      EXPECT_LE(error(gated(x, Activation::kSilu), exact), dtype == at::kFloat ? 1e-5 : 0.06);
    }
  }
}

TEST(CpuKernels_Rotate, turns_views_of_either_dtype_and_leaves_other_features_alone) {
  const c10::InferenceMode inference;
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    for (const std::int64_t angle_rows : {1, 2}) {
      const at::Tensor all = at::randn({2, 40, 7, 20}).to(dtype);
      const at::Tensor before = all.to(at::kDouble);
      const at::Tensor cosine = at::randn({angle_rows, 40, 1, 8}).to(dtype);
      const at::Tensor sine = at::randn({angle_rows, 40, 1, 8}).to(dtype);
      rotate(all.narrow(2, 1, 5), cosine, sine);
      at::Tensor exact = before.clone();
      at::Tensor heads = exact.narrow(2, 1, 5);
      const at::Tensor first = before.narrow(2, 1, 5).narrow(3, 0, 8);
      const at::Tensor second = before.narrow(2, 1, 5).narrow(3, 8, 8);
      heads.narrow(3, 0, 8).copy_(first * cosine.to(at::kDouble) - second * sine.to(at::kDouble));
      heads.narrow(3, 8, 8).copy_(second * cosine.to(at::kDouble) + first * sine.to(at::kDouble));
      EXPECT_LE(error(all, exact), dtype == at::kFloat ? 1e-5 : 0.06);
      EXPECT_TRUE(all.narrow(3, 16, 4).to(at::kDouble).equal(before.narrow(3, 16, 4)));
    }
  }
}

}  // namespace
}  // namespace ridgeline::native::ops
