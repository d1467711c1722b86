// Bandwidth of products of one row: our kernels, ATen, oneDNN's packed product, and a plain sum.
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
#include "engines/native/ops/cpu/allocator.hpp"
#include "engines/native/ops/cpu/kernels.hpp"
#include "engines/native/ops/cpu/loops.hpp"
#include "engines/native/ops/ops.hpp"

namespace {

using ridgeline::now_ns;
namespace ops = ridgeline::native::ops;

// Seconds of one call, the best of several rounds over all weights: together they do not fit into a
// cache.
template <typename Weights, typename Multiply>
double seconds_of(const Weights& weights, const Multiply& multiply) {
  constexpr int kRounds = 9;
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
  std::vector<at::Tensor> halves;
  std::vector<ops::cpu::Int8Rows> int8;
  for (std::int64_t i = 0; i < std::max<std::int64_t>(1, kBytesOfAll / (in * out * 4)); ++i) {
    plain.push_back(at::randn({out, in}));
    packed.push_back(ops::pack_weight(plain.back()));
    halves.push_back(plain.back().to(at::kBFloat16));
    int8.push_back(ops::cpu::to_int8(plain.back()));
  }
  const at::Tensor x = at::randn({1, 1, in});
  const at::Tensor half_x = x.to(at::kBFloat16);
  const auto ours = [](const at::Tensor& from) {
    return [&from](const auto& w) { return ops::cpu::row_product(from, w, {}); };
  };
  const double aten = seconds_of(plain, [&](const at::Tensor& w) { return at::linear(x, w); });
  const double onednn = seconds_of(packed, [&](const at::Tensor& w) {
    return ops::linear(x, ops::ProductWeight{{}, w, {}, false}, {});
  });
  const double aten_half =
      seconds_of(halves, [&](const at::Tensor& w) { return at::linear(half_x, w); });
  fmt::print(
      "1×{} by {}×{}, GB/s: float32 {:.1f} (ATen {:.1f}, oneDNN packed {:.1f}), bfloat16 {:.1f} "
      "(ATen {:.1f}), int8 {:.1f}\n",
      in, in, out, bytes / seconds_of(plain, ours(x)) / 1e9, bytes / aten / 1e9,
      bytes / onednn / 1e9, bytes / 2 / seconds_of(halves, ours(half_x)) / 1e9,
      bytes / 2 / aten_half / 1e9, bytes / 4 / seconds_of(int8, ours(x)) / 1e9);
}

// Rows that stay in the first caches: what the loops compute at most, on one thread.
void measure_loops(const ops::cpu::Loops& loops) {
  constexpr std::int64_t kSize = 2048;
  constexpr int kCalls = 20'000;
  const at::Tensor row = at::randn({1, kSize});
  const at::Tensor half = row.to(at::kBFloat16);
  const ops::cpu::Int8Rows int8 = ops::cpu::to_int8(row);
  std::vector<float> x(kSize, 1.f);
  std::vector<std::int16_t> rounded(kSize, 1);
  float sum = 0;
  const auto rate = [&](std::int64_t bytes, const auto& call) {
    const std::vector<int> calls(kCalls);
    return static_cast<double>(bytes) / seconds_of(calls, [&](int) { sum += call(); }) / 1e9;
  };
  fmt::print("{} loops in cache, GB/s: float32 {:.0f}, bfloat16 {:.0f}, int8 {:.0f}\n", loops.name,
             rate(4 * kSize,
                  [&] { return loops.dot_float32(row.const_data_ptr<float>(), x.data(), kSize); }),
             rate(2 * kSize,
                  [&] {
                    return loops.dot_bfloat16(
                        static_cast<const std::uint16_t*>(half.const_data_ptr()), x.data(), kSize);
                  }),
             rate(kSize, [&] {
               return loops.dot_int8(int8.rows.const_data_ptr<std::int8_t>(), rounded.data(),
                                     x.data(), kSize);
             }));
  if (sum == 1) fmt::print("\n");  // the sum is used
}

}  // namespace

int main(int argc, char** argv) {
  const c10::InferenceMode inference;
  at::set_num_threads(argc > 1 ? std::max(1, std::atoi(argv[1])) : 1);
  ops::cpu::keep_freed_memory(ops::cpu::has_huge_pages());
  measure_loops(ops::cpu::best_loops());
  for (const auto& [in, out] : {std::pair{768, 2304}, {768, 4096}, {2048, 768}, {768, 50257}}) {
    measure(in, out);
  }
  const std::vector<at::Tensor> large = {at::randn({100'000'000})};
  const double sum = seconds_of(large, [](const at::Tensor& all) { return all.sum(); });
  fmt::print("sum of 400 MB: {:.1f} GB/s\n", 0.4 / sum);
}
