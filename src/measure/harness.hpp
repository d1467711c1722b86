// What measuring costs the machine that is measured: the coordinator's own CPU time and wake-ups.
#pragma once

#include <cstdint>

#include "base/json.hpp"

namespace ridgeline::measure {

/// Of this process, its sampler threads included; workers are not part of it.
struct HarnessCost {
  double wall_seconds = 0;
  double cpu_seconds = 0;
  std::int64_t wakeups = 0;  ///< voluntary context switches: each ends with a wake-up

  HarnessCost& operator+=(const HarnessCost& other);
};

/// Counts from its construction on.
class HarnessMeter {
 public:
  HarnessMeter();
  HarnessCost elapsed() const;

 private:
  HarnessCost begin_;
};

/// {"wall_seconds","cpu_seconds","wakeups"}
Json to_json(const HarnessCost& cost);
/// What is missing or no number counts as 0.
HarnessCost harness_from_json(const Json& json);

}  // namespace ridgeline::measure
