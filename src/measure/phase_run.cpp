// Asking the worker for a run of some seconds.
#include "measure/phase_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/clock.hpp"
#include "measure/scratch_samples.hpp"

namespace ridgeline::measure {

Result<PhaseRun> run_phase(protocol::Worker& worker, const PhaseToRun& phase, std::string_view pass,
                           double seconds) {
  const auto rows_per_call = static_cast<std::uint64_t>(1 + phase.tokens_per_call);
  const std::uint64_t room = std::min(rows_per_call * rows_needed(seconds, phase.call_seconds),
                                      std::max(kMostRows, 64 * rows_per_call));
  RIDGELINE_TRY(ScratchSamples scratch, ScratchSamples::create(room));
  const std::int64_t asked = now_ns();
  RIDGELINE_TRY(const Json reply,
                worker.request("run",
                               {{"phase", phase.name},
                                {"until",
                                 {{"ns", static_cast<std::int64_t>(1e9 * seconds)},
                                  {"n", static_cast<std::int64_t>(room / rows_per_call)}}},
                                {"pass", pass},
                                {"sync", "each"},
                                {"samples", scratch.file().path()},
                                {"capacity", scratch.file().capacity()}},
                               protocol::usual_deadlines("run")));
  const std::int64_t answered = now_ns();
  PhaseRun run;
  for (const protocol::SampleRow& row : scratch.file().rows()) {
    if ((row.flags & protocol::kRowOfToken) == 0) run.calls.push_back(row);
  }
  if (run.calls.empty()) {
    return Error{ErrorClass::kProtocol, fmt::format("the engine made no call of {}", phase.name)};
  }
  run.span = {run.calls.front().begin_ns, run.calls.back().done_ns};
  if (run.span.begin_ns < asked || run.span.end_ns > answered) {
    return unsupported("the engine's time stamps are not of this machine's clock");
  }
  return run;
}

CallsWithin calls_within(const std::vector<protocol::SampleRow>& calls,
                         const telemetry::Span& span) {
  CallsWithin within;
  std::int64_t busy = 0;
  for (const protocol::SampleRow& call : calls) {
    const std::int64_t overlap =
        std::min(call.done_ns, span.end_ns) - std::max(call.begin_ns, span.begin_ns);
    if (overlap <= 0) continue;
    busy += overlap;
    within.calls +=
        static_cast<double>(overlap) / static_cast<double>(call.done_ns - call.begin_ns);
  }
  if (span.end_ns > span.begin_ns) {
    within.busy_share =
        static_cast<double>(busy) / static_cast<double>(span.end_ns - span.begin_ns);
  }
  return within;
}

}  // namespace ridgeline::measure
