// A comparison of two runs as JSON: docs/run-comparison.schema.json is the exact form.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "analysis/run_comparison.hpp"
#include "base/json.hpp"

namespace ridgeline::analysis {

inline constexpr std::string_view kRunComparisonSchema = "ridgeline-run-comparison/1";

/// One side as the user named it.
struct RunSide {
  std::string path;
  const std::vector<Json>* records = nullptr;  ///< not null
};

/// What --fail-on said and what came of it.
struct GateOutcome {
  std::string spec;                  ///< "slower:5%"
  std::vector<std::string> reasons;  ///< of trips()
};

/// The whole comparison; without a gate its member is null.
Json to_json(const RunComparison& comparison, const RunSide& base, const RunSide& now,
             const RunComparisonOptions& options, const std::optional<GateOutcome>& gate);

}  // namespace ridgeline::analysis
