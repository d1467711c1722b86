// The passes beside the timing of a case, in the worker that was just timed.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/json.hpp"
#include "measure/configuration.hpp"
#include "measure/instruments.hpp"
#include "measure/phase_run.hpp"
#include "measure/plan.hpp"
#include "protocol/client.hpp"
#include "results/run_folder.hpp"

namespace ridgeline::measure {

struct SensorPasses {
  const Plan* plan = nullptr;
  const Configuration* configuration = nullptr;
  Instruments* instruments = nullptr;  ///< null: no sensors are read
  const Json* cold_idle = nullptr;     ///< idle_power() before any worker ran; may be null
  const results::RunFolder* folder = nullptr;
  std::string case_id;
  const Interrupt* interrupt = nullptr;
  std::function<void()> on_energy = {};   ///< before each window
  std::function<void()> on_traffic = {};  ///< before the pass
};

/// Sets facts.energy and facts.traffic (energy_pass.hpp, traffic_pass.hpp) as far as the plan asks
/// for them. The timing stands whatever happens here: a pass that fails leaves {"reason","enable"}.
/// Only an interrupt is an error.
Status run_sensor_passes(protocol::Worker& worker, const std::vector<PhaseToRun>& phases,
                         const SensorPasses& passes, Json& facts);

/// State domains of what the configuration runs on; none without sensors.
std::vector<telemetry::DomainRef> state_domains_of(const protocol::Worker& worker,
                                                   const Configuration& configuration,
                                                   const Instruments* instruments);

}  // namespace ridgeline::measure
