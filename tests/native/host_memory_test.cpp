// Where tensors on the CPU get their memory from: no step of decoding takes any from the system.
#include <ATen/ops/empty.h>
#include <ATen/ops/ones.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <thread>

#include "engines/native/device/memory.hpp"
#include "engines/native/ops/cpu/allocator.hpp"
#include "engines/native/optimize/knobs.hpp"
#include "tests/native/tiny_model.hpp"

namespace ridgeline::native {
namespace {

using ops::cpu::keep_freed_memory;
using ops::cpu::release_freed_memory;
using ops::cpu::system_memory;

TEST(KeptMemory, serves_the_next_tensor_of_its_size) {
  const c10::InferenceMode inference;
  keep_freed_memory(false);
  for (const std::int64_t bytes : {1, 64, 100, 4096, 5000, 3 << 20}) {
    release_freed_memory();
    const auto before = system_memory();
    const void* first = at::ones({bytes}, at::kByte).const_data_ptr();
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(first) % 64, 0u);
    EXPECT_EQ(system_memory().blocks_taken, before.blocks_taken + 1);
    const at::Tensor second = at::empty({bytes}, at::kByte);
    EXPECT_EQ(second.const_data_ptr(), first) << bytes;
    EXPECT_EQ(system_memory().blocks_taken, before.blocks_taken + 1);
    // Both are in use: the third one cannot be the second.
    EXPECT_NE(at::empty({bytes}, at::kByte).const_data_ptr(), first);
  }
  EXPECT_GT(system_memory().bytes_kept, 0);
  release_freed_memory();
  EXPECT_EQ(system_memory().bytes_kept, 0);
}

TEST(KeptMemory, blocks_are_at_most_an_eighth_larger_than_asked_for) {
  const c10::InferenceMode inference;
  keep_freed_memory(true);
  for (std::int64_t bytes = 2048; bytes < (9 << 20); bytes += bytes / 7) {
    release_freed_memory();
    const auto before = system_memory().bytes_taken;
    const at::Tensor block = at::ones({bytes}, at::kByte);
    const std::int64_t taken = system_memory().bytes_taken - before;
    EXPECT_GE(taken, bytes + 64);
    EXPECT_LE(taken, (bytes + 64) * 9 / 8);
    EXPECT_EQ(block.sum().item<std::int64_t>(), bytes);
  }
}

TEST(KeptMemory, may_be_freed_by_another_thread_and_is_reported_as_ever) {
  const c10::InferenceMode inference;
  keep_freed_memory(false);
  const MemoryUse use = measure_memory([] {
    at::Tensor block = at::empty({1000}, at::kFloat);
    const at::Tensor other = at::empty({500}, at::kFloat);
    block = at::Tensor();
  });
  EXPECT_EQ(use.peak_bytes, 6000);
  EXPECT_EQ(use.kept_bytes, 0);
  auto* block = new at::Tensor(at::empty({777}, at::kFloat));
  std::thread([block] { delete block; }).join();
  EXPECT_EQ(c10::GetCPUAllocator()->raw_deleter(),
            c10::GetCPUAllocator()->allocate(8).get_deleter());
}

struct Knobs {
  const char* quantize;
  const char* huge_pages;
};

class DecodeStep : public ::testing::TestWithParam<Knobs> {
 protected:
  static Json config() {
    Json config = testing::tiny_config("llama", "LlamaForCausalLM");
    // Weights that fill huge pages.
    config["hidden_size"] = 512;
    config["intermediate_size"] = 1024;
    config["num_attention_heads"] = 8;
    config["num_key_value_heads"] = 2;
    config["head_dim"] = 64;
    return config;
  }

  static NamedTensors inputs_of(const Model& model) {
    Workload workload;
    workload.sequence = 40;
    return synthetic_inputs(*model.input_specs(workload), 1, at::kFloat, /*meta=*/false);
  }

