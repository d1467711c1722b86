// Metrics of one phase.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/json_values.hpp"
#include "base/student_t.hpp"
#include "measure/assemble.hpp"
#include "measure/estimate.hpp"
#include "measure/sensor_metrics.hpp"

namespace ridgeline::measure {
namespace {

using results::Metric;
using results::Metrics;

results::IntervalKind kind_of(IntervalKind kind) {
  switch (kind) {
    case IntervalKind::kBetweenInvocations:
      return results::IntervalKind::kBetweenInvocations;
    case IntervalKind::kWithinInvocation:
      return results::IntervalKind::kWithinInvocation;
    case IntervalKind::kNone:
      break;
  }
  return results::IntervalKind::kNone;
}

Metric timed(const Estimate& estimate) {
  if (!estimate.value) {
    return results::absent("s", estimate.reason, {}, results::Source::kTimed);
  }
  Metric metric = results::measured(*estimate.value, "s", results::Source::kTimed, estimate.n);
  if (!estimate.ci95) return metric;
  return results::with_interval(std::move(metric), estimate.ci95->low, estimate.ci95->high,
                                kind_of(estimate.kind));
}

// The first call of each process: its mean, and from two processes on a t interval.
Metric first_call(const std::string& phase, const CaseState& state) {
  std::vector<double> seconds;
  for (const CaseInvocation& invocation : state.invocations) {
    for (const results::InvocationPhase& part : invocation.part.phases) {
      if (part.name == phase && part.first_call) seconds.push_back(*part.first_call);
    }
  }
  return mean_metric(seconds);
}

Metric cost_metric(const Json& cost, const char* key, const char* unit) {
  if (cost.is_object() && cost.contains(key) && cost.at(key).is_number()) {
    return results::measured(cost.at(key).get<double>(), unit, results::Source::kModelled);
  }
  return results::absent(unit, why_no_cost(cost));
}

void add_attained(const std::string& phase, const Json& cost, const Metric& latency,
                  Metrics& metrics) {
  const Metric flops = cost_metric(cost, "flops", "FLOP");
  const Metric bytes = cost_metric(cost, "bytes", "B");
  const std::string flops_name = "cost." + phase + ".flops";
  const std::string bytes_name = "cost." + phase + ".bytes";
  const auto ratio = [](const std::vector<double>& v) { return v[0] / v[1]; };
  metrics.emplace_back(
      "flops_rate",
      results::derived("FLOP/s", {{flops_name, flops}, {phase + ".latency", latency}}, ratio));
  metrics.emplace_back(
      "bytes_rate",
      results::derived("B/s", {{bytes_name, bytes}, {phase + ".latency", latency}}, ratio));
  metrics.emplace_back(
      "arithmetic_intensity",
      results::derived("FLOP/B", {{flops_name, flops}, {bytes_name, bytes}}, ratio));
}

// Energy and traffic, from the passes beside the timing; `cost` of the phase, or why there is none.
void add_sensors(const CaseState& state, const Json& cost, PhaseReport& report) {
  results::PhaseResult& result = report.result;
  const PhaseFacts phase{result.name, result.items, &cost};
  const Json& energy = state.facts->at("energy");
  const Json& traffic = state.facts->at("traffic");
  add_energy(energy, phase, result.metrics);
  add_traffic(traffic, phase, result.metrics);
  const auto part = [](Json json) {
    return json.is_object() ? std::make_shared<const Json>(std::move(json)) : nullptr;
  };
  result.energy = part(energy_of_phase(energy, result.name));
  result.traffic = part(traffic_of_phase(traffic, result.name));
  result.ops = part(entry_of(entry_of(*state.facts, "ops"), result.name));
}

// Latencies of a series of tokens under one name; the percentiles of gaps are what users feel.
void add_series(const char* name, const std::vector<std::vector<double>>& samples,
                Metrics& metrics) {
  if (samples.empty()) return;
  const LatencyEstimate estimate = estimate_latency(samples);
  metrics.emplace_back(name, timed(estimate.latency));
  for (const Percentile& percentile : estimate.percentiles) {
    metrics.emplace_back(fmt::format("{}.{}", name, percentile.name), timed(percentile.estimate));
  }
}

std::vector<std::vector<double>> samples_of(const std::string& phase, const CaseState& state) {
  std::vector<std::vector<double>> samples;
  for (const CaseInvocation& invocation : state.invocations) {
    if (invocation.part.outcome.status != results::Outcome::Status::kOk) continue;
    for (const auto& [name, seconds] : invocation.samples) {
      if (name == phase) samples.push_back(seconds);
    }
  }
  return samples;
}

}  // namespace

Metric mean_metric(const std::vector<double>& seconds) {
  if (seconds.empty()) return results::absent("s", "no process got that far");
  double sum = 0;
  for (const double value : seconds) sum += value;
  Metric metric =
      results::measured(sum / static_cast<double>(seconds.size()), "s", results::Source::kTimed,
                        static_cast<std::int64_t>(seconds.size()));
  const auto interval = t_interval(seconds);
  if (!interval) return metric;
  return results::with_interval(std::move(metric), interval->low, interval->high,
                                results::IntervalKind::kBetweenInvocations);
}

Result<PhaseReport> report_phase(const Json& planned_phase, const CaseState& state,
                                 const AssembleContext& context) {
  constexpr std::string_view kWhat = "planned phase";
  PhaseReport report;
  results::PhaseResult& result = report.result;
  RIDGELINE_TRY(result.name, get_string(planned_phase, "name", kWhat));
  RIDGELINE_TRY(result.unit, get_string(planned_phase, "unit", kWhat));
  RIDGELINE_TRY(result.growing, get_bool(planned_phase, "growing", kWhat, false));

  const LatencyEstimate estimate = estimate_latency(samples_of(result.name, state));
  const Metric latency = timed(estimate.latency);
  Metrics& metrics = result.metrics;
  metrics.emplace_back("latency", latency);
  metrics.emplace_back("latency.first_call", first_call(result.name, state));
  metrics.emplace_back("latency.min", timed(estimate.minimum));
  metrics.emplace_back("latency.max", timed(estimate.maximum));
  for (const Percentile& percentile : estimate.percentiles) {
    metrics.emplace_back("latency." + percentile.name, timed(percentile.estimate));
  }
  if (const auto device = samples_of(device_name(result.name), state); !device.empty()) {
    metrics.emplace_back("latency.device", timed(estimate_latency(device).latency));
  }
  // On a CPU the host does the work: it is free again when the call is done.
  if (context.configuration->configuration.device != "cpu") {
    const auto host = samples_of(host_name(result.name), state);
    if (!host.empty()) metrics.emplace_back("latency.host", timed(estimate_latency(host).latency));
  }
  if (planned_phase.contains("items") && planned_phase.at("items").is_object()) {
    for (const auto& [unit, count] : planned_phase.at("items").items()) {
      if (!count.is_number()) continue;
      const auto items = count.get<double>();
      result.items.emplace_back(unit, items);
      metrics.emplace_back(
          "throughput." + unit,
          results::derived(unit + "/s", {{result.name + ".latency", latency}},
                           [items](const std::vector<double>& v) { return items / v[0]; }));
      if (unit != "audio_second") continue;
      metrics.emplace_back(
          "real_time_factor",
          results::derived("1", {{result.name + ".latency", latency}},
                           [items](const std::vector<double>& v) { return v[0] / items; }));
    }
  }
  add_series("ttft", samples_of(ttft_name(result.name), state), metrics);
  add_series("tpot", samples_of(tpot_name(result.name), state), metrics);
  add_series("itl", samples_of(itl_name(result.name), state), metrics);
  const Json& costs = state.facts->at("cost");
  const bool has_cost = costs.is_object() && costs.contains(result.name);
  Json none = Json::object();
  if (text_in(*state.facts, "cost_engine").empty()) {
    const std::string reason = text_in(*state.facts, "cost_reason");
    if (!reason.empty()) none["reason"] = reason;
  }
  const bool was_asked = entry_of(*state.facts, "cost_asked") != false;
  if (!was_asked) none["reason"] = "not asked for by --metrics";
  const Json& cost = has_cost ? costs.at(result.name) : none;
  if (has_cost || (was_asked && !none.empty())) {
    add_attained(result.name, cost, latency, metrics);
  }
  add_sensors(state, cost, report);
  if (context.limits != nullptr) {
    PhaseWork work;
    work.phase = result.name;
    work.cost = &cost;
    work.latency = &latency;
    work.configuration = &context.configuration->configuration;
    work.engine = &state.facts->at("engine");
    work.limits = context.limits;
    report.flags = add_efficiency(work, metrics);
  }

  report.drifting = estimate.drifting;
  for (const CaseInvocation& invocation : state.invocations) {
    for (const results::InvocationPhase& part : invocation.part.phases) {
      const bool capped = part.name == result.name && part.warmup && !part.warmup->stationary;
      report.not_stationary += capped ? 1 : 0;
    }
  }
  if (const auto half = relative_half_width(estimate.latency))
    report.precise = *half <= context.precision;
  return report;
}

}  // namespace ridgeline::measure
