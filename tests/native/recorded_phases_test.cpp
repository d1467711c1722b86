// Recording phases, by a device that is made up: what is recorded, what is left out and why, and
// what its clock says of the calls.
#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <c10/core/InferenceMode.h>
#include <c10/util/Exception.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "engines/native/engine/phase_runnable.hpp"
#include "engines/native/engine/recorded_phases.hpp"
#include "tests/support/temp_folder.hpp"

namespace ridgeline::native {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

using Work = std::function<void()>;

// Work runs when it is handed over, or is kept while a recording is on. Time is made up.
class FakeDevice final : public DeviceBackend {
 public:
  void hand_over(std::int64_t ns, Work work) {
    const auto timed = [this, ns, work = std::move(work)] {
      now += ns;
      work();
    };
    recording ? recorded.push_back(timed) : timed();
  }

  Status use_stream(StreamPriority) override { return {}; }
  void wait() override { ++waits; }
  std::unique_ptr<SpanClock> clock() override;
  Result<std::unique_ptr<GraphRecorder>> graph_recorder() override;
  std::optional<DeviceMemory> memory() override { return std::nullopt; }
  void reset_peak() override {}
  void release_unused() override {}

  std::int64_t now = 0;
  bool recording = false;
  std::vector<Work> recorded;
  bool end_fails = false;
  int waits = 0;
  int abandoned = 0;
  int replays = 0;
};

class FakeClock final : public SpanClock {
 public:
  explicit FakeClock(FakeDevice& device) : device_(device) {}
  void begin() override { begin_ = device_.now; }
  void end() override { end_ = device_.now; }
  std::int64_t ns() override { return end_ - begin_; }

 private:
  FakeDevice& device_;
  std::int64_t begin_ = 0;
  std::int64_t end_ = 0;
};

class FakeGraph final : public Graph {
 public:
  FakeGraph(FakeDevice& device, std::vector<Work> work) : device_(device), work_(std::move(work)) {}
  void replay() override {
    ++device_.replays;
    for (const Work& work : work_) work();
  }

 private:
  FakeDevice& device_;
  std::vector<Work> work_;
};

class FakeRecorder final : public GraphRecorder {
 public:
  explicit FakeRecorder(FakeDevice& device) : device_(device) {}
  void begin() override {
    device_.recorded.clear();
    device_.recording = true;
  }
  std::unique_ptr<Graph> end() override {
    device_.recording = false;
    TORCH_CHECK(!device_.end_fails, "the recording was spoilt");
    return std::make_unique<FakeGraph>(device_, std::move(device_.recorded));
  }
  void abandon() noexcept override {
    device_.recording = false;
    ++device_.abandoned;
  }
  std::int64_t pool_bytes() const override { return 1234; }

