// Correctness and time of the implementations of attention.
#include "engines/native/optimize/attention_trial.hpp"

#include <ATen/Context.h>
#include <ATen/ops/_scaled_dot_product_attention_math.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/ones.h>

#include <algorithm>
#include <array>
#include <functional>
#include <limits>

#include "engines/native/ceilings/device_timer.hpp"

namespace ridgeline::native {
namespace {

using ops::AttentionKernel;

constexpr std::array kKernels = {AttentionKernel::kFlash, AttentionKernel::kCudnn,
                                 AttentionKernel::kEfficient, AttentionKernel::kMath};
// Step by step holds all scores several times.
constexpr double kMostScoreBytes = 64e6;

double score_bytes(const AttentionInputs& inputs) {
  return static_cast<double>(inputs.query.size(0) * inputs.query.size(1)) *
         static_cast<double>(inputs.query.size(2)) * static_cast<double>(inputs.key.size(2)) *
         static_cast<double>(inputs.query.element_size());
}

bool takes(const AttentionInputs& in, AttentionKernel kernel) {
  if (kernel == AttentionKernel::kMath) return score_bytes(in) <= kMostScoreBytes;
  return ops::attention_kernel_name(in.query, in.key, in.value, in.mask,
                                    {.kernel = kernel, .causal = in.causal}) == name_of(kernel);
}

// Gives the device enough to do that the host has handed over what follows before it is done: else
// short kernels would be timed by how fast the host launches them.
class HeadStart {
 public:
  explicit HeadStart(at::Device device) {
    constexpr std::int64_t kSide = 2048;
    const auto options = at::TensorOptions().dtype(at::kFloat).device(device);
    a_ = at::empty({kSide, kSide}, options).normal_();
    product_ = at::empty({kSide, kSide}, options);
  }
  void operator()() {
    constexpr int kProducts = 4;
    const at::NoTF32Guard slowly;
    for (int i = 0; i < kProducts; ++i) at::mm_out(product_, a_, a_);
  }

 private:
  at::Tensor a_, product_;
};

double seconds_of(const AttentionInputs& in, AttentionKernel kernel, ceilings::DeviceTimer& timer,
                  HeadStart& head_start) {
  constexpr int kWarmUp = 2;
  constexpr int kCalls = 10;
  constexpr int kTurns = 3;
  const auto call = [&] {
    ops::attention(in.query, in.key, in.value, in.mask, {.kernel = kernel, .causal = in.causal});
  };
  for (int i = 0; i < kWarmUp; ++i) call();
  double best = std::numeric_limits<double>::infinity();
  for (int turn = 0; turn < kTurns; ++turn) {
    head_start();
    best = std::min(best, timer.time(kCalls, call));
  }
  return best;
}

}  // namespace

ops::AttentionCase AttentionInputs::call() const {
  return ops::attention_case(query, key, mask, causal);
}

AttentionInputs attention_inputs(const Model::AttentionProbe& probe, at::ScalarType dtype,
                                 at::Device device) {
  const auto options = at::TensorOptions().dtype(dtype).device(device);
  const std::int64_t batch = probe.query[0], heads = probe.query[1], width = probe.query[3];
  const std::int64_t queries = probe.query[2], key_heads = probe.key[1], keys = probe.key[2];
  const auto made = [&](std::initializer_list<std::int64_t> shape) {
    const at::Tensor tensor = at::empty(shape, options);
    return device.is_meta() ? tensor : tensor.normal_();
  };
  AttentionInputs in;
  in.causal = probe.causal;
  if (queries == keys) {
    // One product makes all three, side by side.
    const at::Tensor all = made({batch, queries, heads + 2 * key_heads, width}).transpose(1, 2);
    in.query = all.narrow(1, 0, heads);
    in.key = all.narrow(1, heads, key_heads);
    in.value = all.narrow(1, heads + key_heads, key_heads);
  } else {
    // Keys of a cache.
    in.query = made({batch, queries, heads, width}).transpose(1, 2);
    in.key = made({batch, key_heads, keys, width});
    in.value = made({batch, key_heads, keys, width});
  }
  if (probe.mask) {
    in.mask = at::empty({batch, 1, 1, keys}, options.dtype(at::kBool));
    if (!device.is_meta()) in.mask.fill_(true);
  }
  return in;
}

double attention_bound(at::ScalarType dtype) {
  if (dtype == at::kFloat) return 1e-4;
  return dtype == at::kHalf ? 5e-3 : 2e-2;
}

double attention_error(const AttentionInputs& in, AttentionKernel kernel) {
  // A group of heads of one row, and the last queries: enough to see what is wrong, and small.
  const std::int64_t group = in.query.size(1) / in.key.size(1);
  const std::int64_t queries = in.query.size(2);
  const std::int64_t looked_at = std::min<std::int64_t>(queries, 64);
  const auto part = [&](const at::Tensor& x, std::int64_t heads) {
    return x.narrow(0, 0, 1).narrow(1, 0, heads);
  };
  const auto last = [&](const at::Tensor& x) {
    return part(x, group).narrow(2, queries - looked_at, looked_at);
  };
  std::optional<at::Tensor> mask;
  if (in.causal && queries > 1) {
    const auto options = at::TensorOptions().dtype(at::kLong).device(in.query.device());
    const at::Tensor own = at::arange(queries - looked_at, queries, options).unsqueeze(1);
    const at::Tensor unseen = at::arange(in.key.size(2), options).unsqueeze(0).gt(own);
    mask = unseen.to(at::kFloat).mul_(-65504.0);
  }
  const at::NoTF32Guard exactly;
  const at::Tensor right = std::get<0>(at::_scaled_dot_product_attention_math(
      last(in.query).to(at::kFloat), part(in.key, 1).to(at::kFloat),
      part(in.value, 1).to(at::kFloat), mask, 0.0, /*is_causal=*/false, std::nullopt, std::nullopt,
      /*enable_gqa=*/group > 1));
  const at::Tensor found = last(ops::attention(in.query, in.key, in.value, in.mask,
                                               {.kernel = kernel, .causal = in.causal}))
                               .to(at::kFloat);
  return (found - right).abs().max().item<double>() / right.abs().max().item<double>();
}

AttentionKernel best_of(std::span<const AttentionTrial> trials, std::string_view own,
                        double bound) {
  constexpr double kGain = 0.97;
  const AttentionTrial* best = nullptr;
  const AttentionTrial* atens = nullptr;
  for (const AttentionTrial& trial : trials) {
    // Not a number is not right.
    if (!(trial.error <= bound)) continue;
    if (best == nullptr || trial.seconds < best->seconds) best = &trial;
    if (name_of(trial.kernel) == own) atens = &trial;
  }
  if (best == nullptr || best == atens) return AttentionKernel::kAuto;
  if (atens != nullptr && best->seconds > kGain * atens->seconds) return AttentionKernel::kAuto;
  return best->kernel;
}

std::vector<AttentionTrial> try_attention(const AttentionInputs& inputs) {
  std::vector<AttentionTrial> trials;
  for (const AttentionKernel kernel : kKernels) {
    if (takes(inputs, kernel)) trials.push_back({.kernel = kernel});
  }
  ceilings::DeviceTimer timer(inputs.query.device());
  HeadStart head_start(inputs.query.device());
  for (AttentionTrial& trial : trials) {
    trial.error = attention_error(inputs, trial.kernel);
    trial.seconds = seconds_of(inputs, trial.kernel, timer, head_start);
  }
  return trials;
}

}  // namespace ridgeline::native
