// Warm-up blocks and timed chunks, over the protocol.
#include "measure/phase_timer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/statistics.hpp"
#include "base/trend.hpp"
#include "measure/scratch_samples.hpp"
#include "measure/stationarity.hpp"
#include "measure/stop_rule.hpp"

namespace ridgeline::measure {

struct PhaseTimer::Piece {
  std::vector<double> seconds;
  double wall_seconds = 0;
};

namespace {

results::StopRule stop_rule_of(const StopRule& rule) {
  switch (rule.reason().value_or(StopReason::kBudget)) {
    case StopReason::kPrecision:
      return results::StopRule::kPrecision;
    case StopReason::kLimit:
      return results::StopRule::kLimit;
    case StopReason::kBudget:
      break;
  }
  return results::StopRule::kBudget;
}

PhaseGlimpse glimpse_of(const StopRule& rule) {
  PhaseGlimpse glimpse;
  if (rule.median()) {
    glimpse.median = rule.median()->value;
    glimpse.half_width = 0.5 * (rule.median()->interval.high - rule.median()->interval.low);
  } else if (!rule.settled().empty()) {
    glimpse.median = median(rule.settled());
  }
  return glimpse;
}

}  // namespace

bool PhaseTimer::has_room(const protocol::SampleFile& file) const {
  return file.count() + 1 + static_cast<std::uint64_t>(rows_per_call_) <= file.capacity();
}

Result<PhaseTimer::Piece> PhaseTimer::run(protocol::SampleFile& file, std::int64_t calls,
                                          std::int64_t ns) {
  const std::uint64_t from = file.count();
  if (!has_room(file)) {
    return Error{ErrorClass::kInternal, fmt::format("no room for more samples of {}", phase_)};
  }
  // Never more calls than rows: a dropped row would be a call that nobody sees.
  const auto room = static_cast<std::int64_t>(file.capacity() - from) / rows_per_call_;
  Json until = {{"n", std::min(calls, room)}};
  if (ns > 0 && ns < INT64_MAX) until["ns"] = ns;
  protocol::Deadlines deadlines = protocol::usual_deadlines("run");
  RIDGELINE_TRY(const Json reply, worker_->request("run",
                                                   {{"phase", phase_},
                                                    {"until", until},
                                                    {"pass", "time"},
                                                    {"sync", "each"},
                                                    {"samples", file.path()},
                                                    {"capacity", file.capacity()}},
                                                   deadlines));
  Piece piece;
  const auto rows = file.rows(from, file.count());
  piece.seconds = call_seconds(rows);
  if (rows.size() != piece.seconds.size() * static_cast<std::size_t>(rows_per_call_)) {
    return Error{ErrorClass::kProtocol, fmt::format("the engine wrote {} rows for {} calls of {}",
                                                    rows.size(), piece.seconds.size(), phase_)};
  }
  if (piece.seconds.empty()) {
    return Error{ErrorClass::kProtocol, fmt::format("the engine made no call of {}", phase_)};
  }
  RIDGELINE_TRY(const double wall_ns, get_number(reply, "wall_ns", "ran"));
  piece.wall_seconds = 1e-9 * wall_ns;
  return piece;
}

Result<double> PhaseTimer::first_calls() {
  RIDGELINE_TRY(ScratchSamples scratch,
                ScratchSamples::create(static_cast<std::uint64_t>(4 * rows_per_call_)));
  RIDGELINE_TRY(const Piece first, run(scratch.file(), 1, 0));
  RIDGELINE_TRY(const Piece second, run(scratch.file(), 1, 0));
  first_call_ = first.seconds.front();
  second_call_ = second.seconds.front();
  return second_call_;
}

Result<PhaseTiming> PhaseTimer::measure(const PhaseTimerOptions& options,
                                        const std::string& samples_path) {
  const HarnessMeter harness;
  const auto rows_per_call = static_cast<std::uint64_t>(rows_per_call_);
  RIDGELINE_TRY(ScratchSamples scratch,
                ScratchSamples::create(
                    std::min(rows_per_call * rows_needed(options.slice_seconds, second_call_),
                             std::max(kMostRows, 64 * rows_per_call))));
  protocol::SampleFile& file = scratch.file();

  WarmupOptions warmup_options;
  double warmup_slice = options.slice_seconds;
  if (options.warmup_ns && *options.warmup_ns == 0) {
    warmup_options.exact_calls = 0;
  } else if (options.warmup_ns) {
    // The user gives the whole time: let the cap of the rule be that time.
    warmup_slice = 1e-9 * static_cast<double>(*options.warmup_ns);
    warmup_options.max_share = 1.0;
  }
  Warmup warmup(warmup_options, warmup_slice);
  const double first[] = {first_call_};
  const double second[] = {second_call_};
  if (!warmup.done()) warmup.add(first);
  if (!warmup.done()) warmup.add(second);
  while (!warmup.done()) {
    const Chunk chunk = warmup.next();
    RIDGELINE_TRY(const Piece piece, run(file, chunk.calls, chunk.ns));
    warmup.add(piece.seconds, piece.wall_seconds);
    if (options.on_chunk) options.on_chunk({true, median(piece.seconds), std::nullopt});
  }

  const std::uint64_t measured_from = file.count();
  StopOptions stop_options;
  stop_options.precision = options.precision;
  StopRule rule(stop_options, options.slice_seconds, warmup);
  while (!rule.done() && has_room(file)) {
    const Chunk chunk = rule.next();
    RIDGELINE_TRY(const Piece piece, run(file, chunk.calls, chunk.ns));
    rule.add(piece.seconds, piece.wall_seconds);
    if (options.on_chunk) options.on_chunk(glimpse_of(rule));
  }

  PhaseTiming timing;
  timing.settled.assign(rule.settled().begin(), rule.settled().end());
  results::InvocationPhase& summary = timing.summary;
  summary.name = phase_;
  summary.warmup = results::WarmUp{warmup.calls() + static_cast<std::int64_t>(rule.settled_from()),
                                   warmup.seconds(), warmup.stationary()};
  summary.n = static_cast<std::int64_t>(timing.settled.size());
  summary.median = median(timing.settled);
  summary.first_call = first_call_;
  summary.stop_rule = rule.done() ? stop_rule_of(rule) : results::StopRule::kLimit;
  summary.first_row =
      static_cast<std::int64_t>(measured_from + rule.settled_from() * rows_per_call);
  timing.tokens =
      token_series(file.rows(static_cast<std::uint64_t>(summary.first_row), file.count()));
  summary.end_row = static_cast<std::int64_t>(file.count());
  if (const auto drift = detect_drift(timing.settled); drift)
    summary.drift = drift->relative_change;
  RIDGELINE_CHECK(file.save_as(samples_path));
  timing.harness = harness.elapsed();
  return timing;
}

}  // namespace ridgeline::measure
