// Times a fused decoding step of the Llama 3 8B shape under several tunings: the figures behind
// DecodeTuning and docs/performance.md. Needs a CUDA device.
//
//   ridgeline-fused-bench [depth ...]        (default: 512 4096)
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <c10/core/InferenceMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <vector>

#include "engines/native/device/backend.hpp"
#include "engines/native/device/device.hpp"
#include "engines/native/fused/cuda/decode_step.hpp"

namespace ridgeline::native::fused {
namespace {

constexpr int kTimed = 25;

struct Bench {
  DecodeShape shape;
  DecoderTensors tensors;
  nn::Rotary::Angles angles;
  at::Tensor token;
  at::TensorOptions options;
};

at::Tensor uniform(const Bench& bench, at::IntArrayRef sizes, double center, double half_width) {
  return at::empty(sizes, bench.options).uniform_(center - half_width, center + half_width);
}

at::Tensor weight(const Bench& bench, std::int64_t rows, std::int64_t columns) {
  return uniform(bench, {rows, columns}, 0, std::sqrt(3.0 / static_cast<double>(columns)));
}

Bench make(at::Device device) {
  Bench bench;
  bench.shape = {.decoder = {.vocab_size = 128256,
                             .hidden = 4096,
                             .intermediate = 14336,
                             .layers = 32,
                             .heads = 32,
                             .kv_heads = 8,
                             .head_dim = 128,
                             .norm_eps = 1e-5,
                             .activation = ops::Activation::kSilu,
                             .qkv_bias = false,
                             .output_bias = false,
                             .mlp_bias = false},
                 .pairs = 64,
                 .dtype = at::kBFloat16};
  bench.options = at::TensorOptions().dtype(at::kBFloat16).device(device);
  const nn::GatedDecoderShape& d = bench.shape.decoder;
  bench.tensors.table = uniform(bench, {d.vocab_size, d.hidden}, 0, 1);
  bench.tensors.head.plain = weight(bench, d.vocab_size, d.hidden);
  bench.tensors.last_norm = uniform(bench, {d.hidden}, 1, 0.1);
  for (std::int64_t i = 0; i < d.layers; ++i) {
    nn::GatedLayerTensors layer;
    layer.attention_norm = uniform(bench, {d.hidden}, 1, 0.1);
    layer.mlp_norm = uniform(bench, {d.hidden}, 1, 0.1);
    layer.heads.plain = weight(bench, (d.heads + 2 * d.kv_heads) * d.head_dim, d.hidden);
    layer.output.plain = weight(bench, d.hidden, d.heads * d.head_dim);
    layer.gate_up.plain = weight(bench, 2 * d.intermediate, d.hidden);
    layer.down.plain = weight(bench, d.hidden, d.intermediate);
    bench.tensors.layers.push_back(std::move(layer));
  }
  bench.angles = {uniform(bench, {1, 1, 1, bench.shape.pairs}, 0, 1),
                  uniform(bench, {1, 1, 1, bench.shape.pairs}, 0, 1)};
  bench.token = at::full({1}, 17, bench.options.dtype(at::kLong));
  return bench;
}

// Median of replays of one recorded step, in ms of the device's clock.
Result<double> milliseconds(const Bench& bench, const nn::KvCache& cache,
                            const DecodeTuning& tuning, at::Device device) {
  RIDGELINE_TRY(auto kernels, CudaDecodeKernels::build(bench.shape, device, tuning));
  CudaDecodeStep step(std::move(kernels), bench.tensors);
  DeviceBackend& backend = backend_of(device);
  at::Tensor logits = step(bench.token, bench.angles, cache);
  backend.wait();
  RIDGELINE_TRY(const std::unique_ptr<GraphRecorder> recorder, backend.graph_recorder());
  recorder->begin();
  logits = step(bench.token, bench.angles, cache);
  const std::unique_ptr<Graph> graph = recorder->end();
  const std::unique_ptr<SpanClock> clock = backend.clock();
  std::vector<double> times;
  for (int i = 0; i < kTimed; ++i) {
    clock->begin();
    graph->replay();
    clock->end();
    backend.wait();
    times.push_back(1e-6 * static_cast<double>(clock->ns()));
  }
  std::nth_element(times.begin(), times.begin() + kTimed / 2, times.end());
  return times[kTimed / 2];
}

struct Row {
  const char* name;
  DecodeTuning tuning;
};

std::vector<Row> rows() {
  std::vector<Row> table = {{"default", {}}};
  const auto with = [&](const char* name, const auto& change) {
    table.push_back({name, {}});
    change(table.back().tuning);
  };
  with("heads: 8 warps, 16 in flight", [](auto& t) { t.heads = {8, 16, 2, 2}; });
  with("heads: one block, no neighbour", [](auto& t) { t.heads = {16, 8, 1, 1}; });
  with("output: 4 in flight", [](auto& t) { t.output = {16, 4, 2, 2}; });
  with("gate: 4 blocks", [](auto& t) { t.gate = {16, 8, 2, 4}; });
  with("gate: 3 blocks of 8 warps", [](auto& t) { t.gate = {8, 8, 3, 3}; });
  with("down: 3 blocks of 8 warps", [](auto& t) { t.down = {8, 8, 3, 3}; });
  with("down: 14 warps", [](auto& t) { t.down = {16, 8, 1, 1}; });
  with("down: 28 warps", [](auto& t) { t.down = {32, 8, 1, 1}; });
  with("logits: 3 blocks of 8 warps", [](auto& t) { t.logits = {8, 8, 3, 3}; });
  with("attention: 4 tokens a worker", [](auto& t) {
    t.attention_burst = 4;
    t.attention_resident = 1;
  });
  with("default", [](auto&) {});
  return table;
}

Status run(const std::vector<std::int64_t>& depths) {
  RIDGELINE_TRY(const at::Device device, open_device("cuda:0"));
  RIDGELINE_CHECK(backend_of(device).use_stream(StreamPriority::kHigh));
  const Bench bench = make(device);
  const nn::GatedDecoderShape& d = bench.shape.decoder;
  for (const std::int64_t depth : depths) {
    nn::KvCache cache({d.layers, 1, d.kv_heads, d.head_dim, depth + 1, 0}, bench.options);
    for (std::int64_t i = 0; i < d.layers; ++i) {
      const nn::KvCache::View view = cache.all(i);
      view.key.uniform_(-1, 1);
      view.value.uniform_(-1, 1);
    }
    cache.advance(depth);
    for (const Row& row : rows()) {
      RIDGELINE_TRY(const double ms, milliseconds(bench, cache, row.tuning, device));
      fmt::print("depth {:5}  {:34} {:.3f} ms\n", depth, row.name, ms);
    }
  }
  return {};
}

}  // namespace
}  // namespace ridgeline::native::fused

int main(int argc, char** argv) {
  const c10::InferenceMode inference;
  std::vector<std::int64_t> depths;
  for (int i = 1; i < argc; ++i) depths.push_back(std::atoll(argv[i]));
  if (depths.empty()) depths = {512, 4096};
  const ridgeline::Status status = ridgeline::native::fused::run(depths);
  if (!status) fmt::print(stderr, "{}\n", status.error().line());
  return status ? 0 : 1;
}
