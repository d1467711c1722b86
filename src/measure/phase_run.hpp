// One uninterrupted run of a phase for a pass beside the timing, with the stamps of its calls.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "protocol/client.hpp"
#include "protocol/sample_file.hpp"
#include "telemetry/series.hpp"

namespace ridgeline::measure {

/// A phase of a worker's plan, and how long a call of it takes.
struct PhaseToRun {
  std::string name;
  double call_seconds = 0;
  std::int64_t tokens_per_call = 0;
};

struct PhaseRun {
  std::vector<protocol::SampleRow> calls;  ///< one row a call, in order, without rows of tokens
  telemetry::Span span;                    ///< first begin to last done
};

/// Calls the phase until `seconds` are over, always whole calls, in the given pass ("energy",
/// "counters"). An error of class unsupported when the stamps are not of this machine's clock
/// (an engine on made-up time), and all errors of the worker.
Result<PhaseRun> run_phase(protocol::Worker& worker, const PhaseToRun& phase, std::string_view pass,
                           double seconds);

/// How much of the calls lies within a span.
struct CallsWithin {
  double calls = 0;       ///< parts of calls at both ends counted by their time
  double busy_share = 0;  ///< of the span: within a call, not between two
};
CallsWithin calls_within(const std::vector<protocol::SampleRow>& calls,
                         const telemetry::Span& span);

}  // namespace ridgeline::measure
