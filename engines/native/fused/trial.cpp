// Comparing and timing two ways to do a decoding step.
#include "engines/native/fused/trial.hpp"

#include <algorithm>
#include <cmath>
#include <exception>
#include <vector>

#include "base/clock.hpp"
#include "engines/native/device/exceptions.hpp"
#include "engines/native/ops/ops.hpp"

namespace ridgeline::native::fused {
namespace {

constexpr int kWarmUps = 3;
constexpr int kTimed = 7;

// Steps as they are timed: one recording, or calls where nothing can be recorded.
class Steps {
 public:
  Steps(Decoding& decoding, const at::Tensor& token, DeviceBackend& backend)
      : decoding_(decoding), token_(token), backend_(backend), clock_(backend.clock()) {
    for (int i = 0; i < kWarmUps; ++i) call();
    backend_.wait();
    if (auto recorder = backend_.graph_recorder()) {
      recorder_ = std::move(*recorder);
      record();
    }
  }

  void time_one() {
    decoding_.restore();
    const std::int64_t begin = now_ns();
    clock_->begin();
    graph_ ? graph_->replay() : run();
    clock_->end();
    backend_.wait();
    const std::int64_t by_device = clock_->ns();
    times_.push_back(static_cast<double>(by_device >= 0 ? by_device : now_ns() - begin));
  }

  double median_ns() {
    const auto middle = times_.begin() + static_cast<std::ptrdiff_t>(times_.size() / 2);
    std::nth_element(times_.begin(), middle, times_.end());
    return *middle;
  }

 private:
  void run() { logits_ = decoding_.step(token_); }
  void call() {
    decoding_.restore();
    run();
  }
  void record() {
    backend_.release_unused();
    decoding_.restore();
    try {
      recorder_->begin();
      run();
      graph_ = recorder_->end();
    } catch (const std::exception&) {
      // Then call by call. A launch that fails is no error of torch's.
      recorder_->abandon();
      graph_.reset();
    }
  }

  Decoding& decoding_;
  const at::Tensor& token_;
  DeviceBackend& backend_;
  std::unique_ptr<SpanClock> clock_;
  std::unique_ptr<GraphRecorder> recorder_;
  at::Tensor logits_;
  std::unique_ptr<Graph> graph_;
  std::vector<double> times_;
};

at::Tensor one_step(Decoding& decoding, const at::Tensor& token) {
  const at::Tensor logits = decoding.step(token).to(at::kDouble);
  decoding.restore();
  return logits;
}

}  // namespace

double step_bound(at::ScalarType dtype, std::int64_t layers) {
  const double grown = 4 * std::sqrt(static_cast<double>(layers));
  switch (dtype) {
    case at::kBFloat16:
      return grown * std::ldexp(1.0, -8);
    case at::kHalf:
      return grown * std::ldexp(1.0, -11);
    default:
      return 1e-4;
  }
}

namespace {

Model::FusedTrial compare(Decoding& plain, Decoding& fused, DeviceBackend& backend) {
  const at::Tensor token = ops::argmax(plain.prefill());
  fused.prefill();
  plain.snapshot();
  fused.snapshot();
  const at::Tensor expected = one_step(plain, token);
  const at::Tensor found = one_step(fused, token);
  Model::FusedTrial trial;
  // NaN compares as an error of NaN, which no bound allows.
  trial.error = (found - expected).abs().max().item<double>() / expected.abs().max().item<double>();
  Steps plain_steps(plain, token, backend);
  Steps fused_steps(fused, token, backend);
  // In turns: a machine that is slower for a while is so for both.
  for (int i = 0; i < kTimed; ++i) {
    plain_steps.time_one();
    fused_steps.time_one();
  }
  trial.plain_ns = plain_steps.median_ns();
  trial.fused_ns = fused_steps.median_ns();
  return trial;
}

}  // namespace

Result<Model::FusedTrial> compare_steps(Decoding& plain, Decoding& fused, DeviceBackend& backend) {
  try {
    return compare(plain, fused, backend);
  } catch (const std::exception& exception) {
    return Error{ErrorClass::kInternal, line_of(exception)};
  }
}

}  // namespace ridgeline::native::fused
