// Cumulative counters: wraps and resets taken out, ticks found, the difference over a window with a
// bound.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "telemetry/series.hpp"

namespace ridgeline::telemetry {

/// The first reading that showed a new value. The counter moved somewhere in (ns − gap_ns, ns].
struct Tick {
  std::int64_t ns = 0;
  std::int64_t gap_ns = 0;  ///< since the reading before, at most Domain::update_period
  double value = 0;         ///< unwrapped, in the unit of the domain

  /// The middle of where it can have moved.
  std::int64_t at_ns() const { return ns - gap_ns / 2; }
};

/// Ticks between two resets.
using Segment = std::vector<Tick>;

/// A rise above this rate, in units a second, is not a wrap but a reset: no single power domain of
/// a machine that runs models takes 20 kW.
inline constexpr double kImplausibleWatts = 20e3;

/// The ticks of a counter. A fall is a wrap when Domain::wraps_at explains it at a rate below
/// `max_rate`; any other fall is a reset and begins a new segment, whose first tick is the first
/// rise after it. The first reading is no tick: nobody saw when its value came.
std::vector<Segment> ticks_of(const Series& series, double max_rate = kImplausibleWatts);

/// What a counter says about a window.
struct CounterDelta {
  Span span;               ///< from tick to tick, within the window that was asked for
  double value = 0;        ///< by how much the counter rose
  double bound = 0;        ///< absolute error bound of `value` as the rise over `span`
  std::int64_t ticks = 0;  ///< ticks within, both ends included
  bool had_reset = false;  ///< the longest part without a reset was taken
};

/// The rise between the first and the last well-met tick within `window`; of the longest segment
/// when the counter was reset. Well met are ticks whose gap is at most 1.5 times the lower quartile
/// of all gaps: a recorder that jumps sees others only roughly. Ends lie in the middle of where
/// their tick can have been.
///
/// Bound: (gap of the first tick + gap of the last) · the highest rate between neighbouring ticks +
/// 2 · resolution. The gaps count in full, not by half, so that it also holds for a load that
/// swings up to twice as high as the counter's steps show. A constant delay between what happens
/// and what the counter shows cancels for a steady load and is not part of it.
///
/// Nothing, and a reason, when the window holds fewer than two ticks.
struct CounterResult {
  std::optional<CounterDelta> delta;
  std::string reason;
};
CounterResult counter_delta(const Series& series, const Span& window,
                            double max_rate = kImplausibleWatts);

/// The median time between neighbouring ticks in seconds; nothing below three ticks. With readings
/// rarer than the counter's updates this is the time between readings.
std::optional<double> update_period(const Series& series, double max_rate = kImplausibleWatts);

}  // namespace ridgeline::telemetry
