// Everything the sensors said during the energy pass of a case, for the reports.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"
#include "telemetry/series.hpp"

namespace ridgeline::measure {

/// A named span of the pass: "cold idle", "loaded idle", "forward, trial 1".
struct TimelineMark {
  std::string name;
  telemetry::Span span;
};

/// {"schema":"ridgeline-timeline/1","origin_ns":…, "marks":[{"name","begin","end"}],
///  "series":[{"source","id","kind","unit","scope","device","seconds":[…],"values":[…]}]}
/// Seconds count from the first reading, which CLOCK_MONOTONIC showed at origin_ns. Values are as
/// read: of counters the raw count in SI units, wraps and all.
class PowerTimeline {
 public:
  /// Readings of later calls go behind those of earlier ones of the same domain.
  void add(const std::vector<telemetry::Series>& series);
  void mark(std::string name, const telemetry::Span& span);
  bool empty() const { return series_.empty(); }
  Json to_json() const;

 private:
  std::vector<telemetry::Series> series_;
  std::vector<TimelineMark> marks_;
};

}  // namespace ridgeline::measure
