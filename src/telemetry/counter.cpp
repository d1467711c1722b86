// Ticks, and differences between them.
#include "telemetry/counter.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/statistics.hpp"

namespace ridgeline::telemetry {
namespace {

double seconds_between(std::int64_t from, std::int64_t to) {
  return 1e-9 * static_cast<double>(to - from);
}

// By how much the counter rose from one reading to the next; nothing after a reset.
std::optional<double> rise(const Domain& domain, double before, double after, double seconds,
                           double max_rate) {
  if (after >= before) return after - before;
  if (!domain.wraps_at) return std::nullopt;
  const double wrapped = after - before + *domain.wraps_at;
  // A counter that starts again at zero for another reason lies far from where a wrap would be.
  const bool plausible = wrapped >= 0 && wrapped <= max_rate * std::max(seconds, 1e-9);
  return plausible ? std::optional(wrapped) : std::nullopt;
}

double highest_rate(const Segment& ticks) {
  double highest = 0;
  for (std::size_t i = 1; i < ticks.size(); ++i) {
    const double seconds = seconds_between(ticks[i - 1].ns, ticks[i].ns);
    if (seconds > 0) highest = std::max(highest, (ticks[i].value - ticks[i - 1].value) / seconds);
  }
  return highest;
}

// The ticks within the window that were seen soon after they happened; all, when these are fewer
// than two.
Segment well_met(const Segment& ticks, const Span& window) {
  Segment inside;
  for (const Tick& tick : ticks) {
    const bool is_in = tick.ns - tick.gap_ns >= window.begin_ns && tick.ns <= window.end_ns;
    if (is_in) inside.push_back(tick);
  }
  if (inside.size() < 3) return inside;
  std::vector<std::int64_t> gaps;
  for (const Tick& tick : inside) gaps.push_back(tick.gap_ns);
  const auto quartile = gaps.begin() + static_cast<std::ptrdiff_t>(gaps.size() / 4);
  std::nth_element(gaps.begin(), quartile, gaps.end());
  const std::int64_t most = *quartile + *quartile / 2;
  Segment met;
  for (const Tick& tick : inside) {
    if (tick.gap_ns <= most) met.push_back(tick);
  }
  return met.size() < 2 ? inside : met;
}

}  // namespace

std::vector<Segment> ticks_of(const Series& series, double max_rate) {
  std::vector<Segment> segments(1);
  double unwrapped = 0;
  for (std::size_t i = 1; i < series.ns.size(); ++i) {
    const std::int64_t gap = series.ns[i] - series.ns[i - 1];
    const double seconds = 1e-9 * static_cast<double>(gap);
    const auto risen =
        rise(series.domain, series.values[i - 1], series.values[i], seconds, max_rate);
    if (!risen) {
      if (!segments.back().empty()) segments.emplace_back();
      continue;
    }
    if (*risen == 0) continue;
    unwrapped += *risen;
    // Read more rarely than it updates, the counter moved within its last period.
    const auto period = static_cast<std::int64_t>(
        1e9 * series.domain.update_period.value_or(std::numeric_limits<std::int32_t>::max()));
    segments.back().push_back({series.ns[i], std::min(gap, period), unwrapped});
  }
  if (segments.back().empty()) segments.pop_back();
  return segments;
}

CounterResult counter_delta(const Series& series, const Span& window, double max_rate) {
  const std::vector<Segment> segments = ticks_of(series, max_rate);
  std::optional<CounterDelta> best;
  std::int64_t parts = 0;
  std::int64_t seen = 0;
  for (const Segment& all : segments) {
    const Segment ticks = well_met(all, window);
    parts += ticks.empty() ? 0 : 1;
    seen += static_cast<std::int64_t>(ticks.size());
    if (ticks.size() < 2) continue;
    const Tick& first = ticks.front();
    const Tick& last = ticks.back();
    CounterDelta delta;
    delta.span = {first.at_ns(), last.at_ns()};
    delta.value = last.value - first.value;
    delta.ticks = static_cast<std::int64_t>(ticks.size());
    const double edges = 1e-9 * static_cast<double>(first.gap_ns + last.gap_ns);
    delta.bound = edges * highest_rate(ticks) + 2 * series.domain.resolution;
    if (!best || delta.span.seconds() > best->span.seconds()) best = delta;
  }
  if (best) {
    best->had_reset = parts > 1;
    return {best, ""};
  }
  if (series.values.size() < 2) return {std::nullopt, "the counter could not be read"};
  return {std::nullopt,
          fmt::format("the window of {:.3g} s holds {} update{} of the counter, and two are needed",
                      window.seconds(), seen, seen == 1 ? "" : "s")};
}

std::optional<double> update_period(const Series& series, double max_rate) {
  std::vector<double> seconds;
  for (const Segment& ticks : ticks_of(series, max_rate)) {
    for (std::size_t i = 1; i < ticks.size(); ++i) {
      seconds.push_back(seconds_between(ticks[i - 1].ns, ticks[i].ns));
    }
  }
  if (seconds.size() < 2) return std::nullopt;
  return median_in_place(seconds);
}

}  // namespace ridgeline::telemetry
