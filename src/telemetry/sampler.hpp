// A recorder on a thread of its own, and what it costs the machine that is measured.
#pragma once

#include <memory>
#include <vector>

#include "telemetry/recorder.hpp"

namespace ridgeline::telemetry {

/// What a sampler took from the machine.
struct SamplerCost {
  double wall_seconds = 0;
  double cpu_seconds = 0;  ///< of its thread
  std::int64_t wakeups = 0;
};

/// Reads from start to stop. The sources belong to its thread meanwhile: nobody else may read them.
class Sampler {
 public:
  /// Starts reading; room is made for `seconds` in advance.
  Sampler(const std::vector<Channel>& channels, double seconds);
  Sampler(const Sampler&) = delete;
  Sampler& operator=(const Sampler&) = delete;
  ~Sampler();

  /// Ends the thread after a last reading of all channels; one series a channel. Once.
  std::vector<Series> stop();

  /// After stop().
  const SamplerCost& cost() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ridgeline::telemetry
