// The fused decoding step on CPUs beside plain ops in float32.
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <c10/core/InferenceMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "engines/native/engine/op_profile.hpp"
#include "engines/native/fused/host/decode_step.hpp"
#include "engines/native/ops/cpu/parallel.hpp"
#include "engines/native/optimize/knobs.hpp"
#include "tests/native/tiny_model.hpp"

namespace ridgeline::native {
namespace {

using ::testing::HasSubstr;

struct Case {
  const char* name;
  const char* family;
  const char* architecture;
  Json config;  // merged into the tiny one
  std::int64_t depth;
  int threads;
};

std::ostream& operator<<(std::ostream& out, const Case& one) {
  return out << one.name;
}

class HostDecode : public ::testing::TestWithParam<Case> {
 protected:
  void TearDown() override { at::set_num_threads(threads_); }

  testing::TinyModel make(const Case& one) {
    Json config = testing::tiny_config(one.family, one.architecture);
    config.merge_patch(one.config);
    return testing::make_tiny(one.family, one.architecture, config, *source_);
  }

  const c10::InferenceMode inference_;

 private:
  std::unique_ptr<Source> source_ = synthetic_source(5);
  int threads_ = at::get_num_threads();
};

NamedTensors prompt_of(const testing::TinyModel& tiny, std::int64_t length) {
  Workload workload;
  workload.sequence = length;
  return synthetic_inputs(*tiny.model->input_specs(workload), 1, at::kFloat, /*meta=*/false);
}

// Logits of some steps behind a prompt, plain or fused.
std::vector<at::Tensor> steps(Model& model, const NamedTensors& inputs, bool fused) {
  constexpr std::int64_t kSteps = 12;
  RunOptions options;
  options.fused_decode = fused;
  model.set_options(options);
  auto decoding = model.decoding(inputs, kSteps);
  EXPECT_TRUE(decoding.has_value());
  std::vector<at::Tensor> logits = {(*decoding)->prefill().clone()};
  for (std::int64_t i = 0; i < kSteps; ++i) {
    // Not the model's own tokens, which tiny models soon repeat.
    logits.push_back((*decoding)->step(at::full({1}, 3 + 7 * i, at::kLong)).clone());
  }
  return logits;
}

double distance(const at::Tensor& found, const at::Tensor& expected) {
  const at::Tensor wide = expected.to(at::kDouble);
  return (found.to(at::kDouble) - wide).abs().max().item<double>() /
         wide.abs().max().item<double>();
}

TEST_P(HostDecode, gives_the_logits_of_plain_ops) {
  const Case& one = GetParam();
  at::set_num_threads(one.threads);
  const testing::TinyModel tiny = make(one);
  const NamedTensors inputs = prompt_of(tiny, one.depth);
  const auto trial = tiny.model->try_fused(inputs);
  ASSERT_TRUE(trial.has_value()) << trial.error().line();
  EXPECT_LE(trial->error, 1e-5);
  const auto expected = steps(*tiny.model, inputs, false);
  const auto found = steps(*tiny.model, inputs, true);
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].sizes(), expected[i].sizes());
    EXPECT_LE(distance(found[i], expected[i]), 1e-5) << "step " << i;
  }
}

TEST_P(HostDecode, comes_as_close_to_float32_in_bfloat16_as_plain_ops) {
  const Case& one = GetParam();
  at::set_num_threads(one.threads);
  Json config = testing::tiny_config(one.family, one.architecture);
  config.merge_patch(one.config);
  const testing::TinyModel wide = make(one);
  const NamedTensors inputs = prompt_of(wide, one.depth);
  const auto expected = steps(*wide.model, inputs, false);

  testing::TinyModel halves;
  const auto source = synthetic_source(5);
  halves.model = std::move(
      *(*find_factory(one.family))(Scope(*halves.declarations), {config, one.architecture}));
  ASSERT_TRUE(halves.declarations->materialise(*source, at::kBFloat16, at::kCPU));
  ASSERT_TRUE(halves.model->try_fused(inputs).has_value());
  const auto plain = steps(*halves.model, inputs, false);
  const auto fused = steps(*halves.model, inputs, true);
  double plain_error = 0;
  double fused_error = 0;
  for (std::size_t i = 1; i < fused.size(); ++i) {
    EXPECT_EQ(fused[i].scalar_type(), at::kBFloat16);
    plain_error = std::max(plain_error, distance(plain[i], expected[i]));
    fused_error = std::max(fused_error, distance(fused[i], expected[i]));
  }
  // Fused steps round less often; one of both may be lucky.
  EXPECT_LE(fused_error, 1.5 * plain_error);
}

TEST_P(HostDecode, takes_weights_in_8_bits) {
  const Case& one = GetParam();
  at::set_num_threads(one.threads);
  const testing::TinyModel tiny = make(one);
  quantize_product_weights(*tiny.declarations);
  const NamedTensors inputs = prompt_of(tiny, one.depth);
  ASSERT_TRUE(tiny.model->try_fused(inputs).has_value());
  const auto expected = steps(*tiny.model, inputs, false);
  const auto found = steps(*tiny.model, inputs, true);
  for (std::size_t i = 0; i < found.size(); ++i) {
    // Activations are rounded to 14 bits and a sign, at values that differ by float32's rounding.
    EXPECT_LE(distance(found[i], expected[i]), 1e-3) << "step " << i;
  }
}

