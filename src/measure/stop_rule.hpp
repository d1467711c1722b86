// How long one invocation times a phase: until the median is known well enough, or the slice ends.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/series.hpp"
#include "measure/stationarity.hpp"

namespace ridgeline::measure {

struct StopOptions {
  double precision = 0.005;     ///< target half width of the median's interval, relative
  std::int64_t min_calls = 10;  ///< before precision may end it
  double min_seconds = 0.5;     ///< the same
  /// Calls of the process, warm-up included, before precision may end it: a slow start of some
  /// hundred calls is then seen from its far side and cut (unsettled_prefix).
  std::int64_t min_process_calls = 256;
  /// Share of the slice before precision may end it after a warm-up that was cut off.
  double min_share_unsettled = 0.5;
  double chunk_seconds = 0.3;  ///< shortest chunk: edges do not matter, looks at the data are few
  std::int64_t max_calls = 1'000'000;
};

enum class StopReason {
  kPrecision,  ///< the interval is narrow enough
  kBudget,     ///< the slice is spent
  kLimit,      ///< max_calls were made
};

/// "precision", "budget" or "limit", as in the record.
std::string_view name(StopReason reason);

/// Timing within one invocation: ask next() for the size of the next chunk, run it, hand the
/// durations to add(), until done(). Looks at one process only; how many processes there are is
/// decided elsewhere without looking at any spread, so stopping early here does not bend the
/// interval between invocations. Precision does not end a series that drifts: more of it tells a
/// late end of the warm-up from a trend.
class StopRule {
 public:
  /// `warmup`: the finished one of the same phase; it gives the time of a call, the calls already
  /// made, and whether the process was settled.
  StopRule(const StopOptions& options, double slice_seconds, const Warmup& warmup);

  Chunk next() const;

  /// Durations in seconds, in order; `wall_seconds` as in Warmup::add. Values that are not finite
  /// or negative are left out and counted.
  void add(std::span<const double> seconds, std::optional<double> wall_seconds = std::nullopt);

  bool done() const { return reason_.has_value(); }

  /// Which exit fired; nothing before done().
  std::optional<StopReason> reason() const { return reason_; }

  /// All samples so far; those from `settled_from()` on count, the ones before belong to the
  /// warm-up.
  std::span<const double> samples() const { return samples_; }
  std::size_t settled_from() const { return settled_from_; }
  std::span<const double> settled() const { return samples().subspan(settled_from_); }

  /// The median of the settled samples with its interval within this process, if there are enough
  /// samples.
  const std::optional<SeriesQuantile>& median() const { return median_; }

  double seconds() const { return spent_; }
  std::int64_t invalid() const { return invalid_; }

 private:
  double relative_half_width() const;
  bool may_end_by_precision() const;
  double call_seconds() const;

  StopOptions options_;
  double slice_;
  double expected_call_;
  std::int64_t warmup_calls_;
  bool warm_;
  std::vector<double> samples_;
  std::size_t settled_from_ = 0;
  std::optional<SeriesQuantile> median_;
  std::optional<StopReason> reason_;
  double spent_ = 0;
  std::int64_t invalid_ = 0;
};

}  // namespace ridgeline::measure
