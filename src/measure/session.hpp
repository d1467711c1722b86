// The main job: runs a matrix of cases to records, round by round, within a budget.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/json.hpp"
#include "measure/case_state.hpp"
#include "measure/efficiency.hpp"
#include "measure/instruments.hpp"
#include "measure/invocation_runner.hpp"
#include "measure/matrix.hpp"
#include "measure/plan.hpp"
#include "results/record.hpp"
#include "results/run_folder.hpp"

namespace ridgeline::measure {

/// Where a session stands.
struct SessionProgress {
  double elapsed_seconds = 0;
  double budget_seconds = 0;
  int case_number = 0;  ///< from 1
  int cases = 0;
  std::string case_label;
  std::int64_t invocation = 0;  ///< from 1
  std::int64_t invocations = 0;
  InvocationProgress now;
};

struct SessionOptions {
  const Plan* plan = nullptr;
  const Matrix* matrix = nullptr;
  results::RunFolder* folder = nullptr;
  std::string command;
  const Json* machine = nullptr;           ///< record.machine
  std::vector<results::Flag> environment;  ///< flags of the machine
  Instruments* instruments = nullptr;      ///< the sensors; null: none are read
  const MachineLimits* limits = nullptr;   ///< measured and datasheet ceilings; null: none
  /// Before each invocation; flags go into the records. Null: nobody looks for other work.
  std::function<Result<std::vector<results::Flag>>()> check_busy = {};
  const Interrupt* interrupt = nullptr;
  std::function<void(const SessionProgress&)> on_progress = {};    ///< never during timed calls
  std::function<void(const SessionProgress&)> on_invocation = {};  ///< one is finished
  std::function<void(const std::string&)> on_problem = {};         ///< a case failed: one line
};

struct SessionResult {
  bool interrupted = false;
  int failed_cases = 0;
};

/// Runs what the folder does not have yet. A round gives every configuration one invocation, in an
/// order that alternates (ABBA by process); records are written as configurations are complete.
/// Errors are of this machine (no engine, disk full); what fails in a case is in its record.
Result<SessionResult> run_session(const SessionOptions& options);

}  // namespace ridgeline::measure