 private:
  FakeDevice& device_;
};

std::unique_ptr<SpanClock> FakeDevice::clock() {
  return std::make_unique<FakeClock>(*this);
}
Result<std::unique_ptr<GraphRecorder>> FakeDevice::graph_recorder() {
  return std::unique_ptr<GraphRecorder>(std::make_unique<FakeRecorder>(*this));
}

constexpr std::int64_t kCallNs = 500;

// Fills an output with what `value` says when the work runs.
Phase phase_of(FakeDevice& device, const std::string& name, std::function<float()> value) {
  Phase phase;
  phase.name = name;
  phase.unit = "token";
  phase.items = {{"token", 1}};
  phase.call = [&device, value = std::move(value)] {
    const at::Tensor output = at::full({3}, -1.f);
    device.hand_over(kCallNs, [output, value] { output.fill_(value()); });
    return NamedTensors{{"logits", output}};
  };
  return phase;
}

float first_value(const RecordedPhase& recorded) {
  return recorded.outputs[0].second[0].item<float>();
}

TEST(Recorded_phases, are_those_that_the_host_takes_no_part_in) {
  const c10::InferenceMode inference;
  FakeDevice device;
  int host_calls = 0;
  std::vector<Phase> phases = {phase_of(device, "prefill", [] { return 1.f; }),
                               phase_of(device, "decode", [] { return 2.f; }),
                               phase_of(device, "generate", [&] { return float(++host_calls); })};
  phases[2].host_driven = true;
  const auto recorded = RecordedPhases::record(phases, device);
  EXPECT_TRUE(recorded.outcome().applied);
  EXPECT_EQ(recorded.outcome().value, "prefill,decode");
  EXPECT_EQ(recorded.outcome().reason, "generate: the host takes part");
  EXPECT_EQ(host_calls, 0);
  EXPECT_EQ(recorded.find("generate"), nullptr);
  EXPECT_GT(recorded.ns(), 0);
  EXPECT_EQ(recorded.pool_bytes(), 1234);
  ASSERT_NE(recorded.find("decode"), nullptr);
  EXPECT_EQ(first_value(*recorded.find("prefill")), 1);
  EXPECT_EQ(first_value(*recorded.find("decode")), 2);
}

TEST(Recorded_phases, put_back_what_a_call_changes_before_each_call_and_replay) {
  const c10::InferenceMode inference;
  FakeDevice device;
  float tokens = 7;
  Phase decode = phase_of(device, "decode", [&] { return tokens++; });
  decode.restore = [&] { tokens = 7; };
  const auto recorded = RecordedPhases::record({decode}, device);
  ASSERT_NE(recorded.find("decode"), nullptr) << recorded.outcome().reason;
  EXPECT_EQ(first_value(*recorded.find("decode")), 7);
}

TEST(Recorded_phases, run_call_by_call_when_a_replay_drifts) {
  const c10::InferenceMode inference;
  FakeDevice device;
  // As a cache that nobody rewinds: plain calls start over, replays go on. Only the second differs.
  float tokens = 0;
  Phase decode = phase_of(device, "decode", [&] { return tokens; });
  const auto plain = decode.call;
  decode.call = [&, plain] {
    tokens = 4;
    auto outputs = plain();
    device.hand_over(0, [&] { tokens += 1; });
    return outputs;
  };
  const auto recorded = RecordedPhases::record({decode}, device);
  EXPECT_EQ(recorded.find("decode"), nullptr);
  EXPECT_EQ(device.replays, 2);
  EXPECT_FALSE(recorded.outcome().applied);
  EXPECT_EQ(recorded.outcome().value, "off");
  EXPECT_EQ(recorded.outcome().reason,
            "decode: the replay is wrong: output 'logits' differs by 1, its largest value is 4");
}

TEST(Recorded_phases, leave_a_phase_out_that_cannot_be_recorded_and_go_on) {
  const c10::InferenceMode inference;
  FakeDevice device;
  Phase prefill = phase_of(device, "prefill", [] { return 1.f; });
  const auto plain = prefill.call;
  prefill.call = [&, plain] {
    auto outputs = plain();
    TORCH_CHECK(!device.recording, "operation not permitted when stream is capturing\nsecond line");
    return outputs;
  };
  const auto recorded =
      RecordedPhases::record({prefill, phase_of(device, "decode", [] { return 2.f; })}, device);
  EXPECT_EQ(device.abandoned, 1);
  EXPECT_FALSE(device.recording);
  EXPECT_FALSE(recorded.outcome().applied);
  EXPECT_EQ(recorded.outcome().value, "decode");
  EXPECT_EQ(recorded.outcome().reason, "prefill: operation not permitted when stream is capturing");
  EXPECT_EQ(prefill.call()[0].second[0].item<float>(), 1);
}

TEST(Recorded_phases, say_why_a_recording_could_not_end) {
  const c10::InferenceMode inference;
  FakeDevice device;
  device.end_fails = true;
  const auto recorded =
      RecordedPhases::record({phase_of(device, "forward", [] { return 1.f; })}, device);
  EXPECT_EQ(recorded.find("forward"), nullptr);
  EXPECT_EQ(recorded.outcome().reason, "forward: the recording was spoilt");
}

TEST(Recorded_phases, are_none_where_the_device_does_not_record) {
  bool called = false;
  Phase phase;
  phase.name = "forward";
  phase.call = [&] {
    called = true;
    return NamedTensors();
  };
  const auto recorded = RecordedPhases::record({phase}, backend_of(at::kCPU));
  EXPECT_FALSE(called);
  EXPECT_FALSE(recorded.outcome().applied);
  EXPECT_EQ(recorded.outcome().value, "off");
  EXPECT_EQ(recorded.outcome().reason, "only CUDA devices record work");
  EXPECT_EQ(recorded.ns(), 0);
}

TEST(Recorded_phases, keep_what_they_read_alive) {
  const c10::InferenceMode inference;
  FakeDevice device;
  // As an encoder's output that a later call makes anew.
  at::Tensor encoded = at::ones({5});
  const c10::Storage storage = encoded.storage();
  Phase prefill = phase_of(device, "prefill", [] { return 1.f; });
  prefill.call = [&] { return NamedTensors{{"logits", encoded.add(1).mul(2)}}; };
  {
    const auto recorded = RecordedPhases::record({prefill}, device);
    ASSERT_NE(recorded.find("prefill"), nullptr) << recorded.outcome().reason;
    encoded = at::zeros({5});
    EXPECT_EQ(storage.use_count(), 2u);
    // The sum is made by the call itself.
    EXPECT_EQ(recorded.find("prefill")->reads.size(), 1u);
  }
  EXPECT_EQ(storage.use_count(), 1u);
}

TEST(Difference, is_none_within_the_rounding_of_a_dtype) {
  const c10::InferenceMode inference;
  const at::Tensor values = at::arange(1, 5).to(at::kFloat);
  const auto differ = [](const at::Tensor& expected, const at::Tensor& found) {
    return difference(NamedTensors{{"x", expected}}, NamedTensors{{"x", found}});
  };
  EXPECT_EQ(differ(values, values), "");
  EXPECT_EQ(differ(values, values + 3e-5), "");
  EXPECT_THAT(differ(values, values + 1e-4), StartsWith("output 'x' differs by 0.0001"));
  const at::Tensor rounded = values.to(at::kBFloat16);
  EXPECT_EQ(differ(rounded, rounded + 0.03), "");
  EXPECT_THAT(differ(rounded, rounded + 0.1), HasSubstr("differs"));
  EXPECT_THAT(differ(values.to(at::kHalf), values.to(at::kHalf) + 0.03), HasSubstr("differs"));
  EXPECT_THAT(differ(values.to(at::kLong), values.to(at::kLong) + 1), HasSubstr("other values"));
  EXPECT_THAT(differ(values, values.to(at::kHalf)), HasSubstr("shape or dtype"));
  EXPECT_THAT(differ(values, values.narrow(0, 0, 2)), HasSubstr("shape or dtype"));
  EXPECT_EQ(difference({{"x", values}}, {{"y", values}}), "output 'x' is missing");
  EXPECT_EQ(difference({{"x", values}}, {}), "another number of outputs");
}

TEST(Difference, takes_nan_and_infinity_as_values) {
  const c10::InferenceMode inference;
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const auto differ = [](std::vector<float> expected, std::vector<float> found) {
    return difference({{"x", at::tensor(expected)}}, {{"x", at::tensor(found)}});
  };
  EXPECT_EQ(differ({1, kNan, -kInfinity}, {1, kNan, -kInfinity}), "");
  EXPECT_EQ(differ({1, kNan}, {1.000001f, kNan}), "");
  EXPECT_NE(differ({1, kNan}, {1, 1}), "");
  EXPECT_NE(differ({1, 1}, {1, kNan}), "");
  EXPECT_NE(differ({1, kInfinity}, {1, 3}), "");
  EXPECT_NE(differ({1, kInfinity}, {1, -kInfinity}), "");
}

class Device_time : public ::testing::Test {
 protected:
  Device_time() : phase_(phase_of(device_, "forward", [] { return 1.f; })) {
    phase_.restore = [this] { device_.now += 77; };
    const std::string path = folder_.path() + "/samples";
    file_.emplace(*protocol::SampleFile::create(path, 16));
    writer_.emplace(*protocol::SampleWriter::open(path));
  }

