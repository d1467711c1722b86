// What every metric means: the one table behind reports, exports and docs.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"

namespace ridgeline::report {

/// A metric. Keys of phases stand bare ("latency"), those of groups behind their group
/// ("load.total", "memory.peak", "cost.flops"). In a key and its texts <item>, <scope>, <q> and
/// <stage> stand for what the records have there: "throughput.<item>".
struct MetricEntry {
  std::string key;
  std::string label;
  std::string unit;        ///< SI base units, "1" for a pure number
  std::string definition;  ///< one sentence
  std::string formula;     ///< empty: it is read or timed as it is
  std::string source;      ///< the provenance it usually has
};

/// The table, in the order in which metrics are shown.
const std::vector<MetricEntry>& metric_glossary();

/// The entry of a metric, with what stands for <item> and so on put in; nothing when the table has
/// none.
std::optional<MetricEntry> find_metric(std::string_view key);

/// All keys of the table, placeholders replaced by everything that Ridgeline itself writes there:
/// the stable columns of exports.
const std::vector<std::string>& known_metric_keys();

/// Keys of all metrics that a record has: of its phases, "load.…", "memory.…", and of its cost
/// "cost.…", without the name of the phase; each once.
std::vector<std::string> metric_keys_of(const Json& record);

/// {"label","unit","definition","formula","source"}; null where empty.
Json to_json(const MetricEntry& entry);

}  // namespace ridgeline::report
