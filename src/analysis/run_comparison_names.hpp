// The names of metrics that two runs can be compared by.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace ridgeline::analysis {

/// What a metric counts; `--fail-on slower`, `energy` and `memory` watch one of these each.
enum class MetricGroup { kTime, kEnergy, kMemory };

/// The first word of a metric's name, and what it counts.
struct MetricStem {
  std::string_view name;
  MetricGroup group = MetricGroup::kTime;
  bool higher_is_better = false;
  std::string_view alone = {};  ///< what the bare word stands for; empty: itself
};

/// The stem of "latency.device"; nullptr when such metrics cannot be compared.
const MetricStem* stem_of(std::string_view metric);

/// What is compared unless something else is asked for.
std::vector<std::string> default_metrics();

/// Expands and checks names: latency, ttft, tpot, itl (each also with a suffix of the record, as
/// latency.device), real_time_factor, throughput.ITEM, energy, memory (peak and device_peak) or
/// memory.PART, load (total) or load.STAGE.
Result<std::vector<std::string>> parse_metrics(const std::vector<std::string>& names);

}  // namespace ridgeline::analysis
