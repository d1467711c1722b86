// A phase as the timed loop sees it.
#pragma once

#include <memory>
#include <span>

#include "engines/native/device/backend.hpp"
#include "engines/native/engine/recorded_phases.hpp"
#include "engines/native/models/model.hpp"
#include "protocol/timed_loop.hpp"

namespace ridgeline::native {

/// Calls a phase, or replays its recording when there is one. Phase, recording and backend must
/// outlive it.
class PhaseRunnable final : public protocol::Runnable {
 public:
  PhaseRunnable(const Phase& phase, const RecordedPhase* recorded, DeviceBackend& backend);

  void restore() override;
  void enqueue() override;
  void wait() override;
  /// From the first enqueue() after the last wait() to the work that wait() waited for: of one call
  /// with sync "each", of all of them with sync "end". Gaps on the device are part of it.
  std::int64_t device_ns() override { return clock_->ns(); }
  double items() override { return phase_->items.front().second; }
  std::span<const std::int64_t> token_times() override;

 private:
  const Phase* phase_;
  const RecordedPhase* recorded_;
  DeviceBackend* backend_;
  std::unique_ptr<SpanClock> clock_;
  bool under_way_ = false;
  NamedTensors outputs_;
};

}  // namespace ridgeline::native
