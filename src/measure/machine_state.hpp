// Clocks, temperatures and throttle times at the two ends of something measured.
#pragma once

#include <string>
#include <vector>

#include "base/json.hpp"
#include "results/record.hpp"
#include "telemetry/meter.hpp"

namespace ridgeline::measure {

/// Reads state domains twice and tells what changed. Reads nothing in between, so that it costs a
/// timing pass nothing.
class StateWindow {
 public:
  /// Reads for the first time. Sources must outlive it.
  explicit StateWindow(std::vector<telemetry::DomainRef> domains);

  /// Reads again: {"seconds","domains":{"<id>":{"kind","scope","device","start","end"}}}; what
  /// could not be read at one end is left out. Of cumulative domains `start` is 0 and `end` the
  /// rise.
  Json close() const;

 private:
  std::vector<double> read() const;

  std::vector<telemetry::DomainRef> domains_;
  std::vector<double> before_;
  std::int64_t begin_ns_;
};

/// What such states say against the numbers: throttle time, heat, clocks. `states`: one for each
/// invocation; of each kind and device the worst one is given.
std::vector<results::Flag> state_flags(const std::vector<Json>& states);

}  // namespace ridgeline::measure
