// Invocations from their JSON.
#include "results/read_invocation.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace ridgeline::results {
namespace {

const Json& object_member(const Json& json, const char* key) {
  static const Json empty = Json::object();
  const auto found = json.is_object() ? json.find(key) : json.end();
  return found != json.end() && found->is_object() ? *found : empty;
}

std::optional<double> optional_number(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_number() ? std::optional(found->get<double>())
                                                   : std::nullopt;
}

StopRule stop_rule_from(std::string_view name) {
  for (const StopRule rule : {StopRule::kPrecision, StopRule::kLimit, StopRule::kInterrupted}) {
    if (stop_rule_name(rule) == name) return rule;
  }
  return StopRule::kBudget;
}

Result<WarmUp> warmup_from(const Json& json, std::string_view what) {
  WarmUp warmup;
  RIDGELINE_TRY(warmup.calls, get_int(json, "calls", what));
  RIDGELINE_TRY(warmup.seconds, get_number(json, "seconds", what));
  RIDGELINE_TRY(warmup.stationary, get_bool(json, "stationary", what, false));
  return warmup;
}

Result<InvocationPhase> phase_from(const std::string& name, const Json& json,
                                   std::string_view what) {
  if (!json.is_object()) return bad_input(fmt::format("{}: phase {} is no object", what, name));
  InvocationPhase phase;
  phase.name = name;
  RIDGELINE_TRY(phase.n, get_int(json, "n", what));
  phase.median = optional_number(json, "median");
  phase.first_call = optional_number(json, "first_call");
  phase.drift = optional_number(json, "drift");
  RIDGELINE_TRY(const std::string rule, get_string(json, "stop_rule", what, "budget"));
  phase.stop_rule = stop_rule_from(rule);
  RIDGELINE_TRY(phase.samples, get_string(json, "samples", what, ""));
  const auto rows = json.find("rows");
  if (rows == json.end() || !rows->is_array() || rows->size() != 2 ||
      !(*rows)[0].is_number_integer() || !(*rows)[1].is_number_integer()) {
    return bad_input(fmt::format("{}: 'rows' of phase {} must be two integers", what, name));
  }
  phase.first_row = (*rows)[0].get<std::int64_t>();
  phase.end_row = (*rows)[1].get<std::int64_t>();
  return phase;
}

}  // namespace

Result<Invocation> invocation_from_json(const Json& json, std::string_view what) {
  Invocation invocation;
  RIDGELINE_TRY(invocation.index, get_int(json, "index", what));
  RIDGELINE_TRY(invocation.outcome, outcome_from_json(object_member(json, "outcome"), what));
  for (const auto& [name, seconds] : object_member(json, "stages").items()) {
    if (seconds.is_number()) invocation.stages.emplace_back(name, seconds.get<double>());
  }
  const auto order = json.find("order");
  if (order != json.end() && order->is_array()) {
    for (const Json& id : *order) {
      if (id.is_string()) invocation.order.push_back(id.get<std::string>());
    }
  }
  const Json& warmups = object_member(json, "warmup");
  for (const auto& [name, phase] : object_member(json, "phases").items()) {
    RIDGELINE_TRY(InvocationPhase read, phase_from(name, phase, what));
    if (warmups.contains(name)) {
      RIDGELINE_TRY(read.warmup, warmup_from(warmups.at(name), what));
    }
    invocation.phases.push_back(std::move(read));
  }
  const auto peak = json.find("resident_peak");
  if (peak != json.end() && peak->is_number_integer()) {
    invocation.resident_peak = peak->get<std::int64_t>();
  }
  RIDGELINE_TRY(invocation.log, get_string(json, "log", what, ""));
  const auto state = json.find("state");
  if (state != json.end() && state->is_object()) {
    invocation.state = std::make_shared<const Json>(*state);
  }
  return invocation;
}

}  // namespace ridgeline::results
