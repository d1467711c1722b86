// Fused decoding: the CUDA source compiles for every generation, shapes are spread over warps, and
// what has no kernels says why. What needs a GPU is in on_cuda_test.cpp.
#include <ATen/ops/arange.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "engines/native/device/cuda/image_cache.hpp"
#include "engines/native/fused/cuda/decode_step.hpp"
#include "engines/native/fused/trial.hpp"
#include "support/temp_folder.hpp"

namespace ridgeline::native::fused {
namespace {

using testing::HasSubstr;

nn::GatedDecoderShape llama_8b() {
  return {.vocab_size = 128256,
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
          .mlp_bias = false};
}

// Widths that are no multiples of a warp's span, biases, partial rotary positions.
nn::GatedDecoderShape odd() {
  return {.vocab_size = 1001,
          .hidden = 328,
          .intermediate = 1000,
          .layers = 2,
          .heads = 6,
          .kv_heads = 2,
          .head_dim = 40,
          .norm_eps = 1e-6,
          .activation = ops::Activation::kGeluTanh,
          .qkv_bias = true,
          .output_bias = true,
          .mlp_bias = true};
}

TEST(FusedSource, compiles_for_every_generation_and_dtype) {
  const auto nvrtc = cuda::Nvrtc::open();
  if (!nvrtc) GTEST_SKIP() << nvrtc.error().line();
  const cuda::Capability generations[] = {{8, 0}, {9, 0}, {10, 0}};
  for (const at::ScalarType dtype : {at::kBFloat16, at::kHalf, at::kFloat}) {
    for (const cuda::Capability& generation : generations) {
      for (const DecodeShape& shape :
           {DecodeShape{llama_8b(), 64, dtype}, DecodeShape{odd(), 8, dtype}}) {
        const auto image = nvrtc->compile(decode_source(shape, {}), "decode_step.cu", generation);
        ASSERT_TRUE(image) << image.error().line();
        EXPECT_EQ(image->arch, "sm_" + generation.digits());
        for (const char* kernel : {"embed", "project_heads", "attend", "project_output",
                                   "project_gate", "project_down", "project_logits"}) {
          EXPECT_THAT(image->bytes, HasSubstr(std::string(".text.") + kernel));
        }
      }
    }
  }
}

TEST(FusedSource, a_team_of_warps_covers_all_columns_of_a_row) {
  for (const at::ScalarType dtype : {at::kBFloat16, at::kFloat}) {
    const std::int64_t span = dtype == at::kFloat ? 128 : 256;
    for (std::int64_t columns = 8; columns < 40000; columns += 8) {
      for (const int warps : {8, 16}) {
        const ProductShape shape = product_shape(columns, dtype, warps);
        EXPECT_GE(shape.team_warps * shape.vectors * span, columns);
        EXPECT_LT((shape.team_warps - 1) * shape.vectors * span, columns) << "an idle warp";
        EXPECT_LE(shape.team_warps * shape.teams, warps);
        EXPECT_GE(shape.teams, 1);
      }
    }
  }
  // One vector a lane and no second team.
  const ProductShape whole = product_shape(4096, at::kBFloat16, 16);
  EXPECT_EQ(whole.team_warps, 16);
  EXPECT_EQ(whole.vectors, 1);
  EXPECT_EQ(whole.teams, 1);
}

TEST(FusedDecode, says_why_a_shape_has_no_kernels) {
  const auto reason = [&](const auto& change) {
    DecodeShape shape{llama_8b(), 64, at::kBFloat16};
    change(shape);
    return why_no_cuda_kernels(shape);
  };
  EXPECT_EQ(reason([](DecodeShape&) {}), "");
  EXPECT_THAT(reason([](DecodeShape& s) { s.dtype = at::kDouble; }), HasSubstr("float32"));
  EXPECT_THAT(reason([](DecodeShape& s) { s.decoder.hidden = 4100; }), HasSubstr("multiple of 8"));
  EXPECT_THAT(reason([](DecodeShape& s) { s.decoder.kv_heads = 2; }), HasSubstr("groups of 16"));
  EXPECT_THAT(reason([](DecodeShape& s) { s.decoder.head_dim = 512; }), HasSubstr("512 features"));
  EXPECT_THAT(reason([](DecodeShape& s) { s.decoder.activation = ops::Activation::kTanh; }),
              HasSubstr("activation"));
}

TEST(FusedDecode, allows_errors_that_grow_with_the_square_root_of_the_layers) {
  EXPECT_DOUBLE_EQ(step_bound(at::kFloat, 32), 1e-4);
  EXPECT_DOUBLE_EQ(step_bound(at::kBFloat16, 16), 16.0 / 256);
  EXPECT_DOUBLE_EQ(step_bound(at::kHalf, 16), 16.0 / 2048);
}

// A decoding whose steps give the same logits times a factor, or throw.
class FactorDecoding final : public Decoding {
 public:
  explicit FactorDecoding(float factor) : factor_(factor) {}
  at::Tensor prefill() override { return logits_; }
  at::Tensor step(const at::Tensor&) override {
    if (factor_ == 0) throw std::runtime_error("launching attend: no\nmore of it");
    return logits_ * factor_;
  }
  void snapshot() override {}
  void restore() override {}
  at::Tensor prompt() const override { return {}; }
  std::int64_t prompt_length() const override { return 1; }
  std::int64_t batch() const override { return 1; }
  std::int64_t cache_bytes() const override { return 0; }

