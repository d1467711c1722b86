// The timed loop that every C++ engine shares, and what an engine gives it to run.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include "protocol/sample_file.hpp"

namespace ridgeline::protocol {

/// Shows that work goes on: a number that only grows. Any thread.
class Progress {
 public:
  void tick(std::int64_t steps = 1) noexcept { value_.fetch_add(steps, std::memory_order_relaxed); }
  std::int64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> value_{0};
};

/// One phase of a planned workload, ready to be called again and again.
class Runnable {
 public:
  virtual ~Runnable() = default;
  /// Puts back what a call changes (a cache's position). Before every call; not timed with sync
  /// "each", part of the span with sync "end".
  virtual void restore() {}
  /// Hands the work over. On a CPU this is the work.
  virtual void enqueue() = 0;
  /// Returns when all work handed over is done.
  virtual void wait() {}
  /// Device time of the last call by the device's own events, in ns; -1 when unknown.
  virtual std::int64_t device_ns() { return -1; }
  /// When each token of the last call was there, for phases that emit token by token; else empty.
  virtual std::span<const std::int64_t> token_times() { return {}; }
  /// Units of work in the last call, in the phase's unit.
  virtual double items() { return 1; }

  /// True for a runnable that makes up its time stamps: then only stamp() is called.
  virtual bool has_virtual_time() const { return false; }
  /// Fills the row of the next call without doing any work. Test equipment.
  virtual void stamp(SampleRow& /*row*/) {}
};

/// When calls are waited for.
enum class Sync {
  kEach,  ///< after every call: latency; one row a call
  kEnd,   ///< once, after the last call: throughput; one row for all (kRowOfManyCalls)
};

/// Whichever comes first ends the loop; 0 means no such limit. At least one call is made.
struct LoopLimits {
  std::int64_t calls = 0;
  std::int64_t ns = 0;  ///< from the first begin, restore() included
};

struct LoopResult {
  std::int64_t calls = 0;
  std::int64_t wall_ns = 0;  ///< first begin to last done
  std::int64_t cpu_ns = 0;   ///< CPU time of the whole process
  std::int64_t voluntary_switches = 0;
  std::int64_t involuntary_switches = 0;
  std::int64_t major_faults = 0;
  std::int64_t minor_faults = 0;
  bool stopped = false;  ///< `stop` ended it before the limits did
};

/// Calls `runnable` until a limit or `stop`, appending a row per call, or with Sync::kEnd one for
/// all calls: begin of the first, enqueued after the last was handed over, done after the one
/// wait(), items summed, device_ns as the runnable gives it then. Between two calls there is
/// nothing but the clock, the row, `progress` and two comparisons.
LoopResult timed_loop(Runnable& runnable, SampleWriter& samples, Sync sync,
                      const LoopLimits& limits, const std::atomic<bool>& stop, Progress& progress);

}  // namespace ridgeline::protocol
