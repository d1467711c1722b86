// Seconds as the measuring rules take them: never negative, never NaN.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "base/clock.hpp"

namespace ridgeline::measure {

/// The value, or 0 when it is negative, NaN or infinite.
inline double or_zero(double seconds) {
  return std::isfinite(seconds) && seconds > 0 ? seconds : 0;
}

/// Whole nanoseconds, at least 1 and at most about 285 years.
inline std::int64_t to_ns(double seconds) {
  return std::max<std::int64_t>(static_cast<std::int64_t>(std::min(or_zero(seconds), 9e9) *
                                                          static_cast<double>(kNsPerSecond)),
                                1);
}

}  // namespace ridgeline::measure
