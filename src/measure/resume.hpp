// Lines of invocations.jsonl: writing one, and putting a resumed run back where it was.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"
#include "measure/case_state.hpp"
#include "measure/invocation_runner.hpp"
#include "results/run_folder.hpp"

namespace ridgeline::measure {

/// The line of an invocation: what each case measured in it, the facts, and the budget decided.
Json invocation_line(const std::string& configuration_id, std::int64_t index,
                     const std::vector<CaseState>& cases, const ConfigurationBudget& budget);

/// Lines of a run folder; empty for a new one.
using Resumed = std::vector<Json>;
Result<Resumed> read_resumed(const results::RunFolder& folder);

/// Gives the cases of a configuration the invocations that the folder has, with their samples, and
/// the budget that was decided; `next` becomes the number of the next invocation.
Status apply_resumed(const Resumed& lines, const results::RunFolder& folder,
                     const std::string& configuration_id, std::vector<CaseState>& cases,
                     ConfigurationBudget& budget, std::int64_t& next);

}  // namespace ridgeline::measure
