// Bytes and activity of a phase, from its runs under the counters.
#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

#include "base/json_values.hpp"
#include "base/statistics.hpp"
#include "base/student_t.hpp"
#include "measure/efficiency.hpp"
#include "measure/sensor_metrics.hpp"

namespace ridgeline::measure {
namespace {

using results::Metric;
using results::Metrics;
using results::Source;

// Values of a call by kind and scope ("traffic.dram"), one for each run, domains of a scope summed:
// sockets, directions.
std::map<std::string, std::vector<double>> sums_of(const Json& traffic, const std::string& phase) {
  std::map<std::string, std::vector<double>> sums;
  const Json phases = traffic.is_object() ? traffic.value("phases", Json()) : Json();
  if (!phases.is_object() || !phases.contains(phase)) return sums;
  for (const Json& run : phases.at(phase).value("runs", Json::array())) {
    std::map<std::string, double> one;
    std::map<std::string, bool> whole;
    for (const Json& domain : traffic.value("domains", Json::array())) {
      const std::string name =
          fmt::format("{}.{}", text_in(domain, "kind"), text_in(domain, "scope"));
      const Json value = run.value("values", Json::object()).value(text_in(domain, "id"), Json());
      whole.try_emplace(name, true);
      if (value.is_number()) one[name] += value.get<double>();
      // A part that could not be read must not pass for 0.
      if (!value.is_number()) whole[name] = false;
    }
    for (const auto& [name, value] : one) {
      if (whole[name]) sums[name].push_back(value);
    }
  }
  return sums;
}

Metric over_runs(const std::vector<double>& values, const char* unit) {
  Metric metric = results::measured(mean(values), unit, Source::kCounter,
                                    static_cast<std::int64_t>(values.size()));
  const auto interval = t_interval(values);
  if (!interval) return metric;
  return results::with_interval(std::move(metric), interval->low, interval->high,
                                results::IntervalKind::kBetweenTrials);
}

Metric latency_of(const Metrics& metrics) {
  for (const auto& [name, metric] : metrics) {
    if (name == "latency") return metric;
  }
  return results::absent("s", "there is no latency");
}

Metric modelled_bytes(const Json* cost) {
  if (cost == nullptr) return results::absent("B", why_no_cost(Json()));
  const auto bytes = number_in(*cost, "bytes");
  return bytes ? results::measured(*bytes, "B", Source::kModelled)
               : results::absent("B", why_no_cost(*cost));
}

}  // namespace

void add_traffic(const Json& traffic, const PhaseFacts& phase, Metrics& metrics) {
  constexpr std::string_view kDram = "traffic.dram";
  auto sums = sums_of(traffic, phase.name);
  const Json none = traffic.is_object() && traffic.contains("dram") ? traffic.at("dram") : traffic;
  std::string reason = text_in(none, "reason");
  if (reason.empty()) reason = "this phase is given no traffic pass";
  const std::string enable = text_in(none, "enable");
  const Metric model = modelled_bytes(phase.cost);
  const Metric latency = latency_of(metrics);
  const auto counted = sums.find(std::string(kDram));
  const bool is_counted = counted != sums.end();
  const Metric bytes = is_counted ? over_runs(counted->second, "B") : model;
  metrics.emplace_back(kDram, bytes);
  const auto ratio = [](const std::vector<double>& v) { return v[0] / v[1]; };
  if (is_counted) {
    metrics.emplace_back("bandwidth.dram", results::derived("B/s",
                                                            {{phase.name + ".traffic.dram", bytes},
                                                             {phase.name + ".latency", latency}},
                                                            ratio));
    metrics.emplace_back("traffic.dram.over_model",
                         results::derived("1",
                                          {{phase.name + ".traffic.dram", bytes},
                                           {fmt::format("cost.{}.bytes", phase.name), model}},
                                          ratio));
  } else {
    metrics.emplace_back("bandwidth.dram", results::absent("B/s", reason, enable));
    metrics.emplace_back("traffic.dram.over_model", results::absent("1", reason, enable));
  }
  for (const auto& [name, values] : sums) {
    if (name == kDram) continue;
    if (name.starts_with("traffic.") || name.starts_with("events.")) {
      metrics.emplace_back(name, over_runs(values, name.starts_with("traffic.") ? "B" : "1"));
      continue;
    }
    // Seconds of activity within a call, over the seconds that the call takes.
    const Metric active = over_runs(values, "s");
    metrics.emplace_back(name + ".seconds", active);
    metrics.emplace_back(name, results::derived("1",
                                                {{phase.name + "." + name + ".seconds", active},
                                                 {phase.name + ".latency", latency}},
                                                ratio));
  }
}

Json traffic_of_phase(const Json& traffic, const std::string& phase) {
  const Json phases = traffic.is_object() ? traffic.value("phases", Json()) : Json();
  if (!phases.is_object() || !phases.contains(phase)) return nullptr;
  Json part = traffic;
  part.erase("phases");
  part.erase("harness");
  part["runs"] = phases.at(phase).value("runs", Json::array());
  return part;
}

}  // namespace ridgeline::measure
