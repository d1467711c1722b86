// The analysis of one case, from its record alone: what limits each phase and why, what to try,
// where the time goes, what fits in memory. docs/bottlenecks.md has definitions and rules.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "analysis/advice.hpp"
#include "analysis/energy_efficiency.hpp"
#include "analysis/limit.hpp"
#include "analysis/memory_fit.hpp"
#include "analysis/op_classes.hpp"
#include "analysis/roofline.hpp"
#include "analysis/waterfall.hpp"
#include "base/json.hpp"

namespace ridgeline::analysis {

inline constexpr std::string_view kAnalysisSchema = "ridgeline-analysis/1";

struct PhaseAnalysis {
  std::string name;
  Limit limit;
  LimitShares shares;
  std::vector<Advice> advice;
  Roofline roofline;
  Waterfall waterfall;
  std::vector<OpClass> classes;
  EnergyEfficiency energy;
};

struct CaseAnalysis {
  /// In the order of the record. A case that ran out of memory before it had any has one, "case".
  std::vector<PhaseAnalysis> phases;
  MemoryFit memory;
};

/// Of any JSON: what is missing or damaged gives values without a number, with their reason.
CaseAnalysis analyse(const Json& record);

/// {"schema":"ridgeline-analysis/1","phases":{…},"memory":{…}}; numbers in SI units, null where
/// there is none.
Json to_json(const CaseAnalysis& analysis);

}  // namespace ridgeline::analysis
