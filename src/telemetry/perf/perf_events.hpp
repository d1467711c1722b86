// The seam to the kernel's performance counters, so that tests can stand in for the hardware.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace ridgeline::telemetry {

/// What to count: the numbers that perf_event_open takes.
struct PerfConfig {
  std::uint32_t type = 0;
  std::uint64_t config = 0;
  std::uint64_t config1 = 0;
  std::uint64_t config2 = 0;

  bool operator==(const PerfConfig&) const = default;
};

/// A counter's value and for how long it was wanted and really counted, ns: less than wanted when
/// several events share one counter of the hardware.
struct PerfCount {
  std::uint64_t value = 0;
  std::uint64_t enabled = 0;
  std::uint64_t running = 0;
};

/// Values extrapolated to the whole time: value · enabled / running; NaN when it never ran.
double full_count(const PerfCount& count);

class PerfEvents {
 public:
  virtual ~PerfEvents() = default;
  /// Starts to count; `pid` -1 is every process on `cpu`. A handle, or the errno negated.
  virtual int open(const PerfConfig& config, int cpu, int pid) = 0;
  /// Nothing when the counter cannot be read any more.
  virtual std::optional<PerfCount> read(int handle) = 0;
  virtual void close(int handle) = 0;
};

/// The running kernel's counters where `root` is "/"; below any other root, where a recorded
/// machine lies, there are none (every open() gives -ENODEV).
PerfEvents& perf_events_of(const std::string& root);

}  // namespace ridgeline::telemetry
