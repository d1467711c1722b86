// A workload bound to a loaded model: inputs in place, phases ready to be called.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"
#include "engines/native/device/backend.hpp"
#include "engines/native/engine/loaded_model.hpp"
#include "engines/native/engine/recorded_phases.hpp"
#include "engines/native/features/processor.hpp"
#include "protocol/timed_loop.hpp"

namespace ridgeline::native {

/// The fields of a workload that this engine reads: batch, sequence, depth, new_tokens, image_size,
/// audio_seconds, text, image, audio, chat, seed. With `repeat`, rows of data are repeated in turn
/// up to the batch.
Result<Workload> workload_from(const Json& fields, bool repeat = true);

class PlannedWorkload {
 public:
  PlannedWorkload(const PlannedWorkload&) = delete;
  PlannedWorkload& operator=(const PlannedWorkload&) = delete;
  ~PlannedWorkload();

  /// Makes or reads the inputs, applies the knobs of the plan stage, binds the phases, and records
  /// them where the device can.
  static Result<std::unique_ptr<PlannedWorkload>> plan(const LoadedModel& loaded,
                                                       const Workload& workload,
                                                       const Json& optimizations);

  /// The inputs alone: nothing is chosen, tried or recorded, and there are no phases.
  static Result<std::unique_ptr<PlannedWorkload>> with_inputs(const LoadedModel& loaded,
                                                              const Workload& workload);

  /// The `planned` reply.
  Json describe() const;
  /// The `memory` reply for a phase: runs it once, call by call; the digest is of a replay where
  /// that is what is timed. "device" is null where memory is the host's; its "graphs" is what
  /// recordings hold, and a part of "reserved".
  Result<Json> memory(const std::string& phase, std::int64_t library_bytes) const;
  /// The `profile` reply: the time of each op of a phase (op_profile.hpp).
  Result<Json> profile(const std::string& phase, double seconds) const;
  /// What to time; owned here.
  Result<protocol::Runnable*> runnable(const std::string& phase);

  const NamedTensors& inputs() const { return inputs_; }
  const Workload& workload() const { return workload_; }

 private:
  PlannedWorkload(const LoadedModel& loaded, Workload workload);

  Result<NamedTensors> make_inputs();
  Result<NamedTensors> real_inputs();
  Result<NamedTensors> start_tokens(NamedTensors inputs);
  Json actual_workload() const;
  void add_preprocess();
  void record_phases();
  Json stages() const;
  Json device_memory() const;
  std::string output_digest(const Phase& phase, const NamedTensors& called) const;
  const Phase* find_phase(const std::string& name) const;

  const LoadedModel* loaded_;
  DeviceBackend* backend_;
  Workload workload_;
  std::optional<Processor> processor_;
  NamedTensors inputs_;
  std::vector<Phase> phases_;
  Json optimizations_;
  std::int64_t inputs_ns_ = 0;
  RecordedPhases recorded_;
  std::unique_ptr<protocol::Runnable> runnable_;
};

}  // namespace ridgeline::native
