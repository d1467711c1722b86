// What a phase needs, told from meta tensors: exact for tensors, and as a real run tracks it.
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <c10/core/Allocator.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include "catalog/families.hpp"
#include "engines/native/device/memory.hpp"
#include "tests/native/tiny_model.hpp"

namespace ridgeline::native {
namespace {

const at::TensorOptions kFloats = at::TensorOptions().dtype(at::kFloat).device(at::kMeta);

TEST(MetaMemory, counts_what_lives_at_once) {
  MetaMemory memory;
  const at::Tensor before = at::empty({1000}, kFloats);
  at::Tensor kept;
  const MemoryUse use = memory.measure([&] {
    at::Tensor first = at::empty({100}, kFloats);
    const at::Tensor view = first.view({10, 10}).transpose(0, 1);
    kept = at::empty({50}, kFloats);
    first = at::Tensor();
    // The view still holds the first one.
    const at::Tensor third = at::empty({25}, kFloats);
  });
  EXPECT_EQ(use.peak_bytes, 4 * (100 + 50 + 25));
  EXPECT_EQ(use.kept_bytes, 4 * 50);
}

TEST(MetaMemory, what_is_freed_in_between_does_not_count) {
  MetaMemory memory;
  const MemoryUse use = memory.measure([] {
    for (int i = 0; i < 10; ++i) at::empty({100}, kFloats);
  });
  EXPECT_EQ(use.peak_bytes, 400);
  EXPECT_EQ(use.kept_bytes, 0);
  // A second measurement starts anew.
  EXPECT_EQ(memory.measure([] { at::empty({3}, kFloats); }).peak_bytes, 12);
}

TEST(MetaMemory, puts_the_allocator_of_torch_back) {
  c10::Allocator* const plain = c10::GetAllocator(c10::DeviceType::Meta);
  at::Tensor outlives;
  {
    const MetaMemory memory;
    EXPECT_NE(c10::GetAllocator(c10::DeviceType::Meta), plain);
    outlives = at::empty({7}, kFloats);
  }
  EXPECT_EQ(c10::GetAllocator(c10::DeviceType::Meta), plain);
  outlives = at::Tensor();
}

TEST(MetaMemory, real_tensors_are_none_of_its_business) {
  MetaMemory memory;
  EXPECT_EQ(memory.measure([] { at::zeros({100}); }).peak_bytes, 0);
}

TEST(MetaMemory, threads_count_their_own) {
  MetaMemory ours;
  const MemoryUse use = ours.measure([] {
    at::Tensor made_there;
    std::thread([&] {
      at::empty({1000}, kFloats);
      MetaMemory theirs;
      EXPECT_EQ(theirs.measure([&] { made_there = at::empty({11}, kFloats); }).peak_bytes, 44);
    }).join();
    at::empty({5}, kFloats);
  });
  EXPECT_EQ(use.peak_bytes, 20);
}

constexpr double kScratch = 2048;

Workload small_workload() {
  Workload workload;
  workload.batch = 2;
  workload.sequence = 9;
  workload.depth = 11;
  workload.new_tokens = 3;
  return workload;
}

struct Needed {
  std::string phase;
  std::int64_t fixed;
  std::int64_t activations;
};

class MemoryOfCosts : public ::testing::TestWithParam<catalog::Architecture> {};

// The most that a phase needs, by `measure`.
std::vector<Needed> needs(const catalog::Architecture& of, Source& source, at::Device device,
                          const std::function<MemoryUse(const std::function<void()>&)>& measure) {
  const Json config = testing::tiny_config(std::string(of.family), std::string(of.architecture));
  auto tiny = testing::make_tiny(std::string(of.family), std::string(of.architecture), config,
                                 source, device);
  const NamedTensors inputs =
      synthetic_inputs(*tiny.model->input_specs(small_workload()), 1, at::kFloat, device.is_meta());
  std::vector<Needed> all;
  auto phases = tiny.model->phases(inputs, small_workload());
  EXPECT_TRUE(phases.has_value()) << (phases ? "" : phases.error().line());
  for (const Phase& phase : *phases) {
    if (phase.restore) phase.restore();
    NamedTensors outputs;
    const MemoryUse use = measure([&] { outputs = phase.call(); });
    all.push_back({phase.name, tiny.materialised.bytes + phase.cache_bytes, use.peak_bytes});
  }
  return all;
}

TEST_P(MemoryOfCosts, is_that_of_a_real_run) {
  const c10::InferenceMode inference;
  const auto real_source = synthetic_source(1);
  const auto shapes = meta_source();
  const auto real = needs(GetParam(), *real_source, at::kCPU, measure_memory);
  MetaMemory memory;
  const auto meta =
      needs(GetParam(), *shapes, at::kMeta, [&](const auto& work) { return memory.measure(work); });
  ASSERT_EQ(real.size(), meta.size());
  for (std::size_t i = 0; i < real.size(); ++i) {
    EXPECT_EQ(real[i].phase, meta[i].phase);
    EXPECT_EQ(real[i].fixed, meta[i].fixed);
    const auto activations = static_cast<double>(real[i].activations);
    const auto said = static_cast<double>(meta[i].activations);
    // Tiny models are mostly activations. What the shapes do not show is the scratch memory of
    // attention on a CPU, which is small.
    EXPECT_NEAR(said, activations, 0.03 * static_cast<double>(real[i].fixed) + kScratch)
        << real[i].phase;
    EXPECT_LE(said, activations) << real[i].phase << ": more than there is";
  }
}

INSTANTIATE_TEST_SUITE_P(EveryArchitecture, MemoryOfCosts,
                         ::testing::ValuesIn(catalog::architectures()),
                         [](const auto& one) { return std::string(one.param.architecture); });

}  // namespace
}  // namespace ridgeline::native
