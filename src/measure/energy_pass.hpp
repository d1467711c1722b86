// The energy pass of a case: idle with the model loaded, then each phase in long windows, in a
// worker that has been timed before.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/json.hpp"
#include "measure/instruments.hpp"
#include "measure/phase_run.hpp"
#include "protocol/client.hpp"

namespace ridgeline::measure {

struct EnergyPassOptions {
  Instruments* instruments = nullptr;
  std::string device;  ///< PCI address of the accelerator that the case runs on; empty: CPU
  const Json* cold_idle = nullptr;       ///< idle_power() before any worker ran; may be null
  std::optional<double> window_seconds;  ///< none: default_window_seconds()
  std::int64_t trials = 4;
  std::uint64_t seed = 0;     ///< of the random pauses between trials
  std::string timeline_path;  ///< absolute; where the readings are kept; empty: nowhere
  std::string timeline_name;  ///< the same within the run folder, for the record
  const Interrupt* interrupt = nullptr;
  std::function<void()> on_window = {};  ///< before each window
};

/// What `facts.energy` of a case holds:
/// {"boundary","device","window_seconds","meters":[{"id","scope","device","primary","source",
///  "counter","power","update_period","systematic","calibration":[…]}],
///  "idle":{"cold":…,"loaded":…}, "phases":{"<name>":{"trials":[energy_trial()…]}},
///  "harness":{…},"timeline":"samples/…"}
/// or, when the machine has no sensor for the device or the engine does not run on this machine's
/// clock, {"reason","enable"}. Phases are run one after the other, never mixed.
///
/// Trials: the phase runs for the window plus a lead of max(0.3 s, 2 update periods), which is not
/// counted because power still rises, plus what may lie before the first and behind the last tick;
/// between trials lies a random pause of up to a second, so that trials do not see the same phase
/// of a slow sensor (Yang et al., SC24, section on good practice). A counter is calibrated when the
/// cache does not know it. Errors: the worker's, and interrupted.
Result<Json> energy_pass(protocol::Worker& worker, const std::vector<PhaseToRun>& phases,
                         const EnergyPassOptions& options);

}  // namespace ridgeline::measure
