// Groups of channels, each with its next time.
#include "telemetry/recorder.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/clock.hpp"

namespace ridgeline::telemetry {

std::int64_t reading_interval_ns(const Domain& domain, std::int64_t fastest_ns) {
  constexpr double kUnknownPeriod = 0.1;
  constexpr std::int64_t kSlowest = 50'000'000;
  constexpr std::int64_t kState = kNsPerSecond / 2;
  const auto period = static_cast<std::int64_t>(
      1e9 * std::clamp(domain.update_period.value_or(kUnknownPeriod), 1e-6, 3600.0));
  switch (domain.kind) {
    case Kind::kEnergy:
      return std::clamp(period / 20, fastest_ns, std::max(fastest_ns, kSlowest));
    case Kind::kPower:
      return std::clamp(period / 2, fastest_ns, std::max(fastest_ns, kSlowest));
    default:
      return kState;
  }
}

std::int64_t jump_ns(double update_period, double read_seconds, std::int64_t interval_ns) {
  constexpr double kLongest = 0.5;
  // After a jump one reading finds the counter moved, and about two more meet its next tick.
  constexpr double kReadings = 3;
  const double interval = 1e-9 * static_cast<double>(interval_ns);
  if (update_period <= 0 || read_seconds <= kLargestDuty * interval) return 0;
  const double wanted = kReadings * read_seconds / kLargestDuty;
  const double most = std::max(kLongest, update_period);
  const double periods = std::max(1.0, std::floor(std::min(wanted, most) / update_period));
  // Early enough for an interval, and for a period that is known to a percent.
  const double jump = 0.99 * periods * update_period - interval;
  return jump > interval ? static_cast<std::int64_t>(1e9 * jump) : 0;
}

Recorder::Recorder(const std::vector<Channel>& channels, double seconds) {
  constexpr double kMostReadings = 1e6;
  for (const Channel& channel : channels) {
    auto group = std::find_if(groups_.begin(), groups_.end(), [&](const Group& one) {
      return one.source == channel.source && one.interval_ns == channel.interval_ns &&
             one.jump_ns == 0 && channel.jump_ns == 0;
    });
    if (group == groups_.end()) {
      groups_.push_back({channel.source, channel.interval_ns, 0, {}, {}, channel.jump_ns, false});
      group = std::prev(groups_.end());
    }
    group->domains.push_back(channel.domain);
    group->series.push_back(series_.size());
    Series& series = series_.emplace_back();
    series.source = channel.source->name();
    series.domain = channel.source->probe().domains[channel.domain];
    if (channel.update_period) series.domain.update_period = channel.update_period;
    const double readings = 1e9 * seconds / static_cast<double>(channel.interval_ns);
    const auto room = static_cast<std::size_t>(std::clamp(readings, 16.0, kMostReadings));
    series.ns.reserve(room);
    series.values.reserve(room);
  }
  readings_.reserve(series_.size());
}

std::int64_t Recorder::due_ns() const {
  std::int64_t due = std::numeric_limits<std::int64_t>::max();
  for (const Group& group : groups_) due = std::min(due, group.due_ns);
  return due;
}

void Recorder::poll(std::int64_t now_ns) {
  for (Group& group : groups_) {
    if (group.due_ns > now_ns) continue;
    read(group);
    const bool jumps = group.jump_ns > 0 && !group.has_jumped && has_moved(group);
    group.due_ns = now_ns + (jumps ? group.jump_ns : group.interval_ns);
    group.has_jumped = jumps;
  }
}

bool Recorder::has_moved(const Group& group) const {
  const std::vector<double>& values = series_[group.series.front()].values;
  return values.size() >= 2 && values[values.size() - 1] != values[values.size() - 2];
}

void Recorder::poll_all(std::int64_t now_ns) {
  for (Group& group : groups_) {
    read(group);
    group.due_ns = now_ns + group.interval_ns;
  }
}

void Recorder::read(Group& group) {
  readings_.clear();
  group.source->read(group.domains, readings_);
  for (const Reading& reading : readings_) {
    const auto at = std::find(group.domains.begin(), group.domains.end(), reading.domain);
    if (at == group.domains.end()) continue;
    Series& series = series_[group.series[static_cast<std::size_t>(at - group.domains.begin())]];
    // Sources may give an earlier reading again; time must not go back.
    const bool stale = !series.ns.empty() && reading.ns < series.ns.back();
    if (!std::isfinite(reading.value) || stale) {
      ++series.failed;
      continue;
    }
    series.ns.push_back(reading.ns);
    series.values.push_back(reading.value);
  }
}

}  // namespace ridgeline::telemetry
