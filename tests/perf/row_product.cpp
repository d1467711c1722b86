// Bandwidth of products of one row: our kernel, ATen, oneDNN's packed product, and a plain sum.
//   ridgeline-row-product-bench [THREADS]
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/randn.h>
#include <c10/core/InferenceMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <vector>

#include "base/clock.hpp"
#include "engines/native/ops/cpu/kernels.hpp"
#include "engines/native/ops/ops.hpp"

namespace {

using ridgeline::now_ns;
namespace ops = ridgeline::native::ops;

// Seconds of one call, the best of several rounds over all weights: together they do not fit into a
// cache.
template <typename Weights, typename Multiply>
double seconds_of(const Weights& weights, const Multiply& multiply) {
  constexpr int kRounds = 7;
  double best = std::numeric_limits<double>::infinity();
  for (int round = 0; round < kRounds; ++round) {
    const std::int64_t begin = now_ns();
    for (const auto& weight : weights) multiply(weight);
    best = std::min(best, 1e-9 * static_cast<double>(now_ns() - begin));
  }
  return best / static_cast<double>(weights.size());
}

void measure(std::int64_t in, std::int64_t out) {
  constexpr std::int64_t kBytesOfAll = 400'000'000;
  const double bytes = static_cast<double>(in * out * 4);
  std::vector<at::Tensor> plain;
  std::vector<at::Tensor> packed;
  for (std::int64_t i = 0; i < std::max<std::int64_t>(1, kBytesOfAll / (in * out * 4)); ++i) {
    plain.push_back(at::randn({out, in}));
    packed.push_back(ops::pack_weight(plain.back()));
  }
  const at::Tensor x = at::randn({1, 1, in});
  const double ours =
      seconds_of(plain, [&](const at::Tensor& w) { return ops::cpu::row_product(x, w, {}); });
  const double aten = seconds_of(plain, [&](const at::Tensor& w) { return at::linear(x, w); });
  const double onednn = seconds_of(packed, [&](const at::Tensor& w) {
    return ops::linear(x, ops::ProductWeight{{}, w, false}, {});
  });
  fmt::print("1×{} by {}×{}: row_product {:.1f} GB/s, ATen {:.1f}, oneDNN packed {:.1f}\n", in, in,
             out, bytes / ours / 1e9, bytes / aten / 1e9, bytes / onednn / 1e9);
}

}  // namespace

int main(int argc, char** argv) {
  const c10::InferenceMode inference;
  at::set_num_threads(argc > 1 ? std::max(1, std::atoi(argv[1])) : 1);
  for (const auto& [in, out] : {std::pair{768, 2304}, {768, 4096}, {2048, 768}, {768, 50257}}) {
    measure(in, out);
  }
  const std::vector<at::Tensor> large = {at::randn({100'000'000})};
  const double sum = seconds_of(large, [](const at::Tensor& all) { return all.sum(); });
  fmt::print("sum of 400 MB: {:.1f} GB/s\n", 0.4 / sum);
}
