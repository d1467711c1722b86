// Power over time during the energy pass, small enough for a page.
#pragma once

#include <string>
#include <vector>

#include "base/json.hpp"

namespace ridgeline::report {

/// Readings of one meter: seconds ascending; a value that is NaN is a pause between two windows.
struct PowerSeries {
  std::vector<double> seconds;
  std::vector<double> watts;
};

/// At most `most` points, the first and the last among them: of each stretch of equal length the
/// lowest and the highest reading, so that no peak is lost. Pauses stay.
PowerSeries thinned(const PowerSeries& series, std::size_t most);

/// Mean power between the readings at which a counter of joules moved, each value standing at the
/// end of its span. A step down (a wrap or a reset) is a pause.
PowerSeries power_of_counter(const std::vector<double>& seconds, const std::vector<double>& joules);

/// Points of a series that a page gets.
inline constexpr std::size_t kMostPoints = 400;

/// By phase: {"marks":[{"name","begin","end"}],"series":[{"id","kind":"power","unit":"W","scope",
/// "device","primary","how":"read" or "counter","of","seconds":[…],"values":[…]}]}. The windows of
/// the phase's trials are the marks; seconds count from a little before the first one. `of` is the
/// number of readings before thinning; a null among the values is a pause. Meters without readings
/// of power are shown by their counter. A phase whose file cannot be used is {"reason"}; null where
/// no phase has an energy pass.
Json power_timelines(const Json& record, const std::string& folder,
                     std::size_t most_points = kMostPoints);

}  // namespace ridgeline::report
