// The JSON form of records.
#include "results/record.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/clock.hpp"
#include "base/json_values.hpp"

namespace ridgeline::results {
namespace {

Json to_json(const Metrics& metrics) {
  Json json = Json::object();
  for (const auto& [name, metric] : metrics) json[name] = to_json(metric);
  return json;
}

Json phase_to_json(const InvocationPhase& phase) {
  return {{"n", phase.n},
          {"median", or_null(phase.median)},
          {"first_call", or_null(phase.first_call)},
          {"stop_rule", stop_rule_name(phase.stop_rule)},
          {"samples", text_or_null(phase.samples)},
          {"rows", {phase.first_row, phase.end_row}},
          {"drift", or_null(phase.drift)}};
}

// In the order of their enums.
constexpr std::array<std::string_view, 4> kEndedByNames = {"plan", "budget", "interrupted",
                                                           "failures"};
constexpr std::array<std::string_view, 3> kSeverityNames = {"info", "warn", "invalid"};
constexpr std::array<std::string_view, 4> kStopRuleNames = {"precision", "budget", "limit",
                                                            "interrupted"};
constexpr std::array<std::string_view, 3> kStatusNames = {"ok", "partial", "failed"};

std::string_view ended_by_name(StopSummary::EndedBy ended_by) {
  return kEndedByNames[static_cast<std::size_t>(ended_by)];
}

std::string_view severity_name(Flag::Severity severity) {
  return kSeverityNames[static_cast<std::size_t>(severity)];
}

// "what: 'part' must be an object", or nullptr for a part that is not there.
Result<const Json*> object_part(const Json& object, const char* key, std::string_view what) {
  if (!object.is_object() || !object.contains(key) || object.at(key).is_null()) return nullptr;
  const Json& part = object.at(key);
  if (!part.is_object()) return bad_input(fmt::format("{}: '{}' must be an object", what, key));
  return &part;
}

Status flatten_group(const Json& group, const std::string& prefix, std::string_view what,
                     std::vector<NamedMetric>& flat) {
  RIDGELINE_TRY(const Json* metrics, object_part(group, "metrics", what));
  if (metrics == nullptr) return {};
  for (const auto& [key, value] : metrics->items()) {
    const std::string name = fmt::format("{}.{}", prefix, key);
    RIDGELINE_TRY(auto metric, metric_from_json(value, fmt::format("{}: {}", what, name)));
    flat.push_back({name, std::move(metric)});
  }
  return {};
}

Status flatten_phases(const Json& record, std::string_view what, std::vector<NamedMetric>& flat) {
  if (!record.contains("phases")) return {};
  const Json& phases = record.at("phases");
  if (!phases.is_array()) return bad_input(fmt::format("{}: 'phases' must be a list", what));
  for (const Json& phase : phases) {
    RIDGELINE_TRY(const std::string name, get_string(phase, "name", what));
    RIDGELINE_CHECK(flatten_group(phase, name, what, flat));
  }
  return {};
}

Status flatten_cost(const Json& record, std::string_view what, std::vector<NamedMetric>& flat) {
  RIDGELINE_TRY(const Json* cost, object_part(record, "cost", what));
  if (cost == nullptr) return {};
  for (const auto& [phase, totals] : cost->items()) {
    if (!totals.is_object()) continue;
    for (const auto& [key, value] : totals.items()) {
      const std::string_view unit = cost_unit(key);
      if (unit.empty() || !value.is_number()) continue;
      flat.push_back({fmt::format("cost.{}.{}", phase, key),
                      measured(value.get<double>(), std::string(unit), Source::kModelled)});
    }
  }
  return {};
}

}  // namespace

Outcome Outcome::failed(Error error) {
  return {Status::kFailed, std::move(error)};
}

Outcome Outcome::partial(Error error) {
  return {Status::kPartial, std::move(error)};
}

Json to_json(const Outcome& outcome) {
  Json json = {{"status", kStatusNames[static_cast<std::size_t>(outcome.status)]},
               {"class", nullptr},
               {"reason", nullptr},
               {"remedy", nullptr}};
  if (!outcome.error) return json;
  json["class"] = wire_name(outcome.error->error_class);
  // One line without control characters, as on the terminal.
  json["reason"] = Error{outcome.error->error_class, outcome.error->message}.line();
  if (!outcome.error->remedy.empty()) json["remedy"] = outcome.error->remedy;
  if (outcome.error->bytes_needed) json["bytes"] = *outcome.error->bytes_needed;
  return json;
}

Result<Outcome> outcome_from_json(const Json& json, std::string_view what) {
  RIDGELINE_TRY(const std::string status, get_string(json, "status", what));
  Outcome outcome;
  const auto at = std::find(kStatusNames.begin(), kStatusNames.end(), status);
  if (at == kStatusNames.end()) {
    return bad_input(fmt::format("{}: unknown status '{}'", what, status));
  }
  outcome.status = static_cast<Outcome::Status>(at - kStatusNames.begin());
  if (outcome.status == Outcome::Status::kOk) return outcome;
  RIDGELINE_TRY(const std::string error_class, get_string(json, "class", what, "internal"));
  RIDGELINE_TRY(const std::string reason, get_string(json, "reason", what, ""));
  RIDGELINE_TRY(const std::string remedy, get_string(json, "remedy", what, ""));
  outcome.error = Error{error_class_from(error_class), reason, remedy};
  if (json.contains("bytes")) {
    RIDGELINE_TRY(outcome.error->bytes_needed, get_int(json, "bytes", what));
  }
  return outcome;
}

std::string_view stop_rule_name(StopRule rule) {
  return kStopRuleNames[static_cast<std::size_t>(rule)];
}

Json to_json(const Invocation& invocation) {
  Json stages = Json::object();
  for (const auto& [name, seconds] : invocation.stages) stages[name] = seconds;
  Json warmup = Json::object();
  Json phases = Json::object();
  for (const InvocationPhase& phase : invocation.phases) {
    if (phase.warmup) {
      warmup[phase.name] = {{"calls", phase.warmup->calls},
                            {"seconds", phase.warmup->seconds},
                            {"stationary", phase.warmup->stationary}};
    }
    phases[phase.name] = phase_to_json(phase);
  }
  return {{"index", invocation.index},
          {"outcome", to_json(invocation.outcome)},
          {"stages", std::move(stages)},
          {"order", invocation.order},
          {"warmup", std::move(warmup)},
          {"phases", std::move(phases)},
          {"resident_peak", or_null(invocation.resident_peak)},
          {"log", text_or_null(invocation.log)},
          {"state", invocation.state ? *invocation.state : Json()}};
}

RecordBuilder::RecordBuilder(std::string id, std::string command)
    : record_(std::make_unique<Json>(Json::object())) {
  // All keys at once, so that every record has them in the same order.
  *record_ = {{"schema", kRecordSchema},
              {"id", std::move(id)},
              {"created", nullptr},
              {"command", std::move(command)},
              {"ridgeline", nullptr},
              {"machine", nullptr},
              {"engine", nullptr},
              {"model", nullptr},
              {"workload", nullptr},
              {"configuration", nullptr},
              {"optimizations", Json::array()},
              {"outcome", nullptr},
              {"invocations", Json::array()},
              {"phases", Json::array()},
              {"load", {{"metrics", Json::object()}}},
              {"cost", Json::object()},
              {"ceilings", nullptr},
              {"memory", {{"metrics", Json::object()}}},
              {"stop_rule", nullptr},
              {"validity", {{"flags", Json::array()}, {"harness", Json::object()}}},
              {"digest", {{"inputs", nullptr}, {"outputs", nullptr}}},
              {"samples", nullptr}};
}

RecordBuilder::RecordBuilder(RecordBuilder&&) noexcept = default;
RecordBuilder& RecordBuilder::operator=(RecordBuilder&&) noexcept = default;
RecordBuilder::~RecordBuilder() = default;

void RecordBuilder::set_program(std::string_view version, const Json& build) {
  (*record_)["ridgeline"] = {{"version", version}, {"build", build}};
}

void RecordBuilder::set_machine(const Json& machine) {
  (*record_)["machine"] = machine;
}

void RecordBuilder::set_engine(const Json& engine) {
  (*record_)["engine"] = engine;
}

void RecordBuilder::set_model(const Json& model) {
  Json& part = (*record_)["model"] = model;
  if (!part.is_object()) return;
  const Json weights = part.value("weights", Json());
  // Only a checkpoint's weights are real; an unknown source must not pass for one.
  const bool is_real = weights.is_object() && weights.value("source", Json()) == Json("checkpoint");
  part["synthetic"] = !is_real;
}

void RecordBuilder::set_workload(const Json& workload, const Json& inputs) {
  Json& part = (*record_)["workload"] = workload;
  part["inputs"] = inputs;
}

void RecordBuilder::set_configuration(const Json& configuration) {
  (*record_)["configuration"] = configuration;
}

void RecordBuilder::set_optimizations(const Json& optimizations) {
  (*record_)["optimizations"] = optimizations;
}

void RecordBuilder::set_outcome(const Outcome& outcome) {
  (*record_)["outcome"] = to_json(outcome);
}

void RecordBuilder::add_invocation(const Invocation& invocation) {
  (*record_)["invocations"].push_back(to_json(invocation));
}

void RecordBuilder::add_phase(const PhaseResult& phase) {
  Json items = Json::object();
  for (const auto& [name, count] : phase.items) {
    // Most are counts; sound has fractions of a second.
    const auto whole = static_cast<std::int64_t>(count);
    items[name] = static_cast<double>(whole) == count ? Json(whole) : Json(count);
  }
  (*record_)["phases"].push_back({{"name", phase.name},
                                  {"unit", phase.unit},
                                  {"items", std::move(items)},
                                  {"growing", phase.growing},
                                  {"metrics", to_json(phase.metrics)},
                                  {"energy", phase.energy ? *phase.energy : Json()},
                                  {"traffic", phase.traffic ? *phase.traffic : Json()},
                                  {"ops", phase.ops ? *phase.ops : Json()}});
}

void RecordBuilder::set_load(const Metrics& metrics) {
  (*record_)["load"] = {{"metrics", to_json(metrics)}};
}

void RecordBuilder::set_cost(const Json& cost) {
  (*record_)["cost"] = cost;
}

void RecordBuilder::set_ceilings(const Json& ceilings) {
  (*record_)["ceilings"] = ceilings;
}

void RecordBuilder::set_memory(const Metrics& metrics) {
  (*record_)["memory"] = {{"metrics", to_json(metrics)}};
}

void RecordBuilder::set_stop(const StopSummary& stop) {
  (*record_)["stop_rule"] = {{"invocations_planned", stop.invocations_planned},
                             {"invocations_done", stop.invocations_done},
                             {"ended_by", ended_by_name(stop.ended_by)},
                             {"precision_target", stop.precision_target},
                             {"precision_reached", or_null(stop.precision_reached)}};
}

void RecordBuilder::add_flag(const Flag& flag) {
  (*record_)["validity"]["flags"].push_back({{"id", flag.id},
                                             {"severity", severity_name(flag.severity)},
                                             {"detail", flag.detail},
                                             {"advice", flag.advice}});
}

void RecordBuilder::set_harness(std::string_view pass, const Json& cost) {
  (*record_)["validity"]["harness"][std::string(pass)] = cost;
}

void RecordBuilder::set_digests(const std::optional<std::string>& inputs,
                                const std::optional<std::string>& outputs) {
  (*record_)["digest"] = {{"inputs", or_null(inputs)}, {"outputs", or_null(outputs)}};
}

void RecordBuilder::set_samples(std::string_view folder) {
  (*record_)["samples"] = folder;
}

Result<Json> RecordBuilder::build() const {
  for (const char* part :
       {"ridgeline", "machine", "workload", "configuration", "outcome", "stop_rule"}) {
    if (record_->at(part).is_null()) {
      return Error{ErrorClass::kInternal, fmt::format("the record lacks its '{}'", part)};
    }
  }
  Json record = *record_;
  record["created"] = utc_timestamp();
  // Through text and back: what is not finite becomes null, what is not UTF-8 is replaced.
  return parse_json(to_line(record), "the record");
}

std::string_view cost_unit(std::string_view key) {
  if (key == "flops" || key == "flops_minimum" || key == "flops_elementwise") return "FLOP";
  if (key == "bytes" || key == "bytes_unfused") return "B";
  if (key == "parameters") return "1";
  return {};
}

Result<std::vector<NamedMetric>> flatten(const Json& record, std::string_view what) {
  if (!record.is_object()) return bad_input(fmt::format("{}: not a record", what));
  std::vector<NamedMetric> flat;
  RIDGELINE_CHECK(flatten_phases(record, what, flat));
  for (const char* group : {"load", "memory"}) {
    RIDGELINE_TRY(const Json* part, object_part(record, group, what));
    if (part != nullptr) RIDGELINE_CHECK(flatten_group(*part, group, what, flat));
  }
  RIDGELINE_CHECK(flatten_cost(record, what, flat));
  return flat;
}

}  // namespace ridgeline::results
