// Knobs for CUDA devices: what they answer, and what they change, as far as a CPU can tell.
#include <ATen/ops/allclose.h>
#include <ATen/ops/conv1d.h>
#include <ATen/ops/randn.h>
#include <c10/core/InferenceMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "engines/native/models/side_stream.hpp"
#include "engines/native/models/towers.hpp"
#include "engines/native/ops/conv.hpp"
#include "engines/native/optimize/knobs.hpp"
#include "tests/native/tiny_model.hpp"

namespace ridgeline::native {
namespace {

using ::testing::HasSubstr;

struct Loaded {
  testing::TinyModel tiny;
  NamedTensors inputs;
  RunOptions run_options;

  Loaded(const char* family, const char* architecture) {
    const auto source = synthetic_source(1);
    tiny = testing::make_tiny(family, architecture, testing::tiny_config(family, architecture),
                              *source);
    Workload workload;
    workload.batch = 2;
    workload.sequence = 6;
    inputs = synthetic_inputs(*tiny.model->input_specs(workload), 1, at::kFloat, false);
  }

  KnobOutcome apply(std::string_view id, const std::string& value, at::Device device = at::kCPU,
                    at::ScalarType dtype = at::kFloat) {
    KnobContext context{.value = value, .device = device, .dtype = dtype};
    context.declarations = tiny.declarations.get();
    context.model = tiny.model.get();
    context.inputs = &inputs;
    context.run_options = &run_options;
    for (const Knob& knob : knobs()) {
      if (knob.id != id) continue;
      auto outcome = knob.apply(context);
      if (!outcome) return {.applied = false, .value = "error", .reason = outcome.error().line()};
      return *outcome;
    }
    ADD_FAILURE() << "no knob " << id;
    return {};
  }

  NamedTensors forward() {
    tiny.model->set_options(run_options);
    return tiny.model->forward(inputs).value().call();
  }
};

void expect_same(const NamedTensors& a, const NamedTensors& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_TRUE(at::allclose(a[i].second, b[i].second, 1e-5, 1e-5)) << a[i].first;
  }
}

TEST(DeviceKnobs, say_on_the_cpu_why_they_do_not_apply) {
  Loaded clip("clip", "CLIPModel");
  for (const char* id : {"tf32", "cudnn_benchmark"}) {
    const KnobOutcome asked = clip.apply(id, "on");
    EXPECT_FALSE(asked.applied) << id;
    EXPECT_EQ(asked.value, "off");
    EXPECT_THAT(asked.reason, HasSubstr("only CUDA devices"));
    EXPECT_TRUE(clip.apply(id, "off").applied);
    EXPECT_THAT(clip.apply(id, "maybe").reason, HasSubstr("use auto, on or off"));
  }
  EXPECT_TRUE(clip.apply("tf32", "auto").applied);
  EXPECT_THAT(clip.apply("channels_last", "on").reason, HasSubstr("cut out and multiplied"));
  EXPECT_THAT(clip.apply("towers", "parallel").reason, HasSubstr("only accelerators"));
  EXPECT_FALSE(clip.run_options.parallel_towers);
  EXPECT_TRUE(clip.apply("towers", "serial").applied);
  Loaded vit("vit", "ViTModel");
  EXPECT_THAT(vit.apply("towers", "parallel").reason, HasSubstr("no two encoders"));
  Loaded whisper("whisper", "WhisperForConditionalGeneration");
  EXPECT_THAT(whisper.apply("channels_last", "on").reason, HasSubstr("only convolutions on CUDA"));
}

TEST(DeviceKnobs, attention_answers_with_what_runs) {
  Loaded bert("bert", "BertModel");
  for (const char* value : {"auto", "flash"}) {
    const KnobOutcome outcome = bert.apply("attention", value);
    EXPECT_TRUE(outcome.applied);
    EXPECT_EQ(outcome.value, "flash");
  }
  for (const char* value : {"cudnn", "efficient"}) {
    const KnobOutcome outcome = bert.apply("attention", value);
    EXPECT_FALSE(outcome.applied);
    EXPECT_EQ(outcome.value, "flash");
    EXPECT_THAT(outcome.reason, HasSubstr("torch runs 'flash'"));
  }
  EXPECT_EQ(bert.apply("attention", "math").value, "math");
  EXPECT_THAT(bert.apply("attention", "fast").reason, HasSubstr("cudnn, efficient or math"));
}

// The knob asks for a CUDA device, and then changes weights that a CPU can use as well.
TEST(DeviceKnobs, channels_last_changes_the_layout_and_not_the_result) {
  const c10::InferenceMode inference;
  Loaded whisper("whisper", "WhisperForConditionalGeneration");
  const NamedTensors before = whisper.forward();
  const at::Device cuda(at::kCUDA, 0);
  EXPECT_THAT(whisper.apply("channels_last", "auto", cuda).reason, HasSubstr("tensor cores"));
  const KnobOutcome outcome = whisper.apply("channels_last", "on", cuda);
  EXPECT_TRUE(outcome.applied) << outcome.reason;
  int changed = 0;
  whisper.tiny.declarations->change_convolution_weights([&](at::Tensor& weight) {
    ++changed;
    EXPECT_EQ(weight.stride(1), 1);
    EXPECT_EQ(weight.stride(2), weight.size(1));
  });
  EXPECT_EQ(changed, 2);
  expect_same(whisper.forward(), before);
}

TEST(Ops_conv1d, keeps_channels_last_through_the_result) {
  const c10::InferenceMode inference;
  const auto x = at::randn({2, 6, 11}), weight = at::randn({4, 6, 3}), bias = at::randn({4});
  const auto turned = weight.transpose(1, 2).contiguous().transpose(1, 2);
  const auto found = ops::conv1d(x, turned, bias, 2, 1);
  EXPECT_TRUE(at::allclose(found, at::conv1d(x, weight, bias, 2, 1), 1e-5, 1e-5));
  EXPECT_TRUE(found.transpose(1, 2).is_contiguous());
}

TEST(Towers, side_by_side_on_one_stream_is_one_after_the_other) {
  const c10::InferenceMode inference;
  Loaded clip("clip", "CLIPModel");
  ASSERT_TRUE(
      dynamic_cast<const IndependentTowers*>(clip.tiny.model.get())->has_independent_towers());
  const NamedTensors serial = clip.forward();
  clip.run_options.parallel_towers = true;
  expect_same(clip.forward(), serial);
  Loaded text("clip", "CLIPTextModel");
  EXPECT_FALSE(
      dynamic_cast<const IndependentTowers*>(text.tiny.model.get())->has_independent_towers());
}

TEST(SideStream, runs_in_place_where_there_is_one_stream) {
  SideStream side(at::kCPU);
  EXPECT_FALSE(side.is_parallel());
  bool ran = false;
  side.fork([&] { ran = true; });
  EXPECT_TRUE(ran);
  side.join({});
}

}  // namespace
}  // namespace ridgeline::native
