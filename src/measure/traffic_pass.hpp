// The traffic pass of a case: bytes through memory and links, counted by the hardware over runs of
// their own.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/json.hpp"
#include "measure/instruments.hpp"
#include "measure/phase_run.hpp"
#include "protocol/client.hpp"

namespace ridgeline::measure {

struct TrafficPassOptions {
  Instruments* instruments = nullptr;
  std::string device;  ///< PCI address of the accelerator that the case runs on; empty: CPU
  double seconds = 3;  ///< of each run that counts
  std::int64_t runs = 3;
  const Interrupt* interrupt = nullptr;
};

/// What `facts.traffic` of a case holds:
/// {"idle":{"<domain>":rate}, "domains":[{"id","kind","scope","source"}],
///  "phases":{"<name>":{"runs":[{"calls","seconds","values":{"<domain>":value or null}}]}},
///  "harness":{…},"dram":{"reason","enable"} where only other things are counted}
/// or {"reason","enable"}. Rates are per second while the worker waits; values are of one call, the
/// idle rate taken off: bytes for traffic, seconds of activity for activity, their number for
/// events (instructions, cycles). Counters are read within the run, four times a second, and the
/// calls between the first and the last reading count. Errors: the worker's, and interrupted.
Result<Json> traffic_pass(protocol::Worker& worker, const std::vector<PhaseToRun>& phases,
                          const TrafficPassOptions& options);

}  // namespace ridgeline::measure
