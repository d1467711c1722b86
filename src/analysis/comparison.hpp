// Engines side by side: from the records of one run to rows with speed-up and energy ratio.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/ratio.hpp"
#include "base/json.hpp"

namespace ridgeline::analysis {

/// A ratio, or why there is none.
struct Compared {
  std::optional<Ratio> ratio;
  std::string reason;
};

/// One engine's row for one phase of one model and workload.
struct ComparisonRow {
  std::string engine;      ///< record.configuration.engine: "transformers:compile"
  std::size_t record = 0;  ///< index into the records
  std::string id;          ///< record.id
  bool is_baseline = false;
  Compared speedup;  ///< latency of the baseline / latency of this engine: above 1 is faster
  Compared energy;   ///< joules a call of this engine / joules of the baseline: below 1 is less
  std::vector<std::string> notes;  ///< what a reader should know of this row
};

/// The engines that did the same work: one phase of one model, workload, dtype, device, ….
struct Comparison {
  std::string baseline;  ///< engine
  std::string phase;
  std::vector<ComparisonRow> rows;  ///< in the order of `engines`
};

/// Compares the records that differ in their engine alone with those of `baseline`. `engines` are
/// all of the run, in the order in which they are shown; fewer than two, or no baseline: nothing is
/// compared.
///
/// Latencies are the medians of the invocations. When both sides come from one run, invocations of
/// equal index ran next to each other, in an order that alternates, and are paired; this needs
/// three pairs, or as many pairs as both sides have invocations. Else the sides count as
/// independent. The choice looks at numbers of invocations, never at what was measured. Joules are
/// those of the trials, which are independent.
///
/// A row has no ratio, but a reason, where something failed, and where the sides did not do the
/// same work: another dtype, architecture, number of parameters (by more than 1 %), kind of
/// weights, workload, items a call, machine, boundary of the energy.
std::vector<Comparison> compare_engines(const std::vector<Json>& records,
                                        const std::vector<std::string>& engines,
                                        std::string_view baseline);

/// {"schema":"ridgeline-comparison/1", …}; docs/comparison.schema.json is the exact form. `records`
/// are those that were compared.
Json to_json(const Comparison& comparison, const std::vector<Json>& records);

}  // namespace ridgeline::analysis
