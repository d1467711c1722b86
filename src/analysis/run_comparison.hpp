// Two runs side by side: the regression gate. Cases matched by manifest, a verdict for each metric.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "analysis/manifest_machine.hpp"
#include "analysis/manifest_matching.hpp"
#include "analysis/run_comparison_metrics.hpp"
#include "analysis/verdict.hpp"
#include "base/error.hpp"
#include "base/json.hpp"

namespace ridgeline::analysis {

/// Most cases of a run that are matched with each other.
inline constexpr std::size_t kMostCases = 5000;

struct RunComparisonOptions {
  Rule rule;
  Across across;
  std::vector<std::string> metrics = default_metrics();  ///< as parse_metrics() gives them
  /// Names a case for people: "bert-base 8×128 float32". None: by its model.
  std::function<std::string(const Json& record)> name_of = {};
};

/// One metric of a pair of cases.
struct MetricComparison {
  Figures figures;
  std::optional<double> effect;      ///< NEW / BASE − 1: 0.03 is 3 % more
  std::optional<Interval> interval;  ///< of the effect, at the rule's confidence
  /// By how much the phase moved at most while a process measured it, where a side's flag `drift`
  /// says that one did; 0.05: by 5 %. A change counts when it is beyond this and the margin.
  double moved = 0;
  std::optional<double> p;       ///< two-sided, of "inside the margin"
  std::optional<double> p_holm;  ///< the same, adjusted for the whole family
  Verdict verdict = Verdict::kUndecided;
  std::string reason;           ///< why it is UNDECIDED; empty for the others
  std::optional<double> finds;  ///< smallest_slowdown_found(), from add_power()
  std::optional<std::int64_t>
      needs;  ///< InvocationsNeeded, from add_power(); where invocations are all there is

  /// By how much NEW costs more, 0.03: 3 %; of rates from the reciprocal.
  std::optional<double> loss() const;
};

/// One case on both sides.
struct CaseComparison {
  std::size_t base = 0;  ///< index into the records of BASE
  std::size_t now = 0;
  std::string name;
  bool newly_failed = false;                ///< failed in NEW, but not in BASE
  std::vector<std::string> missing_phases;  ///< of BASE, not in NEW
  std::vector<Unlike> ignored;              ///< members that differ and were to be ignored
  std::vector<MetricComparison> metrics;
  std::vector<std::string> notes;  ///< what a reader must know of this case
};

struct RunComparison {
  Rule rule;
  std::vector<std::string> across;
  std::vector<std::string> metrics;
  std::vector<CaseComparison> cases;  ///< in the order of BASE
  Matching matching;                  ///< what found no partner, and what found several
  std::vector<Unlike> machines;       ///< unlike machines, compared all the same
  std::vector<Unlike> changed;        ///< versions and settings, over all cases
  std::vector<std::string> notes;     ///< of the whole comparison
  std::int64_t family = 0;            ///< tests that Holm's correction counts

  std::int64_t count(Verdict verdict) const;
  std::int64_t comparisons() const;
};

/// Compares all that match. Unlike machines are an error unless `across.machine`; too many cases
/// are one. Records of any origin are borne: what they do not say is not compared.
Result<RunComparison> compare_runs(const std::vector<Json>& base, const std::vector<Json>& now,
                                   const RunComparisonOptions& options);

/// Adds `finds` and `needs`: what each comparison could have found. Apart from compare_runs(),
/// because it takes longer than all verdicts and changes none.
void add_power(RunComparison& comparison);

/// "12 comparisons: 1 FASTER, 2 SLOWER, 8 SAME, 1 UNDECIDED".
std::string summary_line(const RunComparison& comparison);

/// The name of a case: options.name_of, or its model.
std::string case_name(const Json& record, const RunComparisonOptions& options);

}  // namespace ridgeline::analysis
