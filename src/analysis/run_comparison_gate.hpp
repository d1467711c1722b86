// --fail-on: which outcome of a comparison fails a build.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/run_comparison.hpp"
#include "base/error.hpp"

namespace ridgeline::analysis {

/// What trips the gate. A loss is 0.05 for 5 %; 0: any SLOWER.
struct Gate {
  std::optional<double> slower;  ///< of times and rates
  std::optional<double> energy;
  std::optional<double> memory;
  bool undecided = false;
  bool missing = false;
};

/// "slower:5%,energy:5%,memory:5%,undecided,missing", each at most once. An error says what is
/// wrong with which part.
Result<Gate> parse_gate(std::string_view text);

/// Why the gate trips, a line each; empty: it does not. It trips when
///  - a verdict is SLOWER and the estimated loss is at least that of its group;
///  - a case failed in NEW that did not fail in BASE, or nothing could be compared: always;
///  - (undecided) a verdict is UNDECIDED;
///  - (missing) NEW lacks a case or a phase of a case that did not fail in BASE, or has several
///  that
///    fit.
std::vector<std::string> trips(const RunComparison& comparison, const std::vector<Json>& base,
                               const Gate& gate, const RunComparisonOptions& options);

}  // namespace ridgeline::analysis
