// What only a CUDA device can show; skipped without one.
#include <ATen/ops/allclose.h>
#include <ATen/ops/empty.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "engines/native/device/device.hpp"
#include "engines/native/models/side_stream.hpp"
#include "engines/native/optimize/attention_trial.hpp"
#include "engines/native/optimize/knobs.hpp"
#include "engines/native/scope/uniform.hpp"
#include "tests/native/tiny_model.hpp"

namespace ridgeline::native {
namespace {

class OnCuda : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto opened = open_device("cuda:0");
    if (!opened) GTEST_SKIP() << opened.error().line();
    device = *opened;
  }

  c10::InferenceMode inference;
  at::Device device = at::kCPU;
};

TEST_F(OnCuda, synthetic_weights_are_those_of_the_cpu_bit_by_bit) {
  const auto on_device = synthetic_source(9);
  const auto on_cpu = synthetic_source(9);
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16, at::kHalf}) {
    // Whole runs of a thread and not, one block and many, every distribution.
    for (const Shape& shape : std::vector<Shape>{{1}, {7}, {4096}, {333, 1001}, {2, 9'000'001}}) {
      for (const Init init : {Init::kWeight, Init::kEmbedding, Init::kNormWeight, Init::kBias}) {
        const at::Tensor there = on_device->read("w", shape, init, {dtype, device}).value();
        const at::Tensor here = on_cpu->read("w", shape, init, {dtype}).value();
        ASSERT_TRUE(there.is_cuda());
        ASSERT_TRUE(there.cpu().equal(here)) << dtype << " " << to_string(shape);
      }
    }
  }
  EXPECT_EQ(on_device->note(), "");
}

TEST_F(OnCuda, every_kernel_of_attention_is_right) {
  const std::vector<Model::AttentionProbe> probes = {
      {{1, 12, 128, 64}, {1, 12, 128, 64}, false, false},
      {{4, 12, 128, 64}, {4, 12, 128, 64}, true, false},
      {{1, 12, 197, 64}, {1, 12, 197, 64}, false, false},
      {{1, 8, 77, 64}, {1, 8, 77, 64}, false, true},
      {{1, 12, 1500, 64}, {1, 12, 1500, 64}, false, false},
      {{1, 32, 512, 128}, {1, 8, 512, 128}, false, true},
      {{2, 32, 100, 128}, {2, 8, 100, 128}, true, false},
      {{1, 32, 1, 128}, {1, 8, 4096, 128}, false, true},
      {{3, 32, 1, 128}, {3, 8, 513, 128}, true, false}};
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16, at::kHalf}) {
    for (const auto& probe : probes) {
      const AttentionInputs inputs = attention_inputs(probe, dtype, device);
      const std::vector<AttentionTrial> trials = try_attention(inputs);
      EXPECT_FALSE(trials.empty());
      for (const AttentionTrial& trial : trials) {
        EXPECT_LE(trial.error, attention_bound(dtype)) << name_of(trial.kernel);
        // A table for the reader: kernel, shape, time.
        std::printf("%-9s %-8s %s %s%s %8.1f us  error %.1e\n",
                    std::string(name_of(trial.kernel)).c_str(), std::string(name_of(dtype)).c_str(),
                    to_string(probe.query).c_str(), to_string(probe.key).c_str(),
                    probe.mask ? " mask" : (probe.causal ? " causal" : ""), trial.seconds * 1e6,
                    trial.error);
      }
    }
  }
}

KnobOutcome apply(std::string_view id, const std::string& value, testing::TinyModel& tiny,
                  const NamedTensors& inputs, at::Device device, RunOptions& options) {
  KnobContext context{.value = value, .device = device, .dtype = at::kFloat};
  context.declarations = tiny.declarations.get();
  context.model = tiny.model.get();
  context.inputs = &inputs;
  context.run_options = &options;
  for (const Knob& knob : knobs()) {
    if (knob.id == id) return knob.apply(context).value();
  }
  return {};
}

