// NVML GPM: shares of activity and traffic between two samples of the GPU's own counters, summed up
// so that they read like counters. Hopper and newer; needs neither a profiler nor a replay.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <vector>

#include "telemetry/nvml/library.hpp"
#include "telemetry/source.hpp"

namespace ridgeline::telemetry::nvml {

/// CLOCK_MONOTONIC in nanoseconds; tests bring their own.
using Clock = std::function<std::int64_t()>;

struct GpmRow {
  enum class Rate {
    kShare,      ///< percent of the time
    kDramShare,  ///< percent of the memory's theoretical bandwidth
    kMebibytes,  ///< MiB/s
  };
  std::uint32_t metric;
  Kind kind;
  const char* id;
  const char* scope;
  Rate rate;
  const char* note;
};

/// Every metric that is summed up.
std::span<const GpmRow> gpm_rows();

/// The metrics of one GPU.
///
/// Each update() takes a new sample at most every 100 ms (NVML: pairs closer than its refresh hold
/// nothing) and adds rate × time since the sample before. A metric that fails for a pair is NaN
/// then, and the pair's first sample is kept for the next one, which covers the gap: nothing is
/// lost or guessed. A metric that fails for 8 pairs on end is given up: NaN from then on.
class GpmCounter {
 public:
  struct Opened {
    std::unique_ptr<GpmCounter> counter;  ///< null: see the rest
    Return status = Return::kSuccess;
    enum class Step { kSupport, kStreaming, kSample } step = Step::kSupport;
  };

  /// Checks that the GPU gives samples, taking two. Switches the GPU's streaming of counters on
  /// only where no sample comes without it, and off again at the end.
  static Opened open(std::shared_ptr<const Library> library, DeviceHandle device, Clock clock);

  ~GpmCounter();
  GpmCounter(const GpmCounter&) = delete;
  GpmCounter& operator=(const GpmCounter&) = delete;

  /// False for a metric (index of gpm_rows()) that this GPU does not have.
  bool has(std::size_t row) const { return has_[row]; }

  /// Whether the memory's theoretical bandwidth is known, which DRAM traffic needs.
  bool knows_bandwidth() const { return bus_width_bits_ > 0; }

  void update();

  /// The running total of a metric, in the unit of its kind; NaN where the last sample failed.
  double total(std::size_t row) const { return shown_[row]; }

  /// The middle of the call that took the last sample.
  std::int64_t sample_ns() const { return latest_.ns; }

 private:
  struct Sample {
    GpmSample handle = nullptr;
    std::int64_t ns = 0;
    double memory_hz = std::numeric_limits<double>::quiet_NaN();
  };

  GpmCounter(std::shared_ptr<const Library> library, DeviceHandle device, Clock clock);
  Return take(Sample& sample);
  Return begin();    // allocates, and tries one pair
  Return compute();  // of base_ and latest_ into shown_
  bool may_commit() const;
  double increment(const GpmRow& row, double rate) const;
  void show_nothing();

  std::shared_ptr<const Library> library_;
  DeviceHandle device_;
  Clock clock_;
  std::vector<char> has_;
  std::vector<double> committed_;  // totals at base_
  std::vector<double> shown_;
  std::vector<int> failures_;  // pairs on end
  std::unique_ptr<GpmMetrics> request_;
  std::vector<std::size_t> request_rows_;
  Sample base_;
  Sample latest_;
  bool based_ = false;
  bool tried_ = false;
  bool set_streaming_ = false;
  double bus_width_bits_ = 0;
};

}  // namespace ridgeline::telemetry::nvml
