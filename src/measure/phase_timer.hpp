// Times one phase in one worker: first call, warm-up, measured chunks. The worker times; here is
// only the protocol of what to ask for next.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "measure/harness.hpp"
#include "measure/token_series.hpp"
#include "protocol/client.hpp"
#include "protocol/sample_file.hpp"
#include "results/record.hpp"

namespace ridgeline::measure {

/// What one invocation measured of one phase.
struct PhaseTiming {
  results::InvocationPhase summary;
  std::vector<double> settled;  ///< seconds of each timed call, in order
  TokenSeries tokens;           ///< of the same calls; empty for phases without tokens
  HarnessCost harness;
};

/// A look at a phase between two chunks.
struct PhaseGlimpse {
  bool warming_up = false;
  std::optional<double> median;      ///< seconds
  std::optional<double> half_width;  ///< of its interval within this process
};

struct PhaseTimerOptions {
  double slice_seconds = 1;               ///< of timed calls, warm-up comes on top
  double precision = 0.005;               ///< target half width within this process
  std::optional<std::int64_t> warmup_ns;  ///< none: until stationary; 0: no warm-up
  std::function<void(const PhaseGlimpse&)> on_chunk = {};
};

class PhaseTimer {
 public:
  /// `tokens_per_call`: token rows that follow each call's row.
  PhaseTimer(protocol::Worker& worker, std::string phase, std::int64_t tokens_per_call = 0)
      : worker_(&worker), phase_(std::move(phase)), rows_per_call_(1 + tokens_per_call) {}

  /// Makes the very first call, which pays for what is set up lazily, and a second one, which tells
  /// how long a call takes (seconds).
  Result<double> first_calls();

  /// Warms up and measures; `samples_path` receives the raw rows. Call first_calls() before.
  Result<PhaseTiming> measure(const PhaseTimerOptions& options, const std::string& samples_path);

 private:
  struct Piece;
  bool has_room(const protocol::SampleFile& file) const;
  Result<Piece> run(protocol::SampleFile& file, std::int64_t calls, std::int64_t ns);

  protocol::Worker* worker_;
  std::string phase_;
  std::int64_t rows_per_call_;
  double first_call_ = 0;
  double second_call_ = 0;
};

}  // namespace ridgeline::measure