 private:
  float factor_;
  at::Tensor logits_ = at::arange(1, 9, at::kFloat).view({1, 8});
};

TEST(FusedTrial, compares_and_times_both_steps_and_bears_one_that_throws) {
  FactorDecoding plain(1);
  FactorDecoding fused(1.25);
  const auto trial = compare_steps(plain, fused, backend_of(at::kCPU));
  ASSERT_TRUE(trial) << trial.error().line();
  EXPECT_DOUBLE_EQ(trial->error, 0.25);
  EXPECT_GT(trial->plain_ns, 0);
  EXPECT_GT(trial->fused_ns, 0);
  EXPECT_GT(trial->ratio, 0);
  FactorDecoding broken(0);
  const auto failed = compare_steps(plain, broken, backend_of(at::kCPU));
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message, "launching attend: no");
}

std::string only_file(const std::string& folder) {
  std::string found;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    EXPECT_TRUE(found.empty()) << "more than one file";
    found = entry.path().string();
  }
  return found;
}

TEST(ImageCache, keeps_what_it_compiled_and_mends_a_damaged_file) {
  const auto nvrtc = cuda::Nvrtc::open();
  if (!nvrtc) GTEST_SKIP() << nvrtc.error().line();
  const test::TempFolder folder;
  const std::string kept = folder.path() + "/kernels";
  const std::string source = "extern \"C\" __global__ void one(int* p) { *p = 1; }";
  const auto compile = [&](const std::string& text) {
    return cuda::compile_once(*nvrtc, text, "one.cu", {9, 0}, kept);
  };
  const auto first = compile(source);
  ASSERT_TRUE(first) << first.error().line();
  const std::string file = only_file(kept);
  const auto written = std::filesystem::last_write_time(file);
  const auto second = compile(source);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->bytes, first->bytes);
  EXPECT_EQ(second->arch, "sm_90");
  EXPECT_FALSE(second->is_ptx);
  EXPECT_EQ(std::filesystem::last_write_time(file), written) << "compiled again";

  std::ofstream(file, std::ios::in | std::ios::out | std::ios::ate).put('x');
  const auto mended = compile(source);
  ASSERT_TRUE(mended);
  EXPECT_EQ(mended->bytes, first->bytes);
  EXPECT_EQ(compile(source)->bytes, first->bytes);
  EXPECT_FALSE(compile("nonsense"));
}

TEST(ImageCache, works_without_a_folder_that_can_be_written) {
  const auto nvrtc = cuda::Nvrtc::open();
  if (!nvrtc) GTEST_SKIP() << nvrtc.error().line();
  const auto image = cuda::compile_once(*nvrtc, "extern \"C\" __global__ void one() {}", "one.cu",
                                        {9, 0}, "/proc/no-such-folder");
  EXPECT_TRUE(image) << image.error().line();
}

}  // namespace
}  // namespace ridgeline::native::fused