const Json kNothing = Json::object();

INSTANTIATE_TEST_SUITE_P(
    Cases, HostDecode,
    ::testing::Values(
        Case{"llama", "llama", "LlamaForCausalLM", kNothing, 6, 2},
        Case{"alone", "llama", "LlamaForCausalLM", kNothing, 6, 1},
        Case{"more_threads_than_cpus", "llama", "LlamaForCausalLM", kNothing, 6, 7},
        Case{"biases", "llama", "LlamaForCausalLM",
             Json{{"attention_bias", true}, {"mlp_bias", true}}, 6, 2},
        // One key head for all queries, and a context in several parts.
        Case{"one_key_head", "llama", "LlamaForCausalLM", Json{{"num_key_value_heads", 1}}, 600, 3},
        Case{"odd_widths", "llama", "LlamaForCausalLM",
             Json{{"hidden_size", 44},
                  {"intermediate_size", 101},
                  {"vocab_size", 131},
                  {"head_dim", 10}},
             9, 3},
        Case{"mistral", "mistral", "MistralForCausalLM", Json{{"sliding_window", nullptr}}, 6, 2},
        Case{"window", "mistral", "MistralForCausalLM", Json{{"sliding_window", 8}}, 6, 2},
        Case{"overwritten_window", "mistral", "MistralForCausalLM", Json{{"sliding_window", 8}}, 13,
             2},
        Case{"window_in_parts", "mistral", "MistralForCausalLM",
             Json{{"sliding_window", 520}, {"num_key_value_heads", 1}}, 515, 4}),
    [](const auto& one) { return one.param.name; });

testing::TinyModel llama(const Json& change = Json::object()) {
  Json config = testing::tiny_config("llama", "LlamaForCausalLM");
  config.merge_patch(change);
  const auto source = synthetic_source(5);
  return testing::make_tiny("llama", "LlamaForCausalLM", config, *source);
}

TEST(HostDecodeStep, says_what_it_cannot_take) {
  const c10::InferenceMode inference;
  const auto reason = [](const testing::TinyModel& tiny) {
    const auto trial = tiny.model->try_fused(prompt_of(tiny, 4));
    return trial ? std::string() : trial.error().line();
  };
  EXPECT_EQ(reason(llama()), "");
  EXPECT_THAT(reason(llama({{"hidden_act", "gelu"}})), HasSubstr("activation"));
  const testing::TinyModel packed = llama();
  packed.declarations->change_product_weights([](ops::ProductWeight& weight) {
    weight.packed = ops::pack_weight(weight.plain);
    weight.plain = at::Tensor();
  });
  EXPECT_THAT(reason(packed), HasSubstr("packed layout only"));
}

TEST(HostDecodeStep, refuses_a_token_that_the_table_does_not_have) {
  const c10::InferenceMode inference;
  const testing::TinyModel tiny = llama();
  const NamedTensors inputs = prompt_of(tiny, 4);
  ASSERT_TRUE(tiny.model->try_fused(inputs).has_value());
  RunOptions options;
  options.fused_decode = true;
  tiny.model->set_options(options);
  const auto decoding = tiny.model->decoding(inputs, 2);
  ASSERT_TRUE(decoding.has_value());
  (*decoding)->prefill();
  for (const std::int64_t id : {std::int64_t{-1}, std::int64_t{1} << 40}) {
    EXPECT_THROW((*decoding)->step(at::full({1}, id, at::kLong)), c10::IndexError) << id;
  }
}

// Within another team the runtime gives one thread where all were asked for: whoever waited for
// the others at a barrier would wait for ever.
TEST(HostDecodeStep, runs_with_as_many_threads_as_it_is_given) {
  const c10::InferenceMode inference;
  const testing::TinyModel tiny = llama();
  const NamedTensors inputs = prompt_of(tiny, 4);
  ASSERT_TRUE(tiny.model->try_fused(inputs).has_value());
  const auto expected = steps(*tiny.model, inputs, true);
  std::vector<at::Tensor> found;
  ops::cpu::on_each_member([&] {
    if (ops::cpu::team_member() == 0) found = steps(*tiny.model, inputs, true);
  });
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_LE(distance(found[i], expected[i]), 1e-5);
  }
}

TEST(HostDecodeStep, shows_its_stages_as_ops) {
  const c10::InferenceMode inference;
  const testing::TinyModel tiny = llama();
  Workload workload;
  workload.sequence = 6;
  workload.new_tokens = 2;
  const NamedTensors inputs = prompt_of(tiny, 6);
  ASSERT_TRUE(tiny.model->try_fused(inputs).has_value());
  RunOptions options;
  options.fused_decode = true;
  tiny.model->set_options(options);
  const auto phases = tiny.model->phases(inputs, workload);
  ASSERT_TRUE(phases.has_value());
  ASSERT_EQ((*phases)[1].name, "decode");
  const auto profile = profile_ops((*phases)[1], backend_of(at::kCPU), 0, /*recorded=*/false);
  ASSERT_TRUE(profile) << profile.error().line();
  std::vector<std::string> names;
  for (const Json& op : profile->at("ops")) names.push_back(op.at("op").get<std::string>());
  EXPECT_THAT(names, ::testing::ElementsAre("project_heads", "attend", "project_output",
                                            "project_gate", "project_down", "project_logits"));
}

}  // namespace
}  // namespace ridgeline::native
