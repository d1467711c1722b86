// Comparing and timing two ways to do a decoding step.
#include "engines/native/fused/trial.hpp"

#include <ATen/TensorOperators.h>

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
// Pairs of steps, and how long they may take once there are the fewest.
constexpr std::size_t kMostPairs = 15;
constexpr std::size_t kFewestPairs = 5;
constexpr std::int64_t kTimedNs = 2'000'000'000;

double median_of(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

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

  double time_one() {
    decoding_.restore();
    const std::int64_t begin = now_ns();
    clock_->begin();
    graph_ ? graph_->replay() : run();
    clock_->end();
    backend_.wait();
    const std::int64_t by_device = clock_->ns();
    return static_cast<double>(by_device >= 0 ? by_device : now_ns() - begin);
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
  // In turns: a machine that is slower for a while is so for both of a pair.
  std::vector<double> plain_ns;
  std::vector<double> fused_ns;
  std::vector<double> ratios;
  const std::int64_t end = now_ns() + kTimedNs;
  while (ratios.size() < kMostPairs && (ratios.size() < kFewestPairs || now_ns() < end)) {
    plain_ns.push_back(plain_steps.time_one());
    fused_ns.push_back(fused_steps.time_one());
    ratios.push_back(fused_ns.back() / plain_ns.back());
  }
  trial.plain_ns = median_of(std::move(plain_ns));
  trial.fused_ns = median_of(std::move(fused_ns));
  trial.ratio = median_of(std::move(ratios));
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
