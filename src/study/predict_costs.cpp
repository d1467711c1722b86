// Asking for costs.
#include "study/predict_costs.hpp"

#include <nlohmann/json.hpp>

#include "measure/engine_locator.hpp"

namespace ridgeline::study {

Result<Costs> Costs::start(const Interrupt* interrupt) {
  RIDGELINE_TRY(const auto command, measure::engine_command(kCountingEngine, {}));
  RIDGELINE_TRY(auto worker, protocol::Worker::start(command, interrupt));
  return Costs(std::move(worker));
}

Result<ModelWork> Costs::of(const measure::Configuration& configuration,
                            const measure::Workload& workload) {
  measure::Configuration asked = configuration;
  asked.weights = "meta";
  // No device is touched, so none must be there.
  asked.device = "cpu";
  Json fields = measure::load_fields(asked);
  fields["workload"] = measure::wire_workload(workload);
  RIDGELINE_TRY(const Json reply,
                worker_->request("cost", fields, protocol::usual_deadlines("cost")));
  return work_from(reply);
}

void Costs::end() {
  (void)worker_->quit();  // the answers are here; how it ends does not matter
}

}  // namespace ridgeline::study
