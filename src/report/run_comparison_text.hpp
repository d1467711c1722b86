// The comparison of two runs for people: on a terminal, and as a comment of a pull request.
#pragma once

#include <optional>
#include <string>

#include "analysis/run_comparison.hpp"
#include "analysis/run_comparison_json.hpp"

namespace ridgeline::report {

/// All that a reader needs of a comparison; the members must outlive the call.
struct RunComparisonView {
  const analysis::RunComparison& comparison;
  analysis::RunSide base;
  analysis::RunSide now;
  const analysis::RunComparisonOptions& options;
  std::optional<analysis::GateOutcome> gate;
};

/// Header, table, notes, cases without a partner, summary, gate.
std::string run_comparison_text(const RunComparisonView& view);

/// The same as Markdown: what changed on top, what is the same folded up. Names from records cannot
/// become markup.
std::string run_comparison_markdown(const RunComparisonView& view);

}  // namespace ridgeline::report
