// Which passes are made, and what stands in the facts of a case when one is not.
#include "measure/sensor_passes.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "measure/energy_pass.hpp"
#include "measure/engine_device.hpp"
#include "measure/traffic_pass.hpp"

namespace ridgeline::measure {
namespace {

Json without(const std::string& reason, const std::string& enable = {}) {
  return {{"reason", reason}, {"enable", enable}};
}

Result<Json> measure_energy(protocol::Worker& worker, const std::vector<PhaseToRun>& phases,
                            const SensorPasses& passes, const std::string& device) {
  EnergyPassOptions options;
  options.instruments = passes.instruments;
  options.device = device;
  options.cold_idle = passes.cold_idle;
  if (passes.plan->energy_window_ns) {
    options.window_seconds = 1e-9 * static_cast<double>(*passes.plan->energy_window_ns);
  }
  options.trials = passes.plan->energy_trials;
  options.seed = static_cast<std::uint64_t>(passes.plan->seed);
  options.timeline_name = results::RunFolder::timeline_path(passes.case_id);
  RIDGELINE_TRY(options.timeline_path, passes.folder->absolute(options.timeline_name));
  options.interrupt = passes.interrupt;
  options.on_window = passes.on_energy;
  return energy_pass(worker, phases, options);
}

Result<Json> measure_traffic(protocol::Worker& worker, const std::vector<PhaseToRun>& phases,
                             const SensorPasses& passes, const std::string& device) {
  if (passes.on_traffic) passes.on_traffic();
  TrafficPassOptions options;
  options.instruments = passes.instruments;
  options.device = device;
  options.interrupt = passes.interrupt;
  return traffic_pass(worker, phases, options);
}

Status put(const char* name, Result<Json> result, Json& facts) {
  if (result) {
    facts[name] = std::move(*result);
    return {};
  }
  if (result.error().error_class == ErrorClass::kInterrupted) return result.error();
  facts[name] = without(result.error().message, result.error().remedy);
  return {};
}

}  // namespace

Status run_sensor_passes(protocol::Worker& worker, const std::vector<PhaseToRun>& phases,
                         const SensorPasses& passes, Json& facts) {
  facts["energy"] = facts["traffic"] = without("no sensors were opened");
  if (passes.instruments == nullptr) return {};
  const std::string& name = passes.configuration->device;
  const std::string device = device_address(worker.hello(), name);
  if (name != "cpu" && device.empty()) {
    facts["energy"] = facts["traffic"] =
        without(fmt::format("the engine does not say which accelerator {} is", name));
    return {};
  }
  facts["energy"] = facts["traffic"] = without("not asked for by --metrics");
  if (wants(*passes.plan, "energy")) {
    RIDGELINE_CHECK(put("energy", measure_energy(worker, phases, passes, device), facts));
  }
  if (wants(*passes.plan, "traffic") && worker.alive()) {
    RIDGELINE_CHECK(put("traffic", measure_traffic(worker, phases, passes, device), facts));
  }
  return {};
}

std::vector<telemetry::DomainRef> state_domains_of(const protocol::Worker& worker,
                                                   const Configuration& configuration,
                                                   const Instruments* instruments) {
  if (instruments == nullptr) return {};
  const std::string device = device_address(worker.hello(), configuration.device);
  // The state of the host says nothing about an accelerator that nobody can name.
  if (configuration.device != "cpu" && device.empty()) return {};
  return telemetry::state_domains(instruments->sources(), device);
}

}  // namespace ridgeline::measure
