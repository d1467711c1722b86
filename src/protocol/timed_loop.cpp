// The timed loop.
#include "protocol/timed_loop.hpp"

#include <sys/resource.h>

#include <ctime>
#include <limits>

#include "base/clock.hpp"

namespace ridgeline::protocol {
namespace {

// Limits with "none" spelled as a number that is never reached: the loop needs no second test.
struct Bounds {
  std::int64_t calls;
  std::int64_t ns;
};

Bounds bounds_of(const LoopLimits& limits) {
  constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
  return {limits.calls > 0 ? limits.calls : kNever, limits.ns > 0 ? limits.ns : kNever};
}

std::int64_t process_cpu_ns() {
  timespec t{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return t.tv_sec * kNsPerSecond + t.tv_nsec;
}

void append_tokens(Runnable& runnable, const SampleRow& call, SampleWriter& samples) {
  SampleRow row;
  row.flags = kRowOfToken;
  row.begin_ns = call.begin_ns;
  for (const std::int64_t done : runnable.token_times()) {
    row.enqueued_ns = row.done_ns = done;
    samples.append(row);
    row.begin_ns = done;
  }
}

void time_each(Runnable& runnable, SampleWriter& samples, const Bounds& bounds,
               const std::atomic<bool>& stop, Progress& progress, LoopResult& result) {
  SampleRow row;
  std::int64_t calls = 0;
  std::int64_t first_begin = 0;
  for (;;) {
    runnable.restore();
    row.begin_ns = now_ns();
    runnable.enqueue();
    row.enqueued_ns = now_ns();
    runnable.wait();
    row.done_ns = now_ns();
    row.device_ns = runnable.device_ns();
    row.items = runnable.items();
    samples.append(row);
    append_tokens(runnable, row, samples);
    progress.tick();
    if (++calls == 1) first_begin = row.begin_ns;
    if (calls >= bounds.calls || row.done_ns - first_begin >= bounds.ns) break;
    if (stop.load(std::memory_order_relaxed)) {
      result.stopped = true;
      break;
    }
  }
  result.calls = calls;
  result.wall_ns = row.done_ns - first_begin;
}

void time_end(Runnable& runnable, SampleWriter& samples, const Bounds& bounds,
              const std::atomic<bool>& stop, Progress& progress, LoopResult& result) {
  SampleRow row;
  row.flags = kRowOfManyCalls;
  row.items = 0;
  std::int64_t calls = 0;
  row.begin_ns = now_ns();
  for (;;) {
    runnable.restore();
    runnable.enqueue();
    row.items += runnable.items();
    progress.tick();
    row.enqueued_ns = now_ns();
    if (++calls >= bounds.calls || row.enqueued_ns - row.begin_ns >= bounds.ns) break;
    if (stop.load(std::memory_order_relaxed)) {
      result.stopped = true;
      break;
    }
  }
  runnable.wait();
  row.done_ns = now_ns();
  row.device_ns = runnable.device_ns();
  samples.append(row);
  result.calls = calls;
  result.wall_ns = row.done_ns - row.begin_ns;
}

// The same two shapes on made-up time. Sync::kEnd adds its rows up.
void time_virtually(Runnable& runnable, SampleWriter& samples, Sync sync, const Bounds& bounds,
                    const std::atomic<bool>& stop, Progress& progress, LoopResult& result) {
  SampleRow total;
  total.flags = kRowOfManyCalls;
  total.items = 0;
  std::int64_t first_begin = 0;
  for (;;) {
    SampleRow row;
    runnable.stamp(row);
    if (result.calls == 0) first_begin = row.begin_ns;
    total.enqueued_ns = row.enqueued_ns;
    total.done_ns = row.done_ns;
    total.items += row.items;
    if (sync == Sync::kEach) samples.append(row);
    progress.tick();
    if (++result.calls >= bounds.calls || row.done_ns - first_begin >= bounds.ns) break;
    if (stop.load(std::memory_order_relaxed)) {
      result.stopped = true;
      break;
    }
  }
  total.begin_ns = first_begin;
  if (sync == Sync::kEnd) samples.append(total);
  result.wall_ns = total.done_ns - first_begin;
}

}  // namespace

LoopResult timed_loop(Runnable& runnable, SampleWriter& samples, Sync sync,
                      const LoopLimits& limits, const std::atomic<bool>& stop, Progress& progress) {
  const Bounds bounds = bounds_of(limits);
  LoopResult result;
  rusage before{};
  rusage after{};
  ::getrusage(RUSAGE_SELF, &before);
  const std::int64_t cpu_before = process_cpu_ns();
  if (runnable.has_virtual_time()) {
    time_virtually(runnable, samples, sync, bounds, stop, progress, result);
  } else if (sync == Sync::kEach) {
    time_each(runnable, samples, bounds, stop, progress, result);
  } else {
    time_end(runnable, samples, bounds, stop, progress, result);
  }
  result.cpu_ns = process_cpu_ns() - cpu_before;
  ::getrusage(RUSAGE_SELF, &after);
  result.voluntary_switches = after.ru_nvcsw - before.ru_nvcsw;
  result.involuntary_switches = after.ru_nivcsw - before.ru_nivcsw;
  result.major_faults = after.ru_majflt - before.ru_majflt;
  result.minor_faults = after.ru_minflt - before.ru_minflt;
  return result;
}

}  // namespace ridgeline::protocol
