// The generator of synthetic weights: any split, any dtype, any device gives the same values.
#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <string>

#include "engines/native/device/cuda/nvrtc.hpp"
#include "engines/native/scope/device_uniform.hpp"
#include "engines/native/scope/scope.hpp"
#include "engines/native/scope/uniform.hpp"

namespace ridgeline::native {
namespace {

// The definition, written down once more, one element at a time.
float element(const Uniform& uniform, std::uint64_t index) {
  constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15ull;
  std::uint64_t x = uniform.key + index * kGolden + kGolden;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  x ^= x >> 31;
  const float bits = static_cast<float>(x >> 40);
  return uniform.center + uniform.half_width * ((bits + 0.5f) * (2.f / 16777216.f) - 1.f);
}

at::Tensor filled(std::int64_t count, at::ScalarType dtype, const Uniform& uniform) {
  const at::Tensor tensor = at::empty({count}, at::TensorOptions().dtype(dtype));
  fill_uniform(tensor, uniform);
  return tensor;
}

class Threads {
 public:
  explicit Threads(int count) : before_(at::get_num_threads()) { at::set_num_threads(count); }
  ~Threads() { at::set_num_threads(before_); }

 private:
  int before_;
};

TEST(Synthetic, many_threads_give_what_one_gives) {
  const Uniform uniform = uniform_for("layer.weight", {1000, 301}, Init::kWeight, 3);
  constexpr std::int64_t kCount = 301'003;
  at::Tensor serial, parallel;
  {
    const Threads one(1);
    serial = filled(kCount, at::kFloat, uniform);
  }
  {
    const Threads three(3);
    parallel = filled(kCount, at::kFloat, uniform);
  }
  EXPECT_TRUE(serial.equal(parallel));
  const float* values = serial.const_data_ptr<float>();
  for (const std::int64_t i :
       {std::int64_t{0}, std::int64_t{1}, std::int64_t{65'536}, kCount - 1}) {
    EXPECT_EQ(std::bit_cast<std::uint32_t>(values[i]),
              std::bit_cast<std::uint32_t>(element(uniform, static_cast<std::uint64_t>(i))));
  }
}

TEST(Synthetic, every_distribution_is_the_definition) {
  for (const Init init : {Init::kWeight, Init::kEmbedding, Init::kNormWeight, Init::kBias}) {
    const Uniform uniform = uniform_for("layer.norm", {70'001}, init, 2);
    const at::Tensor made = filled(70'001, at::kFloat, uniform);
    const float* values = made.const_data_ptr<float>();
    std::int64_t wrong = 0;
    for (std::int64_t i = 0; i < made.numel(); ++i) {
      wrong += values[i] != element(uniform, static_cast<std::uint64_t>(i));
    }
    EXPECT_EQ(wrong, 0);
  }
}

TEST(Synthetic, short_floats_are_the_cast_of_float32) {
  for (const Init init : {Init::kWeight, Init::kEmbedding, Init::kNormWeight, Init::kBias}) {
    // A fan-in so large that float16 has subnormal numbers for it.
    const Uniform uniform = uniform_for("w", {1, 1'000'000'000}, init, 1);
    const at::Tensor full = filled(200'001, at::kFloat, uniform);
    for (const at::ScalarType dtype : {at::kBFloat16, at::kHalf}) {
      EXPECT_TRUE(filled(200'001, dtype, uniform).equal(full.to(dtype)));
    }
  }
}

TEST(Synthetic, a_source_reads_in_the_dtype_it_is_asked_for) {
  const auto source = synthetic_source(5);
  const at::Tensor full = source->read("w", {7, 9}, Init::kWeight, {at::kFloat}).value();
  EXPECT_TRUE(source->read("w", {7, 9}, Init::kWeight, {at::kBFloat16})
                  .value()
                  .equal(full.to(at::kBFloat16)));
  EXPECT_EQ(source->read("w", {7, 9}, Init::kWeight, {at::kDouble}).value().scalar_type(),
            at::kDouble);
  EXPECT_EQ(source->read("none", {0, 4}, Init::kWeight, {at::kHalf}).value().numel(), 0);
  EXPECT_EQ(source->note(), "");
  EXPECT_FALSE(source->moves_bytes());
}

TEST(Synthetic, the_kernels_are_for_cuda_devices) {
  const auto opened = DeviceUniform::open(at::kCPU);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().error_class, ErrorClass::kUnsupported);
}

TEST(Nvrtc, compiles_the_generator_for_every_generation) {
  const auto nvrtc = cuda::Nvrtc::open();
  if (!nvrtc) GTEST_SKIP() << nvrtc.error().line();
  for (const cuda::Capability device :
       {cuda::Capability{8, 0}, cuda::Capability{9, 0}, cuda::Capability{10, 0}}) {
    const auto image = nvrtc->compile(uniform_source(), "synthetic.cu", device);
    ASSERT_TRUE(image) << image.error().line();
    EXPECT_EQ(image->log, "");
    for (const char* kernel : {"fill_f32", "fill_bf16", "fill_f16"}) {
      EXPECT_THAT(image->bytes, ::testing::HasSubstr(std::string(".text.") + kernel));
    }
  }
}

}  // namespace
}  // namespace ridgeline::native
