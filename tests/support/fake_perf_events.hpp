// Performance counters without hardware: values by configuration and CPU, refusals on demand.
#pragma once

#include <cerrno>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <vector>

#include "telemetry/perf/perf_events.hpp"

namespace ridgeline::test {

class FakePerfEvents final : public telemetry::PerfEvents {
 public:
  struct Opened {
    telemetry::PerfConfig config;
    int cpu = 0;
    int pid = 0;
  };

  /// Every counter starts at `start` and counts all the time.
  explicit FakePerfEvents(std::uint64_t start = 1000) : start_(start) {}

  int open(const telemetry::PerfConfig& config, int cpu, int pid) override {
    if (refuse_after == 0) return -refusal;
    if (refuse_after > 0) --refuse_after;
    opened.push_back({config, cpu, pid});
    const int handle = next_++;
    handles_[handle] = {start_, 100, 100};
    return handle;
  }

  std::optional<telemetry::PerfCount> read(int handle) override {
    const auto found = handles_.find(handle);
    if (found == handles_.end() || gone) return std::nullopt;
    return found->second;
  }

  void close(int handle) override { handles_.erase(handle); }

  /// The count of the n-th counter that was opened.
  telemetry::PerfCount& count(int n) { return handles_.at(n); }
  std::size_t open_handles() const { return handles_.size(); }

  std::vector<Opened> opened;
  int refuse_after = -1;  ///< how many opens succeed; -1: all
  int refusal = EACCES;
  bool gone = false;

 private:
  std::uint64_t start_;
  int next_ = 0;
  std::map<int, telemetry::PerfCount> handles_;
};

}  // namespace ridgeline::test
