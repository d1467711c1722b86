// Recording phases, and proving recordings right.
#include "engines/native/engine/recorded_phases.hpp"

#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/nan_to_num.h>
#include <fmt/format.h>

#include <algorithm>
#include <exception>

#include "base/clock.hpp"
#include "engines/native/device/exceptions.hpp"
#include "engines/native/device/tensors_read.hpp"

namespace ridgeline::native {
namespace {

// Libraries make handles and workspaces, pick kernels and load their code in the first calls: all
// of it may allocate or wait, which a recording cannot.
constexpr int kWarmUps = 3;

double bound_of(at::ScalarType dtype) {
  switch (dtype) {
    case at::kBFloat16:
      return 1. / 128;
    case at::kHalf:
      return 1. / 1024;
    default:
      return 1e-5;
  }
}

double largest(const at::Tensor& tensor) {
  if (tensor.numel() == 0) return 0;
  return at::nan_to_num(tensor, 0, 0, 0).abs().max().to(at::kDouble).item<double>();
}

std::string difference(const std::string& name, const at::Tensor& expected,
                       const at::Tensor& found) {
  if (expected.sizes() != found.sizes() || expected.scalar_type() != found.scalar_type()) {
    return fmt::format("output '{}' has another shape or dtype", name);
  }
  if (at::equal(expected, found)) return "";
  if (!expected.is_floating_point()) return fmt::format("output '{}' has other values", name);
  const double bound = bound_of(expected.scalar_type());
  const double scale = largest(expected);
  if (at::allclose(found, expected, /*rtol=*/0, /*atol=*/bound * scale, /*equal_nan=*/true)) {
    return "";
  }
  const double error = largest(found.sub(expected));
  return fmt::format("output '{}' differs by {:.2g}, its largest value is {:.2g}", name, error,
                     scale);
}

NamedTensors copies_of(const NamedTensors& tensors) {
  NamedTensors copies;
  for (const auto& [name, tensor] : tensors) copies.emplace_back(name, tensor.clone());
  return copies;
}

void prepare(const Phase& phase) {
  if (phase.restore) phase.restore();
}

// Outputs of a plain call, after others that made everything ready.
NamedTensors warm_up(const Phase& phase, DeviceBackend& backend) {
  NamedTensors outputs;
  for (int call = 0; call < kWarmUps; ++call) {
    outputs.clear();
    prepare(phase);
    outputs = phase.call();
  }
  // A phase may give the same memory in every call.
  outputs = copies_of(outputs);
  backend.wait();
  return outputs;
}

}  // namespace

std::string difference(const NamedTensors& expected, const NamedTensors& found) {
  if (expected.size() != found.size()) return "another number of outputs";
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const auto& [name, tensor] = expected[i];
    if (name != found[i].first) return fmt::format("output '{}' is missing", name);
    if (auto text = difference(name, tensor, found[i].second); !text.empty()) return text;
  }
  return "";
}

Result<RecordedPhase> RecordedPhases::record_one(const Phase& phase, DeviceBackend& backend) {
  RecordedPhase recorded{.name = phase.name, .reads = {}, .outputs = {}, .graph = nullptr};
  const NamedTensors expected = warm_up(phase, backend);
  // The pool cannot take what the allocator keeps of these calls.
  backend.release_unused();
  prepare(phase);
  recorder_->begin();
  try {
    recorded.reads = tensors_read([&] { recorded.outputs = phase.call(); });
  } catch (...) {
    recorder_->abandon();
    throw;
  }
  recorded.graph = recorder_->end();
  // The second one shows what a replay changes and restore() does not put back.
  for (int replay = 0; replay < 2; ++replay) {
    prepare(phase);
    recorded.graph->replay();
    backend.wait();
    const std::string text = native::difference(expected, recorded.outputs);
    if (text.empty()) continue;
    return Error{ErrorClass::kInternal, fmt::format("the replay is wrong: {}", text)};
  }
  return recorded;
}

RecordedPhases RecordedPhases::record(const std::vector<Phase>& phases, DeviceBackend& backend) {
  RecordedPhases all;
  auto recorder = backend.graph_recorder();
  if (!recorder) {
    all.outcome_.reason = recorder.error().line();
    return all;
  }
  all.recorder_ = std::move(*recorder);
  const std::int64_t begin = now_ns();
  std::string names;
  std::string reasons;
  bool complete = true;
  const auto leave_out = [&](const Phase& phase, const std::string& reason) {
    reasons += fmt::format("{}{}: {}", reasons.empty() ? "" : "; ", phase.name, reason);
  };
  for (const Phase& phase : phases) {
    if (phase.host_driven) {
      leave_out(phase, "the host takes part");
      continue;
    }
    std::string failure;
    try {
      auto recorded = all.record_one(phase, backend);
      if (recorded) {
        names += (names.empty() ? "" : ",") + phase.name;
        all.phases_.push_back(std::move(*recorded));
        continue;
      }
      failure = recorded.error().message;
    } catch (const std::exception& exception) {
      failure = line_of(exception);
    }
    complete = false;
    leave_out(phase, failure);
    backend.release_unused();
  }
  all.ns_ = now_ns() - begin;
  all.outcome_ = {.applied = complete && !names.empty(),
                  .value = names.empty() ? "off" : names,
                  .reason = reasons};
  return all;
}

const RecordedPhase* RecordedPhases::find(std::string_view phase) const {
  for (const RecordedPhase& recorded : phases_) {
    if (recorded.name == phase) return &recorded;
  }
  return nullptr;
}

}  // namespace ridgeline::native
