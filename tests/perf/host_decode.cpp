// A fused decoding step on the CPU beside reading as many bytes, in turns within one process.
//
//   ridgeline-host-decode-bench [small|1b] [float32|bfloat16|int8] [rounds] [depth]
#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <c10/core/InferenceMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "engines/native/ceilings/host/streams.hpp"
#include "engines/native/fused/host/decode_step.hpp"
#include "engines/native/ops/cpu/allocator.hpp"
#include "engines/native/ops/cpu/parallel.hpp"

namespace ridgeline::native::fused {
namespace {

// More than any cache holds, the host's under a virtual machine too.
constexpr std::int64_t kArenaBytes = std::int64_t{1} << 31;

struct Bench {
  DecodeShape shape;
  DecoderTensors tensors;
  std::int64_t bytes = 0;
  bool int8 = false;
};

ops::ProductWeight weight(Bench& bench, std::int64_t rows, std::int64_t columns) {
  const double width = std::sqrt(3.0 / static_cast<double>(columns));
  at::Tensor plain = at::empty({rows, columns}, at::kFloat).uniform_(-width, width);
  ops::ProductWeight made;
  if (bench.int8) {
    made.int8 = ops::quantize_weight(plain);
    bench.bytes += rows * columns + 4 * rows;
  } else {
    made.plain = plain.to(bench.shape.dtype);
    bench.bytes += static_cast<std::int64_t>(made.plain.nbytes());
  }
  return made;
}

Bench make(bool large, const std::string& kind) {
  Bench bench;
  bench.int8 = kind == "int8";
  bench.shape = {.decoder = {.vocab_size = large ? 128256 : 50257,
                             .hidden = large ? 2048 : 768,
                             .intermediate = large ? 8192 : 2048,
                             .layers = large ? 16 : 12,
                             .heads = large ? 32 : 12,
                             .kv_heads = large ? 8 : 12,
                             .head_dim = 64,
                             .norm_eps = 1e-5,
                             .activation = ops::Activation::kSilu,
                             .qkv_bias = false,
                             .output_bias = false,
                             .mlp_bias = false},
                 .pairs = 32,
                 .dtype = kind == "bfloat16" ? at::kBFloat16 : at::kFloat};
  const nn::GatedDecoderShape& d = bench.shape.decoder;
  const at::TensorOptions options(bench.shape.dtype);
  bench.tensors.table = at::empty({d.vocab_size, d.hidden}, at::kFloat).uniform_(-1, 1).to(options);
  const at::Tensor norm = at::ones({d.hidden}, options);
  for (std::int64_t i = 0; i < d.layers; ++i) {
    bench.tensors.layers.push_back(
        {.attention_norm = norm,
         .heads = weight(bench, (d.heads + 2 * d.kv_heads) * d.head_dim, d.hidden),
         .heads_bias = {},
         .output = weight(bench, d.hidden, d.heads * d.head_dim),
         .output_bias = {},
         .mlp_norm = norm,
         .gate_up = weight(bench, 2 * d.intermediate, d.hidden),
         .gate_up_bias = {},
         .down = weight(bench, d.hidden, d.intermediate),
         .down_bias = {}});
  }
  bench.tensors.last_norm = norm;
  bench.tensors.head = weight(bench, d.vocab_size, d.hidden);
  return bench;
}

// Reads all of it with all threads.
void read(const at::Tensor& arena) {
  const std::int64_t words = arena.numel();
  auto* const first = reinterpret_cast<std::uint64_t*>(arena.data_ptr<double>());
  static const auto all = ceilings::ways(ceilings::Kind::kRead, *ceilings::stream_loops().front(),
                                         words / at::get_num_threads());
  ops::cpu::on_each_member([&] {
    const std::int64_t share = words / ops::cpu::team_members();
    const ceilings::Slice slice{first + ops::cpu::team_member() * share, nullptr, nullptr, share};
    volatile std::uint64_t sum = all.front().run(slice, 1);
    (void)sum;
  });
}

double quantile(std::vector<double> values, double share) {
  const auto at =
      values.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

// Median of some calls, after some that leave the caches as a row of such calls does.
template <typename Call>
double milliseconds(const Call& call) {
  std::vector<double> times;
  for (int i = 0; i < 10; ++i) {
    const std::int64_t begin = now_ns();
    call();
    if (i >= 3) times.push_back(1e-6 * static_cast<double>(now_ns() - begin));
  }
  return quantile(times, 0.5);
}

void run(Bench bench, int rounds, std::int64_t depth) {
  const nn::GatedDecoderShape& d = bench.shape.decoder;
  const at::TensorOptions options(bench.shape.dtype);
  nn::KvCache cache({d.layers, 1, d.kv_heads, d.head_dim, depth + 1, 0}, options);
  for (std::int64_t i = 0; i < d.layers; ++i) {
    cache.all(i).key.fill_(0.5);
    cache.all(i).value.fill_(0.25);
  }
  cache.advance(depth);
  bench.bytes += cache.bytes();
  const nn::Rotary::Angles angles{at::ones({1, 1, 1, bench.shape.pairs}, options),
                                  at::zeros({1, 1, 1, bench.shape.pairs}, options)};
  const at::Tensor token = at::full({1}, 17, at::kLong);
  const at::Tensor arena = at::ones({kArenaBytes / 8}, at::kDouble);
  HostDecodeStep step(bench.shape, bench.tensors);
  const std::int64_t words = std::min(bench.bytes / 8, arena.numel());
  const double whole = static_cast<double>(bench.bytes) / static_cast<double>(8 * words);
  std::int64_t at = 0;
  std::vector<double> reads;
  std::vector<double> steps;
  std::vector<double> ratios;
  for (int round = 0; round < rounds; ++round) {
    reads.push_back(whole * milliseconds([&] {
                      at = at + 2 * words > arena.numel() ? 0 : at + words;
                      read(arena.narrow(0, at, words));
                    }));
    steps.push_back(milliseconds([&] { (void)step(token, angles, cache); }));
    ratios.push_back(steps.back() / reads.back());
  }
  fmt::print(
      "{:.1f} MB: reading {:.3f} ms, a step {:.3f} ms; ratio {:.3f} (10 to 90 %: {:.3f} to "
      "{:.3f})\n",
      1e-6 * static_cast<double>(bench.bytes), quantile(reads, 0.5), quantile(steps, 0.5),
      quantile(ratios, 0.5), quantile(ratios, 0.1), quantile(ratios, 0.9));
}

}  // namespace
}  // namespace ridgeline::native::fused

int main(int argc, char** argv) {
  const c10::InferenceMode inference;
  ridgeline::native::ops::cpu::keep_freed_memory(true);
  const std::string size = argc > 1 ? argv[1] : "small";
  const std::string kind = argc > 2 ? argv[2] : "int8";
  ridgeline::native::fused::run(ridgeline::native::fused::make(size == "1b", kind),
                                argc > 3 ? std::atoi(argv[3]) : 300,
                                argc > 4 ? std::atoll(argv[4]) : 128);
  return 0;
}
