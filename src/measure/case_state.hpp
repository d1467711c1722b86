// What is known of a case while its run goes on.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"
#include "measure/harness.hpp"
#include "measure/matrix.hpp"
#include "measure/token_series.hpp"
#include "results/record.hpp"

namespace ridgeline::measure {

/// Seconds of the timed calls of one phase in one invocation.
using PhaseSamples = std::pair<std::string, std::vector<double>>;

/// One case in one invocation.
struct CaseInvocation {
  results::Invocation part;
  std::vector<PhaseSamples> samples;
};

/// Adds the samples of a phase, and the series of its tokens under names of their own.
void add_samples(const std::string& phase, std::vector<double> calls, TokenSeries tokens,
                 CaseInvocation& invocation);

/// A case and all its invocations so far.
struct CaseState {
  std::string id;
  Workload workload;
  /// What workers said about the case, in their own words: {"engine","model","optimizations",
  /// "phases","inputs","workload","cost","memory","output_digest"}, and what the passes beside the
  /// timing measured in the same worker: {"energy","traffic"} (energy_pass.hpp, traffic_pass.hpp).
  /// `cost_asked` is whether the plan wants the cost, `cost_reason` why the engine stated none,
  /// `cost_engine` who did in its place (native_cost.hpp).
  /// The same for every invocation, so the first that succeeds fills it; null until then.
  std::shared_ptr<const Json> facts;
  std::vector<CaseInvocation> invocations;
  HarnessCost timing_harness;  ///< of the timing passes of all invocations
  /// Trying again cannot help (bad input, unsupported, too large): no more invocations.
  bool hopeless = false;
  bool finished = false;  ///< its record is written

  int succeeded() const;
  int failed() const;
  const Error* last_error() const;
};

/// Whether an error of this class would come again in the next process.
bool is_final(ErrorClass error_class);

}  // namespace ridgeline::measure
