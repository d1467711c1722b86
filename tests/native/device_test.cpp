// What the engine asks of a device, as far as a machine without one can tell.
#include <ATen/ops/cat.h>
#include <ATen/ops/ones.h>
#include <c10/core/InferenceMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/file.hpp"
#include "engines/native/device/backend.hpp"
#include "engines/native/device/cuda/library.hpp"
#include "engines/native/device/tensors_read.hpp"
#include "engines/native/engine/planned_workload.hpp"
#include "engines/native/optimize/knobs.hpp"
#include "tests/native/tiny_model.hpp"
#include "tests/support/temp_folder.hpp"

namespace ridgeline::native {
namespace {

using ::testing::HasSubstr;

TEST(Cpu_backend, says_what_it_lacks) {
  DeviceBackend& cpu = backend_of(at::kCPU);
  EXPECT_EQ(&cpu, &backend_of(at::kMeta));
  EXPECT_FALSE(cpu.use_stream(StreamPriority::kHigh));
  EXPECT_FALSE(cpu.graph_recorder());
  EXPECT_FALSE(cpu.memory());
  EXPECT_EQ(cpu.clock()->ns(), -1);
  cpu.wait();
}

TEST(Cuda_library, that_is_missing_or_another_file_is_an_error_of_the_environment) {
  const test::TempFolder folder;
  const std::string path = folder.path() + "/" + cuda::kFileName;
  const auto missing = cuda::open_library(path);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().error_class, ErrorClass::kEnvironment);
  EXPECT_THAT(missing.error().message, HasSubstr("is not there"));
  ASSERT_TRUE(write_text_file(path, "not a library"));
  const auto text = cuda::open_library(path);
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().error_class, ErrorClass::kEnvironment);
  EXPECT_THAT(text.error().message, HasSubstr(path));
}

TEST(Tensors_read, are_those_that_the_work_did_not_make) {
  const c10::InferenceMode inference;
  const at::Tensor weight = at::ones({4, 4});
  const at::Tensor input = at::ones({2, 4});
  const at::Tensor listed = at::ones({1, 4});
  const at::Tensor unused = at::ones({3});
  const auto read = tensors_read([&] {
    at::Tensor hidden = input.matmul(weight.t()).relu_();
    hidden = at::cat({hidden, listed.narrow(1, 0, 4)}).add_(hidden.sum());
  });
  std::set<const void*> found;
  for (const c10::Storage& storage : read) found.insert(storage.data());
  EXPECT_EQ(found, (std::set<const void*>{weight.storage().data(), input.storage().data(),
                                          listed.storage().data()}));
}

TEST(Tensors_read, stop_watching_when_the_work_fails) {
  const c10::InferenceMode inference;
  EXPECT_THROW(tensors_read([] { at::ones({2}).matmul(at::ones({3})); }), c10::Error);
  // A watch that went on would count these in memory that is gone.
  EXPECT_EQ(at::ones({2}).add(1).sum().item<float>(), 4);
}

class Plan_on_cpu : public ::testing::Test {
 protected:
  Plan_on_cpu() {
    const Json config = testing::tiny_config("llama", "LlamaForCausalLM");
    EXPECT_TRUE(write_text_file(folder_.path() + "/config.json", config.dump()));
    auto loaded = load({.model = folder_.path(),
                        .architecture = "LlamaForCausalLM",
                        .weights = "synthetic",
                        .dtype = "float32",
                        .device = "cpu"});
    EXPECT_TRUE(loaded) << loaded.error().line();
    loaded_.emplace(std::move(*loaded));
  }

  const c10::InferenceMode inference_;
  test::TempFolder folder_;
  std::optional<LoadedModel> loaded_;
};

TEST_F(Plan_on_cpu, says_that_nothing_was_recorded_and_runs_call_by_call) {
  Workload workload;
  workload.sequence = 5;
  workload.new_tokens = 2;
  const Json asked = Json::array({{{"id", "graph"}, {"value", "on"}}});
  const auto planned = PlannedWorkload::plan(*loaded_, workload, asked);
  ASSERT_TRUE(planned) << planned.error().line();
  const Json reply = (*planned)->describe();
  const Json& all = reply.at("optimizations");
  const auto found = std::find_if(all.begin(), all.end(),
                                  [](const Json& entry) { return entry.at("id") == "graph"; });
  ASSERT_NE(found, all.end());
  const Json& graph = *found;
  EXPECT_EQ(graph.at("requested"), "on");
  EXPECT_EQ(graph.at("applied"), false);
  EXPECT_EQ(graph.at("value"), "off");
  EXPECT_EQ(graph.at("reason"), "only CUDA devices record work");
  ASSERT_EQ(reply.at("stages").size(), 1u);
  const auto runnable = (*planned)->runnable("decode");
  ASSERT_TRUE(runnable);
  (*runnable)->restore();
  (*runnable)->enqueue();
  (*runnable)->wait();
  EXPECT_EQ((*runnable)->device_ns(), -1);
  const auto memory = (*planned)->memory("decode", 0);
  ASSERT_TRUE(memory);
  EXPECT_TRUE(memory->at("device").is_null());
  EXPECT_GT(memory->at("tracked").at("activations_peak"), 0);
}

TEST_F(Plan_on_cpu, refuses_values_of_knobs_that_it_does_not_know) {
  const Json asked = Json::array({{{"id", "graph"}, {"value", "maybe"}}});
  const auto planned = PlannedWorkload::plan(*loaded_, Workload(), asked);
  ASSERT_FALSE(planned);
  EXPECT_THAT(planned.error().line(), HasSubstr("use auto, on or off"));
  const Json priority = Json::array({{{"id", "stream_priority"}, {"value", "urgent"}}});
  const auto applied = apply_knobs(KnobStage::kLoad, priority,
                                   {.value = {},
                                    .device = at::kCPU,
                                    .dtype = at::kFloat,
                                    .declarations = loaded_->built.declarations.get(),
                                    .model = &loaded_->model()});
  ASSERT_FALSE(applied);
  EXPECT_THAT(applied.error().line(), HasSubstr("use auto, high or normal"));
}

TEST(Graph_knob, does_not_record_a_single_call) {
  // As the messages forward and generate apply it: without phases.
  KnobContext context{.value = "auto", .device = at::kCPU, .dtype = at::kFloat};
  for (const Knob& knob : knobs()) {
    if (knob.id != "graph") continue;
    const auto outcome = knob.apply(context);
    ASSERT_TRUE(outcome);
    EXPECT_FALSE(outcome->applied);
    EXPECT_EQ(outcome->value, "off");
    EXPECT_EQ(outcome->reason, "one call is not recorded");
  }
}

}  // namespace
}  // namespace ridgeline::native
