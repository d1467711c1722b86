// When is a process warm? The warm-up rule, and the check that nothing of it leaked into the
// timing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

namespace ridgeline::measure {

/// A piece of work to ask a worker for: it ends at whichever limit comes first, after at least one
/// call.
struct Chunk {
  std::int64_t calls = 1;
  std::int64_t ns = std::numeric_limits<std::int64_t>::max();
};

struct WarmupOptions {
  std::size_t blocks = 5;       ///< so many last block medians must agree
  double tolerance = 0.01;      ///< within this: (max − min) / median
  double block_seconds = 0.02;  ///< shortest block, unless one call is longer
  /// Calls before agreement counts: caches, allocators and autotuners count calls, and a slow
  /// plateau agrees with itself. Given up after `min_calls_share` of the slice.
  std::int64_t min_calls = 128;
  double min_calls_share = 0.1;
  /// Of the slice: then the warm-up ends, stationary or not. The first call is not counted in it
  /// (it may load and compile for seconds); a second one is made if the first fits the slice.
  double max_share = 0.25;
  std::int64_t max_calls = 1'000'000;
  /// Warm up by exactly this many calls instead (the user said so).
  std::optional<std::int64_t> exact_calls = std::nullopt;
};

/// Warm-up until stationary. Ask next() for the size of the next block, run it, hand the durations
/// to add(), until done().
///
/// Blocks grow with the time spent after the first call (a tenth of it), so that the last five
/// always span about two fifths of the whole warm-up: a slow settling of any length cannot hide
/// inside one window. A process is stationary when the last five block medians agree within 1 %, or
/// (noisy machines never agree so well) when the medians of the two halves of the last half of all
/// blocks (at least six) differ by no more than half of that or than the standard error of their
/// difference; the noise for it is the root mean square of successive differences, which a trend
/// barely enters.
class Warmup {
 public:
  /// `slice_seconds`: what this invocation may time afterwards; caps are shares of it.
  Warmup(const WarmupOptions& options, double slice_seconds);

  Chunk next() const;

  /// The durations in seconds of the block's calls, in order; `wall_seconds` is what the block
  /// took in all (their sum when not given). Values that are not finite or negative are ignored.
  void add(std::span<const double> seconds, std::optional<double> wall_seconds = std::nullopt);

  bool done() const { return done_; }
  bool stationary() const { return stationary_; }
  std::int64_t calls() const { return calls_; }
  double seconds() const { return spent_; }

  /// The very first call, which pays for what is set up lazily; a metric of its own.
  std::optional<double> first_call() const { return first_call_; }

  /// Seconds of a call by the last block's median; 0 before any.
  double call_seconds() const { return medians_.empty() ? 0 : medians_.back(); }

 private:
  bool agrees() const;
  bool trendless() const;
  double after_first() const { return spent_ - first_block_; }
  void decide(bool nothing_ran);

  WarmupOptions options_;
  double slice_;
  std::vector<double> medians_;  // of the blocks
  std::optional<double> first_call_;
  double spent_ = 0;
  double first_block_ = 0;  // seconds
  std::int64_t calls_ = 0;
  bool done_ = false;
  bool stationary_ = false;
};

/// How many leading samples of a timed series still belong to the warm-up: a first part (less than
/// half) whose block medians all lie on the same side of the second half's median, away from it by
/// more than 2 % and by more than five times the noise of that half's blocks. 0 when there is none.
/// Only a leading transient is cut, never single values; what moves later than half is drift. Of
/// stationary AR(0.5) series with 1 % noise about 1 in 100 of 20 to 30 calls are cut, and fewer
/// than 1 in 300 from 40 on.
std::size_t unsettled_prefix(std::span<const double> series);

}  // namespace ridgeline::measure
