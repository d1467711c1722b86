// Reads domains at rates of their own into series. No thread, no clock of its own.
#pragma once

#include <cstdint>
#include <vector>

#include "telemetry/series.hpp"

namespace ridgeline::telemetry {

/// A domain to read, and how often.
struct Channel {
  Source* source = nullptr;
  std::size_t domain = 0;  ///< index in source->probe().domains
  std::int64_t interval_ns = 0;
  std::optional<double> update_period = {};  ///< s, as calibrated; none: as the domain states it
  /// > 0: after a tick nothing is read for this long; then at the interval until the next tick is
  /// seen. For counters that are expensive to read: their ticks are still met closely, but fewer.
  std::int64_t jump_ns = 0;
};

/// Share of one CPU that reading one counter may take.
inline constexpr double kLargestDuty = 0.03;

/// Channel::jump_ns for a counter of this update period that takes `read_seconds` to read: 0 when
/// reading it all the time stays within kLargestDuty, else so many periods that it does, at most
/// half a second or one period.
std::int64_t jump_ns(double update_period, double read_seconds, std::int64_t interval_ns);

/// How often to read a domain, in ns: a counter at a twentieth of its update period, so that its
/// ticks are seen near to when they happen, but not below `fastest_ns` or above 50 ms; power at
/// half of its period, at most each 50 ms; all else twice a second. Periods that are not known
/// count as 100 ms, the longest common one.
std::int64_t reading_interval_ns(const Domain& domain, std::int64_t fastest_ns = 5'000'000);

/// Channels that come due together are read together, source by source.
class Recorder {
 public:
  /// Sources must outlive it. Room for `seconds` of readings is made now.
  Recorder(const std::vector<Channel>& channels, double seconds = 60);

  /// When the next channel comes due; the past before the first poll(). INT64_MAX without channels.
  std::int64_t due_ns() const;
  /// Reads every channel that is due at `now_ns`, which then comes due an interval later: a late
  /// poll does not make up for missed ones.
  void poll(std::int64_t now_ns);
  /// Reads every channel at once.
  void poll_all(std::int64_t now_ns);

  /// One for each channel, in order.
  const std::vector<Series>& series() const { return series_; }
  std::vector<Series> take() { return std::move(series_); }

 private:
  // Domains of one source with one interval.
  struct Group {
    Source* source;
    std::int64_t interval_ns;
    std::int64_t due_ns;
    std::vector<std::size_t> domains;
    std::vector<std::size_t> series;  // of each domain
    std::int64_t jump_ns;             // a group of one domain when > 0
    bool has_jumped;                  // the next reading is the first after a jump
  };
  void read(Group& group);
  // Whether the last reading of a group's first domain differs from the one before.
  bool has_moved(const Group& group) const;

  std::vector<Group> groups_;
  std::vector<Series> series_;
  std::vector<Reading> readings_;
};

}  // namespace ridgeline::telemetry
