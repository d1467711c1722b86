// Stamps of single ops: by a device's clock that is made up, and on a real tiny model.
#include <ATen/ops/zeros.h>
#include <c10/core/InferenceMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "engines/native/engine/op_profile.hpp"
#include "engines/native/ops/charge.hpp"
#include "engines/native/ops/op_observer.hpp"
#include "tests/native/tiny_model.hpp"

namespace ridgeline::native {
namespace {

using ::testing::HasSubstr;

// Its clocks show the time that ops say they took.
class FakeDevice final : public DeviceBackend {
 public:
  class Clock final : public SpanClock {
   public:
    explicit Clock(const std::int64_t& now) : now_(&now) {}
    void begin() override { begin_ = *now_; }
    void end() override { end_ = *now_; }
    std::int64_t ns() override { return end_ - begin_; }

   private:
    const std::int64_t* now_;
    std::int64_t begin_ = 0;
    std::int64_t end_ = 0;
  };

  Status use_stream(StreamPriority) override { return {}; }
  void wait() override {}
  std::unique_ptr<SpanClock> clock() override { return std::make_unique<Clock>(now); }
  Result<std::unique_ptr<GraphRecorder>> graph_recorder() override { return unsupported("none"); }
  std::optional<DeviceMemory> memory() override { return std::nullopt; }
  void reset_peak() override {}
  void release_unused() override {}

  std::int64_t now = 0;
};

ops::OpenOp open(const char* name, OpClass op_class) {
  const at::Tensor x = at::zeros({1});
  return ops::open_op(name, op_class, x, at::Tensor(), [](Ledger&) { return OpCost(); });
}

TEST(OpProfile, AnOpWithinAnotherOneCountsForItself) {
  FakeDevice device;
  Phase phase;
  phase.name = "forward";
  phase.restore = [&] {
    const ops::OpenOp op = open("restore", OpClass::kMovement);
    device.now += 1000000;
  };
  phase.call = [&]() -> NamedTensors {
    for (int layer = 0; layer < 2; ++layer) {
      const ops::OpenOp outer = open("linear", OpClass::kMatmul);
      device.now += 3000;
      {
        const ops::OpenOp inner = open("gelu", OpClass::kActivation);
        device.now += 500;
      }
      device.now += 1000;
    }
    device.now += 7000;  // nobody's
    return {};
  };
  const Result<Json> profile = profile_ops(phase, device, 0, /*recorded=*/true);
  ASSERT_TRUE(profile) << profile.error().line();
  EXPECT_EQ(profile->at("calls"), 1);
  const Json& rows = profile->at("ops");
  ASSERT_EQ(rows.size(), 2u) << rows.dump();
  EXPECT_EQ(rows[0].at("op"), "linear");
  EXPECT_EQ(rows[0].at("class"), "matmul");
  EXPECT_EQ(rows[0].at("dtype"), "float32");
  EXPECT_EQ(rows[0].at("calls"), 2);
  EXPECT_NEAR(rows[0].at("seconds").get<double>(), 8e-6, 1e-12);
  EXPECT_EQ(rows[1].at("op"), "gelu");
  EXPECT_NEAR(rows[1].at("seconds").get<double>(), 1e-6, 1e-12);
  EXPECT_THAT(profile->at("note").get<std::string>(), HasSubstr("graph"));
  EXPECT_EQ(OpObserver::active(), nullptr);
}

TEST(OpProfile, FusedKernelsHaveNoOps) {
  FakeDevice device;
  Phase phase;
  phase.name = "decode";
  phase.call = []() -> NamedTensors { return {}; };
  const Result<Json> profile = profile_ops(phase, device, 0, /*recorded=*/false);
  ASSERT_FALSE(profile);
  EXPECT_THAT(profile.error().line(), HasSubstr("fused"));
}

TEST(OpProfile, OpsOfAModelAddUpToItsCall) {
  const c10::InferenceMode inference;
  const auto source = synthetic_source(0);
  const Json config = testing::tiny_config("bert", "BertModel");
  const testing::TinyModel tiny = testing::make_tiny("bert", "BertModel", config, *source);
  Workload workload;
  workload.batch = 4;
  workload.sequence = 64;
  const auto specs = tiny.model->input_specs(workload);
  ASSERT_TRUE(specs);
  const NamedTensors inputs = synthetic_inputs(*specs, 0, at::kFloat, false);
  const auto phases = tiny.model->phases(inputs, workload);
  ASSERT_TRUE(phases);
  const Result<Json> profile =
      profile_ops(phases->front(), backend_of(at::kCPU), 0.05, /*recorded=*/false);
  ASSERT_TRUE(profile) << profile.error().line();
  EXPECT_GT(profile->at("calls").get<int>(), 1);
  double sum = 0;
  bool has_attention = false;
  for (const Json& op : profile->at("ops")) {
    sum += op.at("seconds").get<double>();
    has_attention = has_attention || op.at("class") == "attention";
  }
  EXPECT_TRUE(has_attention);
  const double call = profile->at("seconds").get<double>();
  EXPECT_LE(sum, call);
  EXPECT_GT(sum, 0.3 * call);
}

}  // namespace
}  // namespace ridgeline::native