  // Loads as the engine does, with these knobs.
  testing::TinyModel load(Source& source) const {
    auto tiny = testing::make_tiny("llama", "LlamaForCausalLM", config(), source);
    const Json asked = Json::array({{{"id", "quantize"}, {"value", GetParam().quantize}},
                                    {{"id", "huge_pages"}, {"value", GetParam().huge_pages}}});
    const auto outcomes = apply_knobs(KnobStage::kLoad, asked,
                                      {.value = {},
                                       .device = at::kCPU,
                                       .dtype = at::kFloat,
                                       .declarations = tiny.declarations.get(),
                                       .weight_bytes = &tiny.materialised.bytes,
                                       .model = tiny.model.get()});
    EXPECT_TRUE(outcomes.has_value());
    return tiny;
  }
};

TEST_P(DecodeStep, takes_no_memory_from_the_system) {
  const c10::InferenceMode inference;
  keep_freed_memory(true);
  const auto source = synthetic_source(1);
  const auto tiny = load(*source);
  const auto decoding = tiny.model->decoding(inputs_of(*tiny.model), 40);
  ASSERT_TRUE(decoding.has_value());
  at::Tensor token = ops::argmax((*decoding)->prefill());
  const auto step = [&] { token = ops::argmax((*decoding)->step(token)); };
  for (int i = 0; i < 3; ++i) step();
  const auto before = system_memory();
  for (int i = 0; i < 30; ++i) step();
  EXPECT_EQ(system_memory().blocks_taken, before.blocks_taken);
  EXPECT_EQ(system_memory().bytes_kept, before.bytes_kept);
}

TEST_P(DecodeStep, gives_the_logits_that_prefill_gives) {
  const c10::InferenceMode inference;
  const auto source = synthetic_source(1);
  const auto tiny = load(*source);
  const NamedTensors inputs = inputs_of(*tiny.model);
  const auto short_prompt = [&](std::int64_t tokens) {
    NamedTensors cut;
    for (const auto& [name, tensor] : inputs) {
      cut.emplace_back(name, tensor.narrow(1, 0, tokens).contiguous());
    }
    return cut;
  };
  const auto whole = tiny.model->decoding(inputs, 1);
  const auto stepped = tiny.model->decoding(short_prompt(30), 11);
  ASSERT_TRUE(whole.has_value() && stepped.has_value());
  const at::Tensor expected = (*whole)->prefill();
  at::Tensor logits = (*stepped)->prefill();
  const at::Tensor& ids = *find(inputs, "input_ids");
  for (std::int64_t i = 30; i < 40; ++i) logits = (*stepped)->step(ids.select(1, i));
  EXPECT_LE((logits - expected).abs().max().item<double>(),
            1e-3 * expected.abs().max().item<double>());
}

INSTANTIATE_TEST_SUITE_P(Knobs, DecodeStep,
                         ::testing::Values(Knobs{"off", "off"}, Knobs{"off", "on"},
                                           Knobs{"int8", "off"}, Knobs{"int8", "on"}));

TEST(Quantize, counts_what_the_weights_take_and_keeps_a_table_that_is_a_head_too) {
  const c10::InferenceMode inference;
  for (const bool tied : {false, true}) {
    const auto source = synthetic_source(1);
    Json config = testing::tiny_config("llama", "LlamaForCausalLM");
    config["tie_word_embeddings"] = tied;
    auto tiny = testing::make_tiny("llama", "LlamaForCausalLM", config, *source);
    std::int64_t products = 0;
    std::int64_t quantized = 0;
    const std::int64_t before = tiny.materialised.bytes;
    tiny.declarations->change_product_weights([&](ops::ProductWeight& weight) {
      if (weight.plain.use_count() == 1)
        products += static_cast<std::int64_t>(weight.plain.nbytes());
      quantized += weight.plain.numel() + 4 * weight.plain.size(0);
    });
    EXPECT_EQ(quantize_product_weights(*tiny.declarations), quantized - products);
    EXPECT_LT(products, before);
    tiny.declarations->change_product_weights([&](ops::ProductWeight& weight) {
      EXPECT_FALSE(weight.plain.defined());
      EXPECT_TRUE(weight.int8.rows.defined());
    });
    Workload workload;
    const auto inputs = synthetic_inputs(*tiny.model->input_specs(workload), 1, at::kFloat, false);
    const auto phase = tiny.model->forward(inputs);
    ASSERT_TRUE(phase.has_value());
    EXPECT_TRUE(phase->call()[0].second.isfinite().all().item<bool>());
  }
}

}  // namespace
}  // namespace ridgeline::native
