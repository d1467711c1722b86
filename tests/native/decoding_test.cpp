// Decoding at one depth: the cache is put back so that every call sees the same tokens.
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include "tests/native/tiny_model.hpp"

namespace ridgeline::native {
namespace {

NamedTensors call(const Phase& phase) {
  NamedTensors outputs = phase.call();
  for (auto& [name, tensor] : outputs) tensor = tensor.clone();
  return outputs;
}

class Decode : public ::testing::TestWithParam<std::int64_t> {};

TEST_P(Decode, gives_the_same_logits_in_every_call) {
  const c10::InferenceMode inference;
  // 0: no sliding window; else the cache is a ring that the prompt has overwritten already.
  Json config = testing::tiny_config("mistral", "MistralForCausalLM");
  config["sliding_window"] = GetParam() > 0 ? Json(GetParam()) : Json();
  const auto source = synthetic_source(1);
  auto tiny = testing::make_tiny("mistral", "MistralForCausalLM", config, *source);
  Workload workload;
  workload.sequence = 6;
  workload.depth = 13;
  workload.new_tokens = 3;
  const NamedTensors inputs =
      synthetic_inputs(*tiny.model->input_specs(workload), 1, at::kFloat, /*meta=*/false);
  const auto phases = tiny.model->phases(inputs, workload);
  ASSERT_TRUE(phases.has_value());
  const Phase& decode = (*phases)[1];
  ASSERT_EQ(decode.name, "decode");
  decode.restore();
  const at::Tensor first = call(decode)[0].second;
  for (int i = 0; i < 5; ++i) {
    decode.restore();
    EXPECT_TRUE(call(decode)[0].second.equal(first));
  }
}

INSTANTIATE_TEST_SUITE_P(Windows, Decode, ::testing::Values(0, 4, 8));

TEST(Generate, emits_exactly_the_tokens_asked_for_each_with_its_time) {
  const c10::InferenceMode inference;
  const auto source = synthetic_source(1);
  auto tiny = testing::make_tiny("llama", "LlamaForCausalLM",
                                 testing::tiny_config("llama", "LlamaForCausalLM"), *source);
  Workload workload;
  workload.batch = 2;
  workload.sequence = 6;
  workload.new_tokens = 4;
  const NamedTensors inputs =
      synthetic_inputs(*tiny.model->input_specs(workload), 1, at::kFloat, /*meta=*/false);
  const auto phases = tiny.model->phases(inputs, workload);
  ASSERT_TRUE(phases.has_value());
  const Phase& generate = phases->back();
  for (int i = 0; i < 2; ++i) {
    const NamedTensors outputs = generate.call();
    EXPECT_EQ(outputs[0].second.sizes(), at::IntArrayRef({2, 4}));
    ASSERT_EQ(generate.token_times->size(), 4u);
    EXPECT_TRUE(std::is_sorted(generate.token_times->begin(), generate.token_times->end()));
  }
}

}  // namespace
}  // namespace ridgeline::native
