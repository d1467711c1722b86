// Joules and watts of a phase, from its trials.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json_values.hpp"
#include "base/statistics.hpp"
#include "base/student_t.hpp"
#include "measure/sensor_metrics.hpp"

namespace ridgeline::measure {
namespace {

using results::Metric;
using results::Metrics;
using results::Source;

struct Absent {
  std::string reason;
  std::string enable;
};

Metric absent(const char* unit, const Absent& why) {
  return results::absent(unit, why.reason, why.enable);
}

// What the trials of a phase add up to.
struct Trials {
  std::vector<double> joules;      // of a call
  std::vector<double> net_joules;  // empty when a meter's idle power is not known
  std::vector<double> watts;
  std::optional<double> peak;
  double quantisation = 0;
  bool counted = true;
  Absent why;  // when joules is empty
  std::string why_no_net;
};

// The power at rest of all primary meters together.
std::optional<double> idle_watts(const Json& energy, const char* which, std::string& reason) {
  const Json idle = energy.value("idle", Json::object()).value(which, Json());
  double sum = 0;
  for (const Json& meter : energy.value("meters", Json::array())) {
    if (!meter.value("primary", false)) continue;
    const Json entry = idle.is_object() ? idle.value(text_in(meter, "id"), Json()) : Json();
    const auto watts = number_in(entry, "watts");
    if (!watts) {
      reason = entry.is_object() ? text_in(entry, "reason") : "";
      if (reason.empty()) reason = "idle power was not measured";
      return std::nullopt;
    }
    sum += *watts;
  }
  return sum;
}

Trials take_trials(const Json& energy, const std::string& phase) {
  Trials taken;
  if (!text_in(energy, "reason").empty()) {
    taken.why = {text_in(energy, "reason"), text_in(energy, "enable")};
    return taken;
  }
  const Json phases = energy.value("phases", Json::object());
  if (!phases.contains(phase)) {
    taken.why = {"this phase is given no energy pass", ""};
    return taken;
  }
  const auto idle = idle_watts(energy, "loaded", taken.why_no_net);
  std::vector<double> bounds;
  for (const Json& trial : phases.at(phase).value("trials", Json::array())) {
    const auto joules = number_in(trial, "joules");
    const auto seconds = number_in(trial, "seconds_per_call");
    if (!joules || !seconds || *seconds <= 0) {
      taken.why = {text_in(trial, "reason"), "give a longer --energy-window"};
      continue;
    }
    taken.joules.push_back(*joules);
    taken.watts.push_back(*joules / *seconds);
    if (idle) taken.net_joules.push_back(*joules - *idle * *seconds);
    bounds.push_back(number_in(trial, "bound").value_or(0) / *joules);
    taken.counted = taken.counted && text_in(trial, "method") == "counter";
    const auto peak = number_in(trial, "peak_watts");
    if (peak) taken.peak = std::max(taken.peak.value_or(0), *peak);
  }
  if (!bounds.empty()) taken.quantisation = mean(bounds);
  if (taken.joules.empty() && taken.why.reason.empty()) taken.why = {"no trial was made", ""};
  return taken;
}

std::optional<double> systematic_of(const Json& energy) {
  std::optional<double> largest;
  for (const Json& meter : energy.value("meters", Json::array())) {
    const auto one = number_in(meter, "systematic");
    if (meter.value("primary", false) && one) largest = std::max(largest.value_or(0), *one);
  }
  return largest;
}

Metric over_trials(const std::vector<double>& values, const char* unit, const Trials& trials,
                   const std::optional<double>& systematic) {
  Metric metric =
      results::measured(mean(values), unit, trials.counted ? Source::kCounter : Source::kSampled,
                        static_cast<std::int64_t>(values.size()));
  metric.systematic = systematic;
  metric.quantisation = trials.quantisation;
  const auto interval = t_interval(values);
  if (!interval) return metric;
  return results::with_interval(std::move(metric), interval->low, interval->high,
                                results::IntervalKind::kBetweenTrials);
}

Metric find(const Metrics& metrics, const std::string& name, const char* unit) {
  for (const auto& [known, metric] : metrics) {
    if (known == name) return metric;
  }
  return results::absent(unit, fmt::format("{} is not known", name));
}

void add_powers(const Json& energy, const Trials& trials, const std::optional<double>& systematic,
                Metrics& metrics) {
  const bool any = !trials.joules.empty();
  metrics.emplace_back("power.mean", any ? over_trials(trials.watts, "W", trials, systematic)
                                         : absent("W", trials.why));
  metrics.emplace_back(
      "power.peak",
      trials.peak
          ? results::measured(*trials.peak, "W", Source::kSampled)
          : absent("W", any ? Absent{"no reading of power beside the counter", ""} : trials.why));
  struct Row {
    const char* name;
    const char* which;
  };
  for (const Row& row : {Row{"power.idle", "loaded"}, Row{"power.cold_idle", "cold"}}) {
    std::string reason = trials.why.reason;
    const auto watts =
        text_in(energy, "reason").empty() ? idle_watts(energy, row.which, reason) : std::nullopt;
    Metric metric = watts ? results::measured(*watts, "W", Source::kCounter)
                          : absent("W", {reason, trials.why.enable});
    if (watts) metric.systematic = systematic;
    metrics.emplace_back(row.name, std::move(metric));
  }
}

// Ratios of a phase's energy for one unit of its items.
void add_per_unit(const std::string& phase, const std::string& unit, double items,
                  Metrics& metrics) {
  const Metric gross = find(metrics, "energy.gross", "J");
  const Metric net = find(metrics, "energy.net", "J");
  const Metric rate = find(metrics, "throughput." + unit, "1/s");
  const Metric power = find(metrics, "power.mean", "W");
  const auto each = [items](const std::vector<double>& v) { return v[0] / items; };
  metrics.emplace_back(fmt::format("energy_per_{}.gross", unit),
                       results::derived("J/" + unit, {{phase + ".energy.gross", gross}}, each));
  metrics.emplace_back(fmt::format("energy_per_{}.net", unit),
                       results::derived("J/" + unit, {{phase + ".energy.net", net}}, each));
  metrics.emplace_back(
      fmt::format("{}_per_joule", unit),
      results::derived(unit + "/J", {{phase + ".energy.gross", gross}},
                       [items](const std::vector<double>& v) { return items / v[0]; }));
  metrics.emplace_back(fmt::format("throughput_per_watt.{}", unit),
                       results::derived(unit + "/s/W",
                                        {{fmt::format("{}.throughput.{}", phase, unit), rate},
                                         {phase + ".power.mean", power}},
                                        [](const std::vector<double>& v) { return v[0] / v[1]; }));
}

}  // namespace

void add_energy(const Json& energy, const PhaseFacts& phase, Metrics& metrics) {
  const Trials trials = take_trials(energy, phase.name);
  const auto systematic = systematic_of(energy);
  const bool any = !trials.joules.empty();
  metrics.emplace_back("energy.gross", any ? over_trials(trials.joules, "J", trials, systematic)
                                           : absent("J", trials.why));
  metrics.emplace_back("energy.net", !any ? absent("J", trials.why)
                                     : trials.net_joules.empty()
                                         ? absent("J", {trials.why_no_net, ""})
                                         : over_trials(trials.net_joules, "J", trials, systematic));
  add_powers(energy, trials, systematic, metrics);
  for (const auto& [unit, items] : phase.items) {
    if (items > 0) add_per_unit(phase.name, unit, items, metrics);
  }
  const Metric flops = find(metrics, "flops_rate", "FLOP/s");
  const Metric power = find(metrics, "power.mean", "W");
  metrics.emplace_back(
      "flops_per_joule",
      results::derived("FLOP/J",
                       {{phase.name + ".flops_rate", flops}, {phase.name + ".power.mean", power}},
                       [](const std::vector<double>& v) { return v[0] / v[1]; }));
}

Json energy_of_phase(const Json& energy, const std::string& phase) {
  const Json phases = energy.is_object() ? energy.value("phases", Json()) : Json();
  if (!phases.is_object() || !phases.contains(phase)) return nullptr;
  Json part = energy;
  part.erase("phases");
  part.erase("harness");
  part["trials"] = phases.at(phase).value("trials", Json::array());
  return part;
}

}  // namespace ridgeline::measure
