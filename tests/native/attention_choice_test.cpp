// Which implementation of attention runs: looking it up, pinning it, finding a way to it, and
// choosing the fastest that is right.
#include <ATen/Context.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include <limits>
#include <utility>
#include <vector>

#include "engines/native/ops/ops.hpp"
#include "engines/native/optimize/attention_trial.hpp"

namespace ridgeline::native {
namespace {

using ops::AttentionCase;
using ops::AttentionChoice;
using ops::AttentionKernel;
using ops::AttentionWay;

TEST(AttentionChoice, one_for_all_or_by_case) {
  EXPECT_EQ(AttentionChoice().of({}), AttentionKernel::kAuto);
  EXPECT_EQ(AttentionChoice(AttentionKernel::kFlash).of({.queries = 5}), AttentionKernel::kFlash);
  const AttentionCase prompt = {.heads = 8, .queries = 16, .keys = 16, .causal = true};
  AttentionCase masked = prompt;
  masked.mask = true;
  const AttentionChoice table(AttentionChoice::Table{{prompt, AttentionKernel::kCudnn}});
  EXPECT_EQ(table.of(prompt), AttentionKernel::kCudnn);
  EXPECT_EQ(table.of(masked), AttentionKernel::kAuto);
  AttentionCase longer = prompt;
  longer.keys = 17;
  EXPECT_EQ(table.of(longer), AttentionKernel::kAuto);
}

TEST(AttentionChoice, one_query_takes_the_row_with_the_nearest_number_of_keys) {
  AttentionCase step = {.heads = 8, .queries = 1, .keys = 100};
  AttentionCase across = step;
  across.keys = 1500;
  const AttentionChoice table(
      AttentionChoice::Table{{step, AttentionKernel::kFlash}, {across, AttentionKernel::kCudnn}});
  step.keys = 130;
  EXPECT_EQ(table.of(step), AttentionKernel::kFlash);
  step.keys = 1400;
  EXPECT_EQ(table.of(step), AttentionKernel::kCudnn);
  step.heads = 4;
  EXPECT_EQ(table.of(step), AttentionKernel::kAuto);
}

// Torch, as find_way() sees it: what it answers when asked for a kernel, without and with repeated
// heads.
struct FakeTorch {
  AttentionKernel pinned[2];
  AttentionKernel by_itself[2];
  std::vector<std::pair<AttentionKernel, bool>> asked = {};