  // The times of the device in the rows of three calls.
  std::vector<std::int64_t> times(PhaseRunnable& runnable, protocol::Sync sync) {
    const std::atomic<bool> stop{false};
    protocol::Progress progress;
    protocol::timed_loop(runnable, *writer_, sync, {.calls = 3}, stop, progress);
    std::vector<std::int64_t> all;
    for (const protocol::SampleRow& row : file_->rows()) all.push_back(row.device_ns);
    return all;
  }

  const c10::InferenceMode inference_;
  test::TempFolder folder_;
  FakeDevice device_;
  Phase phase_;
  std::optional<protocol::SampleFile> file_;
  std::optional<protocol::SampleWriter> writer_;
};

TEST_F(Device_time, of_each_call_has_the_call_alone) {
  PhaseRunnable runnable(phase_, nullptr, device_);
  EXPECT_THAT(times(runnable, protocol::Sync::kEach),
              testing::ElementsAre(kCallNs, kCallNs, kCallNs));
  // One wait a call, and no other.
  EXPECT_EQ(device_.waits, 3);
}

TEST_F(Device_time, of_many_calls_is_that_of_all_with_what_lies_between) {
  PhaseRunnable runnable(phase_, nullptr, device_);
  EXPECT_THAT(times(runnable, protocol::Sync::kEnd), testing::ElementsAre(3 * kCallNs + 2 * 77));
  EXPECT_EQ(device_.waits, 1);
}

TEST_F(Device_time, is_that_of_replays_where_there_is_a_recording) {
  const auto recorded = RecordedPhases::record({phase_}, device_);
  ASSERT_NE(recorded.find("forward"), nullptr);
  device_.replays = 0;
  PhaseRunnable runnable(phase_, recorded.find("forward"), device_);
  EXPECT_THAT(times(runnable, protocol::Sync::kEach),
              testing::ElementsAre(kCallNs, kCallNs, kCallNs));
  EXPECT_EQ(device_.replays, 3);
}

TEST_F(Device_time, is_unknown_on_the_cpu) {
  PhaseRunnable runnable(phase_, nullptr, backend_of(at::kCPU));
  EXPECT_THAT(times(runnable, protocol::Sync::kEach), testing::ElementsAre(-1, -1, -1));
}

}  // namespace
}  // namespace ridgeline::native
