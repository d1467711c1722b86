// Putting a record together.
#include "measure/assemble.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/build_info.hpp"
#include "base/json_values.hpp"
#include "measure/machine_state.hpp"
#include "measure/sensor_metrics.hpp"
#include "results/run_folder.hpp"

namespace ridgeline::measure {
namespace {

using results::Flag;
using results::Metrics;
using results::RecordBuilder;

results::Outcome outcome_of(const CaseState& state, const AssembleContext& context) {
  const Error* error = state.last_error();
  if (state.succeeded() == 0) {
    if (error != nullptr) return results::Outcome::failed(*error);
    return results::Outcome::failed({ErrorClass::kInterrupted, "no invocation was finished"});
  }
  if (context.ended_by == results::StopSummary::EndedBy::kInterrupted) {
    return results::Outcome::partial({ErrorClass::kInterrupted,
                                      "interrupted before all invocations were done",
                                      "resume the run"});
  }
  if (error == nullptr) return {};
  Error shown = *error;
  shown.message = fmt::format("{} of {} invocations failed: {}", state.failed(),
                              state.invocations.size(), error->message);
  return results::Outcome::partial(std::move(shown));
}

// Stages of loading: the mean over the processes that got there, and their sum.
Metrics load_metrics(const CaseState& state) {
  Metrics metrics;
  std::vector<std::string> names;
  std::vector<double> totals;
  for (const CaseInvocation& invocation : state.invocations) {
    double total = 0;
    for (const auto& [name, seconds] : invocation.part.stages) {
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
      total += seconds;
    }
    if (!invocation.part.stages.empty()) totals.push_back(total);
  }
  for (const std::string& name : names) {
    std::vector<double> values;
    for (const CaseInvocation& invocation : state.invocations) {
      for (const auto& [stage, seconds] : invocation.part.stages) {
        if (stage == name) values.push_back(seconds);
      }
    }
    metrics.emplace_back(name, mean_metric(values));
  }
  metrics.emplace_back("total", mean_metric(totals));
  return metrics;
}

Metrics memory_metrics(const CaseState& state) {
  struct Row {
    const char* metric;
    const char* group;
    const char* key;
  };
  constexpr Row kRows[] = {
      {"weights", "tracked", "weights"}, {"packed", "tracked", "packed"},
      {"cache", "tracked", "cache"},     {"inputs", "tracked", "inputs"},
      {"outputs", "tracked", "outputs"}, {"activations", "tracked", "activations_peak"},
      {"peak", "tracked", "peak"},       {"library", "resident", "library"}};
  // Of accelerators: what the allocator handed out, what it took from the driver, and what recorded
  // graphs keep of that.
  constexpr Row kDeviceRows[] = {{"device_peak", "device", "allocated_peak"},
                                 {"device_reserved_peak", "device", "reserved_peak"},
                                 {"graphs", "device", "graphs"}};
  Metrics metrics;
  const Json& memory = state.facts->at("memory");
  for (const Row& row : kRows) {
    if (memory.contains(row.group) && memory.at(row.group).is_object() &&
        memory.at(row.group).contains(row.key) && memory.at(row.group).at(row.key).is_number()) {
      metrics.emplace_back(row.metric,
                           results::measured(memory.at(row.group).at(row.key).get<double>(), "B",
                                             results::Source::kTracked));
    } else {
      metrics.emplace_back(row.metric,
                           results::absent("B", "not asked for, or the engine does not say"));
    }
  }
  for (const Row& row : kDeviceRows) {
    if (!memory.contains(row.group) || !memory.at(row.group).is_object()) continue;
    const auto bytes = number_in(memory.at(row.group), row.key);
    if (!bytes) continue;
    metrics.emplace_back(row.metric, results::measured(*bytes, "B", results::Source::kTracked));
  }
  std::optional<std::int64_t> resident;
  for (const CaseInvocation& invocation : state.invocations) {
    if (invocation.part.resident_peak) {
      resident = std::max(resident.value_or(0), *invocation.part.resident_peak);
    }
  }
  metrics.emplace_back(
      "resident_peak",
      resident ? results::measured(static_cast<double>(*resident), "B", results::Source::kTracked)
               : results::absent("B", "no worker ended where it could be read"));
  return metrics;
}

void add_phase_flags(const PhaseReport& report, double precision, RecordBuilder& record) {
  const std::string& name = report.result.name;
  if (report.drifting > 0) {
    record.add_flag(
        {"drift", Flag::Severity::kWarn,
         fmt::format("{}: latency moved during {} invocation(s)", name, report.drifting),
         "look for heat, clocks or other work on this machine"});
  }
  if (report.not_stationary > 0) {
    record.add_flag(
        {"warm-up", Flag::Severity::kWarn,
         fmt::format("{}: {} invocation(s) could not be shown to be stationary in their warm-up",
                     name, report.not_stationary),
         "give more --budget, or look for other work on this machine"});
  }
  if (report.precise && !*report.precise) {
    record.add_flag({"precision", Flag::Severity::kInfo,
                     fmt::format("{}: the interval is wider than ±{:g} %", name, 100 * precision),
                     "give more --budget or --invocations"});
  }
}

Status add_facts(const CaseState& state, const AssembleContext& context, results::StopSummary& stop,
                 RecordBuilder& record) {
  const Json& facts = *state.facts;
  record.set_engine(facts.at("engine"));
  record.set_model(facts.at("model"));
  record.set_optimizations(facts.at("optimizations"));
  record.set_cost(facts.at("cost").is_object() ? facts.at("cost") : Json::object());
  if (const std::string from = text_in(facts, "cost_engine"); !from.empty()) {
    record.add_flag({"cost", Flag::Severity::kInfo,
                     fmt::format("FLOPs and bytes are those that the {} engine counts for this "
                                 "model and workload: {}",
                                 from, text_in(facts, "cost_reason")),
                     "rates and shares of ceilings rest on them"});
  }
  record.set_memory(memory_metrics(state));
  const Json& inputs = facts.at("inputs");
  const auto digest = [](const Json& json) {
    return json.is_string() ? std::optional(json.get<std::string>()) : std::nullopt;
  };
  record.set_digests(
      inputs.is_object() && inputs.contains("digest") ? digest(inputs.at("digest")) : std::nullopt,
      digest(facts.at("output_digest")));
  for (const Json& phase : facts.at("phases")) {
    RIDGELINE_TRY(const PhaseReport report, report_phase(phase, state, context));
    record.add_phase(report.result);
    add_phase_flags(report, context.precision, record);
    for (const Flag& flag : report.flags) record.add_flag(flag);
    // Preprocessing is a side figure with a small slice: it does not decide.
    if (report.precise && report.result.name != "preprocess") {
      stop.precision_reached = stop.precision_reached.value_or(true) && *report.precise;
    }
  }
  return {};
}

// What machine and sensors did while the case was measured.
void add_state_flags(const CaseState& state, RecordBuilder& record) {
  std::vector<Json> states;
  for (const CaseInvocation& invocation : state.invocations) {
    if (invocation.part.state) states.push_back(*invocation.part.state);
  }
  for (const Flag& flag : state_flags(states)) record.add_flag(flag);
  if (!state.facts) return;
  for (const Flag& flag : energy_flags(state.facts->at("energy"))) record.add_flag(flag);
}

}  // namespace

Result<Json> assemble_record(const CaseState& state, const AssembleContext& context) {
  RecordBuilder record(state.id, context.command);
  record.set_program(RIDGELINE_VERSION, build_info());
  record.set_machine(*context.machine);
  const Configuration& configuration = context.configuration->configuration;
  record.set_configuration(to_json(configuration));
  record.set_outcome(outcome_of(state, context));

  Json workload = to_json(state.workload);
  Json inputs;
  if (state.facts) {
    inputs = state.facts->at("inputs");
    const Json& actual = state.facts->at("workload");
    // What the engine made of it: sizes that the model has not are null there.
    for (const auto& [key, value] : actual.items()) workload[key] = value;
  }
  record.set_workload(workload, inputs);

  if (context.limits != nullptr) {
    const Json engine = state.facts ? state.facts->at("engine") : Json();
    record.set_ceilings(ceilings_json(*context.limits, configuration, engine));
  }

  results::StopSummary stop;
  stop.invocations_planned = std::max<std::int64_t>(1, context.invocations_planned);
  stop.invocations_done = static_cast<std::int64_t>(state.invocations.size());
  stop.ended_by = context.ended_by;
  stop.precision_target = context.precision;
  for (const Flag& flag : context.environment) record.add_flag(flag);
  if (!context.fewer_reason.empty()) {
    record.add_flag(
        {"invocations", Flag::Severity::kInfo, context.fewer_reason, "give more --budget"});
  }
  record.set_load(load_metrics(state));
  if (state.facts) {
    RIDGELINE_CHECK(add_facts(state, context, stop, record));
  } else {
    record.set_optimizations(Json::array());
    record.set_cost(Json::object());
    record.set_memory({});
    record.set_digests(std::nullopt, std::nullopt);
  }
  for (const CaseInvocation& invocation : state.invocations) record.add_invocation(invocation.part);
  record.set_stop(stop);
  add_state_flags(state, record);
  record.set_harness("timing", to_json(state.timing_harness));
  if (state.facts) {
    for (const char* pass : {"energy", "traffic"}) {
      const Json& part = state.facts->at(pass);
      if (part.contains("harness")) record.set_harness(pass, part.at("harness"));
    }
  }
  record.set_samples(results::RunFolder::samples_folder(state.id));
  return record.build();
}

}  // namespace ridgeline::measure
