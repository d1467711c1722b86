// Convolutions and the ops around them: values against ATen or the formula, work against the counts
// of torch.utils.flop_counter for the same shapes, and shapes on meta.
#include <ATen/ops/allclose.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/conv1d.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <c10/core/InferenceMode.h>
#include <c10/util/Exception.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <vector>

#include "engines/native/ops/conv.hpp"
#include "engines/native/ops/ledger.hpp"

namespace ridgeline::native {
namespace {

// Runs an op on the CPU and on meta tensors of the same shapes; both must state `flops` and give
// the same shape. The result of the CPU.
at::Tensor run(const std::function<at::Tensor(const std::vector<at::Tensor>&)>& op,
               const std::vector<at::Tensor>& inputs, double flops) {
  const c10::InferenceMode inference;
  std::vector<at::Tensor> shapes;
  for (const at::Tensor& input : inputs) shapes.push_back(input.to(at::kMeta));
  Ledger ledger, meta_ledger;
  at::Tensor real, meta;
  {
    const LedgerGuard guard(ledger);
    real = op(inputs);
  }
  {
    const LedgerGuard guard(meta_ledger);
    meta = op(shapes);
  }
  EXPECT_EQ(real.sizes(), meta.sizes());
  EXPECT_EQ(ledger.total().flops, flops);
  EXPECT_EQ(meta_ledger.total().flops, flops);
  EXPECT_EQ(ledger.total().read_bytes, meta_ledger.total().read_bytes);
  EXPECT_EQ(ledger.total().written_bytes, meta_ledger.total().written_bytes);
  EXPECT_EQ(ledger.unique_weight_bytes(), meta_ledger.unique_weight_bytes());
  return real;
}

TEST(Ops_conv1d, equals_aten_with_groups_stride_and_padding) {
  const auto x = at::randn({2, 6, 11}), weight = at::randn({4, 3, 3});
  const auto ours = run([](const auto& t) { return ops::conv1d(t[0], t[1], at::Tensor(), 2, 1); },
                        {x, weight}, 864);
  EXPECT_TRUE(at::allclose(ours, at::conv1d(x, weight, {}, 2, 1, 1, 2), 1e-5, 1e-5));
}

TEST(Ops_conv2d, equals_aten_with_different_sides) {
  const auto x = at::randn({2, 3, 9, 13}), weight = at::randn({5, 3, 4, 3}), bias = at::randn({5});
  const auto ours = run([](const auto& t) { return ops::conv2d(t[0], t[1], t[2], {2, 3}, {1, 2}); },
                        {x, weight, bias}, 14400);
  EXPECT_TRUE(at::allclose(ours, at::conv2d(x, weight, bias, {2, 3}, {1, 2}), 1e-5, 1e-5));
}

TEST(Ops_conv2d, refuses_a_kernel_wider_than_the_input) {
  const c10::InferenceMode inference;
  const auto call = [] {
    return ops::conv2d(at::zeros({1, 1, 2, 2}), at::zeros({1, 1, 3, 1}), {}, {1, 1}, {0, 0});
  };
  EXPECT_THROW(call(), c10::Error);
}

TEST(Ops_patch_convolution, is_a_convolution_with_its_kernel_as_stride) {
  // 9 x 13 pixels hold 2 x 4 patches of 4 x 3; the rest is not read.
  const auto x = at::randn({2, 3, 9, 13}), weight = at::randn({5, 3, 4, 3}), bias = at::randn({5});
  const auto ours = run([](const auto& t) { return ops::patch_convolution(t[0], t[1], t[2]); },
                        {x, weight, bias}, 5760);
  const auto wanted = at::conv2d(x, weight, bias, {4, 3}).flatten(2).transpose(1, 2);
  EXPECT_TRUE(at::allclose(ours, wanted, 1e-5, 1e-5));
}

TEST(Ops_embed_tokens, puts_the_class_in_front_and_adds_positions) {
  const auto patches = at::randn({2, 3, 4}), token = at::randn({4}), positions = at::randn({4, 4});
  const auto ours = run([](const auto& t) { return ops::embed_tokens(t[0], t[1], t[2]); },
                        {patches, token, positions}, 0);
  const auto wanted = at::cat({token.expand({2, 1, 4}), patches}, 1) + positions;
  EXPECT_TRUE(at::allclose(ours, wanted));
}

TEST(Ops_similarity, is_every_product_scaled_by_the_exponential) {
  const auto a = at::randn({3, 4}), b = at::randn({2, 4}), logarithm = at::randn({});
  const auto ours = run(
      [](const auto& t) {
        return ops::scale_by_exp(ops::similarity(ops::l2_normalize(t[0]), ops::l2_normalize(t[1])),
                                 t[2]);
      },
      {a, b, logarithm}, 2 * 3 * 2 * 4);
  for (std::int64_t i = 0; i < 3; ++i) {
    for (std::int64_t j = 0; j < 2; ++j) {
      const double cosine = (a[i].dot(b[j]) / a[i].norm() / b[j].norm()).item<double>();
      EXPECT_NEAR(ours[i][j].item<double>(), cosine * std::exp(logarithm.item<double>()), 1e-5);
    }
  }
}

TEST(Ops_concat, joins_along_any_dimension) {
  const auto a = at::randn({2, 1, 3}), b = at::randn({2, 4, 3});
  for (const std::int64_t dimension : {1, -2}) {
    const auto ours =
        run([=](const auto& t) { return ops::concat({t[0], t[1]}, dimension); }, {a, b}, 0);
    EXPECT_TRUE(ours.equal(at::cat({a, b}, 1)));
  }
}

TEST(Ops_mean, drops_the_dimension) {
  const auto x = at::arange(24, at::kFloat).view({2, 3, 4});
  const auto ours = run([](const auto& t) { return ops::mean(t[0], 1); }, {x}, 0);
  EXPECT_TRUE(at::allclose(ours, x.sum(1) / 3));
}

TEST(Ops_interpolate_bicubic, keeps_an_image_of_the_same_size) {
  const auto x = at::randn({1, 2, 3, 4});
  const auto same = run([](const auto& t) { return ops::interpolate_bicubic(t[0], 3, 4); }, {x}, 0);
  EXPECT_TRUE(at::allclose(same, x, 1e-5, 1e-5));
  const auto wider =
      run([](const auto& t) { return ops::interpolate_bicubic(t[0], 5, 2); }, {x}, 0);
  EXPECT_EQ(wider.sizes().vec(), (std::vector<std::int64_t>{1, 2, 5, 2}));
}

}  // namespace
}  // namespace ridgeline::native
