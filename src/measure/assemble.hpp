// From the invocations of a case to its record.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"
#include "measure/case_state.hpp"
#include "measure/efficiency.hpp"
#include "measure/matrix.hpp"
#include "results/record.hpp"

namespace ridgeline::measure {

/// What the record needs beside the case itself.
struct AssembleContext {
  const ConfigurationCases* configuration = nullptr;
  std::string command;
  const Json* machine = nullptr;           ///< record.machine
  std::vector<results::Flag> environment;  ///< flags of the machine
  std::int64_t invocations_planned = 0;
  std::string fewer_reason;  ///< why fewer invocations than asked for
  double precision = 0.02;
  const MachineLimits* limits = nullptr;  ///< null: no ceilings, no shares of them
  results::StopSummary::EndedBy ended_by = results::StopSummary::EndedBy::kPlan;
};

/// The record; phases and metrics come from the invocations that succeeded.
Result<Json> assemble_record(const CaseState& state, const AssembleContext& context);

/// The mean of one figure per process, with a t interval from two on; absent when there is none.
results::Metric mean_metric(const std::vector<double>& seconds);

/// Metrics of one phase: latency with its interval, percentiles, throughput by unit, attained
/// rates and their shares of the ceilings, energy and traffic; what is missing is null with a
/// reason. `precise` tells whether the latency's interval is within `precision`; nothing without an
/// interval.
struct PhaseReport {
  results::PhaseResult result;
  std::optional<bool> precise;
  std::int64_t drifting = 0;         ///< invocations with a flagged drift
  std::int64_t not_stationary = 0;   ///< invocations whose warm-up hit its cap
  std::vector<results::Flag> flags;  ///< of shares of ceilings
};
Result<PhaseReport> report_phase(const Json& planned_phase, const CaseState& state,
                                 const AssembleContext& context);

}  // namespace ridgeline::measure
