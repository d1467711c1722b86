// Known metrics, and the words of --metrics.
#include "analysis/run_comparison_names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/nearest.hpp"

namespace ridgeline::analysis {
namespace {

constexpr std::array kStems = {MetricStem{"latency"},
                               MetricStem{"ttft"},
                               MetricStem{"tpot"},
                               MetricStem{"itl"},
                               MetricStem{"real_time_factor"},
                               MetricStem{"throughput", MetricGroup::kTime, true},
                               MetricStem{"energy", MetricGroup::kEnergy},
                               MetricStem{"memory", MetricGroup::kMemory, false, "memory.peak"},
                               MetricStem{"load", MetricGroup::kTime, false, "load.total"}};

constexpr std::string_view kDevicePeak = "memory.device_peak";

}  // namespace

const MetricStem* stem_of(std::string_view metric) {
  const std::string_view word = metric.substr(0, metric.find('.'));
  const auto found = std::find_if(kStems.begin(), kStems.end(),
                                  [&](const MetricStem& stem) { return stem.name == word; });
  return found == kStems.end() ? nullptr : &*found;
}

std::vector<std::string> default_metrics() {
  return {"latency", "ttft", "tpot", "itl", "energy", "memory.peak", std::string(kDevicePeak)};
}

Result<std::vector<std::string>> parse_metrics(const std::vector<std::string>& names) {
  std::vector<std::string_view> known;
  for (const MetricStem& stem : kStems) known.push_back(stem.name);
  std::vector<std::string> metrics;
  const auto add = [&](std::string_view name) {
    if (std::find(metrics.begin(), metrics.end(), name) == metrics.end()) {
      metrics.emplace_back(name);
    }
  };
  for (const std::string& name : names) {
    const MetricStem* stem = stem_of(name);
    if (stem == nullptr) {
      return bad_input(fmt::format("--metrics: '{}' cannot be compared", name),
                       suggestion(name.substr(0, name.find('.')), known));
    }
    const bool bare = name == stem->name;
    if (stem->name == "throughput" && bare) {
      return bad_input("--metrics: throughput of what", "write throughput.token, as in the record");
    }
    if (stem->name == "energy" && !bare) {
      return bad_input(fmt::format("--metrics: '{}' cannot be compared", name),
                       "write energy: gross joules an item");
    }
    add(bare && !stem->alone.empty() ? stem->alone : std::string_view(name));
    if (name == "memory") add(kDevicePeak);
  }
  return metrics;
}

}  // namespace ridgeline::analysis
