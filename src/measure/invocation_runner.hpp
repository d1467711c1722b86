// One invocation: a worker of a configuration that runs its cases in random order.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/interrupt.hpp"
#include "measure/case_state.hpp"
#include "measure/instruments.hpp"
#include "measure/matrix.hpp"
#include "measure/phase_timer.hpp"
#include "measure/plan.hpp"
#include "results/run_folder.hpp"

namespace ridgeline::measure {

/// What is decided for a configuration after its first process showed how long things take.
struct ConfigurationBudget {
  std::int64_t invocations = 0;                 ///< 0: not decided yet
  std::map<std::string, double> slice_seconds;  ///< by case
  std::string reason;                           ///< why fewer than asked for
};

enum class Stage { kStart, kLoad, kWarmUp, kMeasure, kEnergy, kTraffic };

/// Where an invocation stands, for the progress line.
struct InvocationProgress {
  Stage stage = Stage::kStart;
  std::string case_id;
  std::optional<double> median;
  std::optional<double> half_width;
};

struct InvocationContext {
  const Plan* plan = nullptr;
  const ConfigurationCases* configuration = nullptr;
  std::int64_t index = 0;
  double case_budget_seconds = 0;
  results::RunFolder* folder = nullptr;
  Instruments* instruments = nullptr;  ///< the sensors; null: none are read
  const Json* cold_idle = nullptr;     ///< idle_power() before any worker ran; may be null
  const Interrupt* interrupt = nullptr;
  std::function<void(const InvocationProgress&)> on_progress = {};
};

/// Runs the cases of `states` that are not hopeless or finished and appends a CaseInvocation to
/// each. A worker that dies fails the case it was at; the cases after it get a new worker. Decides
/// `budget` if that is still open. Errors are those of this machine (an engine that is not there, a
/// full disk) or the interrupt; failures of cases are in the states.
Status run_invocation(const InvocationContext& context, std::vector<CaseState*> states,
                      ConfigurationBudget& budget);

}  // namespace ridgeline::measure