void expect_same(const NamedTensors& a, const NamedTensors& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_TRUE(at::allclose(a[i].second, b[i].second, 1e-3, 1e-3)) << a[i].first;
  }
}

struct Loaded {
  testing::TinyModel tiny;
  NamedTensors inputs;

  Loaded(const char* family, const char* architecture, at::Device device) {
    const auto source = synthetic_source(1);
    tiny = testing::make_tiny(family, architecture, testing::tiny_config(family, architecture),
                              *source, device);
    Workload workload;
    workload.batch = 2;
    workload.sequence = 6;
    inputs = synthetic_inputs(*tiny.model->input_specs(workload), 1, at::kFloat, false);
    for (auto& [name, tensor] : inputs) tensor = tensor.to(device);
  }
};

TEST_F(OnCuda, towers_side_by_side_give_what_they_give_in_turn) {
  Loaded clip("clip", "CLIPModel", device);
  RunOptions options;
  EXPECT_TRUE(apply("towers", "auto", clip.tiny, clip.inputs, device, options).applied);
  EXPECT_TRUE(options.parallel_towers);
  EXPECT_TRUE(SideStream(device).is_parallel());
  const NamedTensors serial = clip.tiny.model->forward(clip.inputs).value().call();
  clip.tiny.model->set_options(options);
  const Phase parallel = clip.tiny.model->forward(clip.inputs).value();
  // Many in a row: memory that one stream gave back too early would be overwritten.
  NamedTensors last;
  for (int i = 0; i < 200; ++i) last = parallel.call();
  expect_same(last, serial);
}

TEST_F(OnCuda, channels_last_and_benchmark_do_not_change_whisper) {
  Loaded whisper("whisper", "WhisperForConditionalGeneration", device);
  RunOptions options;
  apply("tf32", "off", whisper.tiny, whisper.inputs, device, options);
  const NamedTensors before = whisper.tiny.model->forward(whisper.inputs).value().call();
  for (const char* id : {"channels_last", "cudnn_benchmark"}) {
    const KnobOutcome outcome = apply(id, "on", whisper.tiny, whisper.inputs, device, options);
    EXPECT_TRUE(outcome.applied) << outcome.reason;
  }
  expect_same(whisper.tiny.model->forward(whisper.inputs).value().call(), before);
  apply("cudnn_benchmark", "off", whisper.tiny, whisper.inputs, device, options);
}

// Prefill by plain ops, every step by the fused kernels: the same tokens, over the edge of a
// sliding window too.
TEST_F(OnCuda, fused_steps_give_the_tokens_of_plain_ones) {
  for (const auto& [family, architecture, window] :
       std::vector<std::tuple<std::string, std::string, int>>{
           {"llama", "LlamaForCausalLM", 0},
           {"mistral", "MistralForCausalLM", 0},
           {"mistral", "MistralForCausalLM", 8}}) {
    Json config = testing::tiny_config(family, architecture);
    if (window > 0) config["sliding_window"] = window;
    const auto source = synthetic_source(3);
    auto tiny = testing::make_tiny(family, architecture, config, *source, device);
    Workload workload;
    workload.sequence = 6;
    workload.new_tokens = 40;
    NamedTensors inputs =
        synthetic_inputs(*tiny.model->input_specs(workload), 1, at::kFloat, /*meta=*/false);
    for (auto& [name, tensor] : inputs) tensor = tensor.to(device);
    const auto trial = tiny.model->try_fused(inputs);
    ASSERT_TRUE(trial.has_value()) << trial.error().line();
    EXPECT_LE(trial->error, 1e-5) << family << " " << window;
    RunOptions options;
    std::vector<at::Tensor> sequences;
    for (const bool fused : {false, true}) {
      options.fused_decode = fused;
      tiny.model->set_options(options);
      const auto phases = tiny.model->phases(inputs, workload);
      ASSERT_TRUE(phases.has_value());
      sequences.push_back(phases->back().call()[0].second.clone());
    }
    EXPECT_TRUE(sequences[0].equal(sequences[1])) << family << " " << window;
  }
}

}  // namespace
}  // namespace ridgeline::native
