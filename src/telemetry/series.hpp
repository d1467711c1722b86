// The readings of one domain over time.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "telemetry/source.hpp"

namespace ridgeline::telemetry {

/// Readings in the order they were taken; both vectors have the same length. Values that were not
/// finite are left out and counted.
struct Series {
  std::string source;
  Domain domain;
  std::vector<std::int64_t> ns;  ///< CLOCK_MONOTONIC, not descending
  std::vector<double> values;    ///< in the unit of the domain's kind, as read
  std::int64_t failed = 0;       ///< readings that gave nothing
};

/// A span of time on CLOCK_MONOTONIC.
struct Span {
  std::int64_t begin_ns = 0;
  std::int64_t end_ns = 0;

  double seconds() const { return 1e-9 * static_cast<double>(end_ns - begin_ns); }
};

}  // namespace ridgeline::telemetry
