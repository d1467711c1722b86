// The phases of a plan as recorded graphs, where the device records and the recording proves right.
#pragma once

#include <c10/core/Storage.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engines/native/device/backend.hpp"
#include "engines/native/models/model.hpp"
#include "engines/native/optimize/knobs.hpp"

namespace ridgeline::native {

/// A phase that was recorded. Its outputs lie in fixed memory, which every replay writes anew.
struct RecordedPhase {
  std::string name;
  std::vector<c10::Storage> reads;  ///< kept alive: what the graph reads from outside
  NamedTensors outputs;
  std::unique_ptr<Graph> graph;
};

class RecordedPhases {
 public:
  RecordedPhases() = default;

  /// Calls each phase a few times on the current stream, records one more call, replays it twice,
  /// and compares: outputs must equal those of a plain call, up to the rounding that kernels with
  /// atomic sums have. Phases that the host takes part in, that cannot be recorded, or whose replay
  /// differs are left out, and outcome() says why.
  static RecordedPhases record(const std::vector<Phase>& phases, DeviceBackend& backend);

  /// The recording of a phase, or nullptr: then it runs call by call.
  const RecordedPhase* find(std::string_view phase) const;

  /// For the knob: value "prefill,decode", or "off" where nothing was recorded; applied when every
  /// phase that the host takes no part in was.
  const KnobOutcome& outcome() const { return outcome_; }

  /// What recording took, warm-up and check included; 0 when nothing was tried.
  std::int64_t ns() const { return ns_; }
  /// Bytes that all recordings hold for what they compute with.
  std::int64_t pool_bytes() const { return recorder_ ? recorder_->pool_bytes() : 0; }

 private:
  Result<RecordedPhase> record_one(const Phase& phase, DeviceBackend& backend);

  std::unique_ptr<GraphRecorder> recorder_;
  std::vector<RecordedPhase> phases_;
  KnobOutcome outcome_{.applied = false, .value = "off", .reason = {}};
  std::int64_t ns_ = 0;
};

/// Empty when the outputs agree: equal bits, or the same values up to 1e-5 (float32), 2^-10
/// (float16) or 2^-7 (bfloat16) of the largest one, with NaN and infinities in the same places.
/// Else one line that says which differs, and by how much.
std::string difference(const NamedTensors& expected, const NamedTensors& found);

}  // namespace ridgeline::native
