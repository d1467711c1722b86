// A process that exists only as numbers: calls with a known duration, noise and a clock.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "measure/stationarity.hpp"
#include "measure/stop_rule.hpp"
#include "unit/base/ar_noise.hpp"

namespace ridgeline::test {

class SimulatedWorker {
 public:
  /// Seconds of a call without noise, by its number (from 0) and the seconds since the start.
  using Ideal = std::function<double(std::int64_t call, double at)>;

  SimulatedWorker(Noise& noise, Ideal ideal, double sd = 0.01, double rho = 0.5)
      : ideal_(std::move(ideal)), ar_(noise, rho), sd_(sd) {}

  std::vector<double> run(const measure::Chunk& chunk) {
    std::vector<double> seconds;
    const double end = clock_ + static_cast<double>(chunk.ns) * 1e-9;
    do {
      const double took = ideal_(calls_, clock_) * (1 + sd_ * ar_.next());
      seconds.push_back(took);
      clock_ += took;
      ++calls_;
    } while (clock_ < end && static_cast<std::int64_t>(seconds.size()) < chunk.calls);
    return seconds;
  }

  std::int64_t calls() const { return calls_; }
  double clock() const { return clock_; }

 private:
  Ideal ideal_;
  ArNoise ar_;
  double sd_;
  double clock_ = 0;
  std::int64_t calls_ = 0;
};

/// Runs the real warm-up rule; at most `limit` blocks, so that a rule that never ends is a failure
/// and not a hang.
inline measure::Warmup warm_up(SimulatedWorker& worker, double slice,
                               const measure::WarmupOptions& options = {}, int limit = 10'000) {
  measure::Warmup warmup(options, slice);
  while (!warmup.done() && limit-- > 0) warmup.add(worker.run(warmup.next()));
  return warmup;
}

/// Warm-up and timing of one invocation by the real rules.
inline measure::StopRule time_invocation(SimulatedWorker& worker, double slice,
                                         const measure::StopOptions& options = {},
                                         const measure::WarmupOptions& warmup_options = {}) {
  const measure::Warmup warmup = warm_up(worker, slice, warmup_options);
  measure::StopRule rule(options, slice, warmup);
  for (int limit = 10'000; !rule.done() && limit > 0; --limit) rule.add(worker.run(rule.next()));
  return rule;
}

}  // namespace ridgeline::test