  AttentionKernel operator()(AttentionKernel kernel, bool repeated) {
    asked.emplace_back(kernel, repeated);
    return (kernel == AttentionKernel::kAuto ? by_itself : pinned)[repeated ? 1 : 0];
  }
};

AttentionWay way(FakeTorch& torch, AttentionKernel wanted, bool grouped) {
  return find_way(wanted, grouped, std::ref(torch));
}

constexpr auto kAuto = AttentionKernel::kAuto;
constexpr auto kFlash = AttentionKernel::kFlash;
constexpr auto kCudnn = AttentionKernel::kCudnn;
constexpr auto kEfficient = AttentionKernel::kEfficient;
constexpr auto kMath = AttentionKernel::kMath;

TEST(AttentionWay, repeats_heads_only_where_groups_would_fall_to_math) {
  FakeTorch knows = {{kFlash, kFlash}, {kCudnn, kCudnn}};
  AttentionWay found = way(knows, kFlash, /*grouped=*/true);
  EXPECT_EQ(found.runs, kFlash);
  EXPECT_EQ(found.pinned, kFlash);
  EXPECT_FALSE(found.repeat);
  EXPECT_EQ(knows.asked.size(), 1u);

  // float32: only the memory-efficient one, and that without groups.
  FakeTorch float32 = {{kMath, kEfficient}, {kMath, kEfficient}};
  found = way(float32, kAuto, true);
  EXPECT_EQ(found.runs, kEfficient);
  EXPECT_TRUE(found.repeat);
}

TEST(AttentionWay, gives_way_to_atens_choice_where_the_kernel_cannot) {
  FakeTorch masked = {{kMath, kMath}, {kCudnn, kCudnn}};
  AttentionWay found = way(masked, kFlash, false);
  EXPECT_EQ(found.pinned, kAuto);
  EXPECT_EQ(found.runs, kCudnn);
  FakeTorch nothing = {{kMath, kMath}, {kMath, kMath}};
  found = way(nothing, kFlash, true);
  EXPECT_EQ(found.runs, kMath);
  EXPECT_FALSE(found.repeat);
  FakeTorch unasked = {{kFlash, kFlash}, {kFlash, kFlash}};
  EXPECT_EQ(way(unasked, kMath, true).runs, kMath);
  EXPECT_TRUE(unasked.asked.empty());
}

TEST(PinnedAttention, prefers_one_kernel_and_puts_everything_back) {
  at::Context& context = at::globalContext();
  const auto order = context.sDPPriorityOrder();
  for (const AttentionKernel kernel : {kFlash, kCudnn, kEfficient}) {
    const ops::PinnedAttention pin(kernel);
    EXPECT_EQ(context.userEnabledFlashSDP(), kernel == kFlash);
    EXPECT_EQ(context.userEnabledCuDNNSDP(), kernel == kCudnn);
    EXPECT_EQ(context.userEnabledMemEfficientSDP(), kernel == kEfficient);
    EXPECT_TRUE(context.userEnabledMathSDP());
    // Math is never asked before the kernel.
    EXPECT_EQ(context.sDPPriorityOrder().back(), at::SDPBackend::math);
  }
  EXPECT_TRUE(context.userEnabledFlashSDP());
  EXPECT_TRUE(context.userEnabledCuDNNSDP());
  EXPECT_TRUE(context.userEnabledMemEfficientSDP());
  EXPECT_EQ(context.sDPPriorityOrder(), order);
}

TEST(PinnedAttention, keeps_an_order_that_torch_sets_meanwhile) {
  at::Context& context = at::globalContext();
  const auto before = context.sDPPriorityOrder();
  const std::vector<std::int64_t> torchs = {3, 1, 2, 0, 4};
  {
    const ops::PinnedAttention pin(kFlash);
    context.setSDPPriorityOrder(torchs);
  }
  EXPECT_EQ(context.sDPPriorityOrder().front(), at::SDPBackend::cudnn_attention);
  std::vector<std::int64_t> restored;
  for (const auto backend : before) restored.push_back(static_cast<std::int64_t>(backend));
  context.setSDPPriorityOrder(restored);
}

TEST(Ops_attention, repeated_heads_equal_grouped_ones) {
  const c10::InferenceMode inference;
  const auto query = at::randn({2, 6, 5, 8}), key = at::randn({2, 3, 5, 8}),
             value = at::randn({2, 3, 5, 8});
  const auto wide = ops::repeat_heads(key, 6);
  ASSERT_EQ(wide.sizes(), query.sizes());
  EXPECT_TRUE(wide.select(1, 2).equal(key.select(1, 1)));
  for (const AttentionKernel kernel : {kAuto, kMath}) {
    for (const bool causal : {false, true}) {
      const auto grouped =
          ops::attention(query, key, value, {}, {.kernel = kernel, .causal = causal});
      const auto repeated = ops::attention(query, wide, ops::repeat_heads(value, 6), {},
                                           {.kernel = kernel, .causal = causal});
      EXPECT_TRUE(at::allclose(grouped, repeated, 1e-5, 1e-5));
    }
  }
}

TEST(Ops_attention, takes_a_mask_of_either_kind) {
  const c10::InferenceMode inference;
  const auto query = at::randn({2, 4, 3, 8}), key = at::randn({2, 2, 7, 8}),
             value = at::randn({2, 2, 7, 8});
  at::Tensor mask = at::ones({2, 1, 1, 7}, at::kBool);
  mask.select(0, 1).narrow(2, 4, 3).fill_(false);
  const at::Tensor added = ops::additive_mask(mask, at::kFloat);
  EXPECT_EQ(added.select(0, 1).select(2, 4).item<float>(), -std::numeric_limits<float>::infinity());
  EXPECT_EQ(ops::additive_mask(mask.to(at::kMeta), at::kBFloat16).scalar_type(), at::kBFloat16);
  for (const AttentionKernel kernel : {kAuto, kMath}) {
    const auto boolean = ops::attention(query, key, value, mask, {.kernel = kernel});
    const auto additive = ops::attention(query, key, value, added, {.kernel = kernel});
    EXPECT_TRUE(at::allclose(boolean, additive, 1e-5, 1e-5));
    const auto shorter =
        ops::attention(query.narrow(0, 1, 1), key.narrow(0, 1, 1).narrow(2, 0, 4),
                       value.narrow(0, 1, 1).narrow(2, 0, 4), {}, {.kernel = kernel});
    EXPECT_TRUE(at::allclose(additive.narrow(0, 1, 1), shorter, 1e-5, 1e-5));
  }
}

TEST(AttentionTrial, the_fastest_that_is_right_wins_by_more_than_noise) {
  const double bound = 1e-2;
  std::vector<AttentionTrial> trials = {
      {kFlash, 10e-6, 1e-3}, {kCudnn, 9e-6, 1e-3}, {kMath, 50e-6, 0}};
  EXPECT_EQ(best_of(trials, "flash", bound), kCudnn);
  EXPECT_EQ(best_of(trials, "cudnn", bound), kAuto);
  trials[1].seconds = 9.9e-6;
  EXPECT_EQ(best_of(trials, "flash", bound), kAuto);
  trials[1] = {kCudnn, 1e-6, 0.5};
  EXPECT_EQ(best_of(trials, "flash", bound), kAuto);
  // Not a number is wrong, and what ATen would run must be right too.
  trials[0].error = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(best_of(trials, "flash", bound), kMath);
  EXPECT_EQ(best_of({}, "flash", bound), kAuto);
}

TEST(AttentionTrial, sees_the_error_of_each_kind_of_attention) {
  const c10::InferenceMode inference;
  const std::vector<Model::AttentionProbe> probes = {{{2, 4, 70, 16}, {2, 4, 70, 16}, false, false},
                                                     {{2, 4, 70, 16}, {2, 2, 70, 16}, false, true},
                                                     {{2, 4, 70, 16}, {2, 4, 70, 16}, true, false},
                                                     {{2, 4, 5, 16}, {2, 4, 70, 16}, false, false},
                                                     {{2, 4, 1, 16}, {2, 2, 70, 16}, false, true}};
  for (const auto& probe : probes) {
    const AttentionInputs inputs = attention_inputs(probe, at::kFloat, at::kCPU);
    EXPECT_EQ(inputs.query.sizes(), at::IntArrayRef(probe.query));
    EXPECT_EQ(inputs.key.sizes(), at::IntArrayRef(probe.key));
    EXPECT_LT(attention_error(inputs, kAuto), attention_bound(at::kFloat));
    EXPECT_LT(attention_error(inputs, kMath), attention_bound(at::kFloat));
  }
  const auto trials = try_attention(attention_inputs(probes.front(), at::kFloat, at::kCPU));
  ASSERT_EQ(trials.size(), 2u);
  for (const AttentionTrial& trial : trials) EXPECT_GT(trial.seconds, 0);
}

}  // namespace
}  // namespace ridgeline::native
