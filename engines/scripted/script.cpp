// Parsing the script; strict, because a misspelt key in a test would test nothing.
#include "engines/scripted/script.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string_view>

#include "engines/scripted/faults.hpp"

namespace ridgeline::scripted {
namespace {

Status only(const Json& object, std::string_view what, std::initializer_list<const char*> keys) {
  if (!object.is_object()) return bad_input(fmt::format("{} must be an object", what));
  for (const auto& [key, value] : object.items()) {
    const bool known = std::any_of(keys.begin(), keys.end(), [&name = key](const char* candidate) {
      return name == candidate;
    });
    if (!known) return bad_input(fmt::format("{} has no '{}'", what, key));
  }
  return {};
}

Json member(const Json& object, const char* key) {
  const auto it = object.find(key);
  return it == object.end() || it->is_null() ? Json::object() : *it;
}

std::shared_ptr<const Json> optional_object(const Json& object, const char* key) {
  const auto it = object.find(key);
  if (it == object.end() || !it->is_object()) return nullptr;
  return std::make_shared<const Json>(*it);
}

Result<std::optional<std::int64_t>> optional_int(const Json& object, const char* key,
                                                 std::string_view what) {
  const auto it = object.find(key);
  if (it == object.end() || it->is_null()) return std::optional<std::int64_t>();
  RIDGELINE_TRY(const std::int64_t value, get_int(object, key, what));
  return std::optional<std::int64_t>(value);
}

Result<PhaseScript> parse_phase(const std::string& name, const Json& json) {
  const std::string what = "phase " + name;
  RIDGELINE_CHECK(only(json, what,
                       {"duration_ns", "per_token_ns", "first_calls", "drift_per_call", "noise",
                        "outliers", "process_spread", "device", "growing", "cost"}));
  PhaseScript phase;
  phase.name = name;
  RIDGELINE_TRY(phase.duration_ns, get_number(json, "duration_ns", what, phase.duration_ns));
  RIDGELINE_TRY(phase.per_token_ns, get_number(json, "per_token_ns", what, 0));
  RIDGELINE_TRY(phase.drift_per_call, get_number(json, "drift_per_call", what, 0));
  RIDGELINE_TRY(phase.process_spread, get_number(json, "process_spread", what, 0));
  RIDGELINE_TRY(phase.device, get_bool(json, "device", what, false));
  RIDGELINE_TRY(phase.growing, get_bool(json, "growing", what, false));
  phase.cost = optional_object(json, "cost");

  const Json first = member(json, "first_calls");
  RIDGELINE_CHECK(only(first, what + ".first_calls", {"count", "factor"}));
  RIDGELINE_TRY(phase.first_calls, get_int(first, "count", what, 0));
  RIDGELINE_TRY(phase.first_factor, get_number(first, "factor", what, 1));

  const Json noise = member(json, "noise");
  RIDGELINE_CHECK(only(noise, what + ".noise", {"kind", "rho", "sigma", "seed"}));
  RIDGELINE_TRY(const std::string kind, get_string(noise, "kind", what, "none"));
  if (kind != "none" && kind != "white" && kind != "ar1") {
    return bad_input(fmt::format("{}: noise is none, white or ar1, not '{}'", what, kind));
  }
  RIDGELINE_TRY(phase.noise_rho, get_number(noise, "rho", what, 0));
  RIDGELINE_TRY(phase.noise_sigma, get_number(noise, "sigma", what, 0));
  RIDGELINE_TRY(phase.noise_seed, get_int(noise, "seed", what, 0));
  if (kind != "ar1") phase.noise_rho = 0;
  if (kind == "none") phase.noise_sigma = 0;

  const Json outliers = member(json, "outliers");
  RIDGELINE_CHECK(only(outliers, what + ".outliers", {"every", "factor"}));
  RIDGELINE_TRY(phase.outlier_every, get_int(outliers, "every", what, 0));
  RIDGELINE_TRY(phase.outlier_factor, get_number(outliers, "factor", what, 1));

  const bool sane = phase.duration_ns >= 0 && phase.duration_ns < 1e15 && phase.per_token_ns >= 0 &&
                    phase.per_token_ns < 1e12 && phase.noise_rho > -1 && phase.noise_rho < 1 &&
                    phase.noise_sigma >= 0;
  if (!sane) return bad_input(what + ": a duration or the noise is out of range");
  return phase;
}

Result<KnobScript> parse_knob(const std::string& id, const Json& json) {
  const std::string what = "knob " + id;
  RIDGELINE_CHECK(
      only(json, what, {"stage", "values", "default", "factor", "lossless", "refused"}));
  KnobScript knob;
  knob.id = id;
  RIDGELINE_TRY(knob.stage, get_string(json, "stage", what, "plan"));
  RIDGELINE_TRY(knob.usual, get_string(json, "default", what, "off"));
  RIDGELINE_TRY(knob.factor, get_number(json, "factor", what, 1));
  RIDGELINE_TRY(knob.lossless, get_bool(json, "lossless", what, true));
  RIDGELINE_TRY(knob.refused, get_string(json, "refused", what, ""));
  for (const Json& value : json.value("values", Json::array({"off", "on"}))) {
    if (!value.is_string()) return bad_input(what + ": values must be strings");
    knob.values.push_back(value.get<std::string>());
  }
  return knob;
}

Result<Fault> parse_fault(const Json& json) {
  RIDGELINE_CHECK(only(json, "a fault",
                       {"at", "kind", "invocation", "batch", "sequence", "phase", "call", "times",
                        "duration_ns", "bytes", "class"}));
  Fault fault;
  RIDGELINE_TRY(fault.at, get_string(json, "at", "a fault"));
  RIDGELINE_TRY(fault.kind, get_string(json, "kind", "a fault"));
  if (!is_fault_kind(fault.kind)) return bad_input("no fault of kind '" + fault.kind + "'");
  RIDGELINE_TRY(fault.invocation, optional_int(json, "invocation", "a fault"));
  RIDGELINE_TRY(fault.batch, optional_int(json, "batch", "a fault"));
  RIDGELINE_TRY(fault.sequence, optional_int(json, "sequence", "a fault"));
  RIDGELINE_TRY(fault.phase, get_string(json, "phase", "a fault", ""));
  RIDGELINE_TRY(fault.call, get_int(json, "call", "a fault", -1));
  RIDGELINE_TRY(fault.times, get_int(json, "times", "a fault", -1));
  RIDGELINE_TRY(fault.duration_ns, get_int(json, "duration_ns", "a fault", fault.duration_ns));
  RIDGELINE_TRY(fault.bytes, get_int(json, "bytes", "a fault", fault.bytes));
  RIDGELINE_TRY(const std::string error_class, get_string(json, "class", "a fault", "internal"));
  fault.error_class = error_class_from(error_class);
  return fault;
}

std::vector<PhaseScript> default_phases() {
  PhaseScript preprocess;
  preprocess.name = "preprocess";
  preprocess.duration_ns = 1e5;
  PhaseScript forward;
  forward.name = "forward";
  return {preprocess, forward};
}

std::vector<KnobScript> default_knobs() {
  return {{"threads", "process", {"1", "2", "4"}, "1", 1, true, ""},
          {"turbo", "plan", {"off", "on"}, "off", 0.8, true, ""}};
}

Status parse_lists(const Json& json, Script& script) {
  const Json phases = member(json, "phases");
  if (!phases.is_object()) return bad_input("script: phases must be an object");
  for (const auto& [name, phase] : phases.items()) {
    RIDGELINE_TRY(PhaseScript parsed, parse_phase(name, phase));
    script.phases.push_back(std::move(parsed));
  }
  if (script.phases.empty()) script.phases = default_phases();

  const Json knobs = member(json, "knobs");
  if (!knobs.is_object()) return bad_input("script: knobs must be an object");
  for (const auto& [id, knob] : knobs.items()) {
    RIDGELINE_TRY(KnobScript parsed, parse_knob(id, knob));
    script.knobs.push_back(std::move(parsed));
  }
  if (script.knobs.empty()) script.knobs = default_knobs();

  const Json stages = member(json, "stages");
  if (!stages.is_object()) return bad_input("script: stages must be an object");
  for (const auto& [name, ns] : stages.items()) {
    if (!ns.is_number_integer()) return bad_input("script: a stage is not a number of ns");
    script.stages.emplace_back(name, ns.get<std::int64_t>());
  }
  if (script.stages.empty()) {
    script.stages = {{"library", 1'000'000}, {"read", 2'000'000}, {"transfer", 0}};
  }

  for (const Json& probe : json.value("probes", Json::array())) {
    RIDGELINE_TRY(script.probes.emplace_back(), parse_probe_rule(probe));
  }

  for (const Json& fault : json.value("faults", Json::array())) {
    RIDGELINE_TRY(Fault parsed, parse_fault(fault));
    script.faults.push_back(std::move(parsed));
  }
  return {};
}

}  // namespace

Result<Script> read_script(const std::string& reference) {
  const bool is_inline = !reference.empty() && reference.front() == '{';
  RIDGELINE_TRY(const Json json,
                is_inline ? parse_json(reference, "script") : read_json_file(reference, 1 << 20));
  RIDGELINE_CHECK(only(json, "script",
                       {"name", "clock", "seed", "heartbeat_ms", "parameters", "weights_bytes",
                        "stages", "phases", "knobs", "memory", "devices", "probes", "faults"}));
  Script script;
  RIDGELINE_TRY(script.name, get_string(json, "name", "script", script.name));
  RIDGELINE_TRY(const std::string clock, get_string(json, "clock", "script", "real"));
  if (clock != "real" && clock != "virtual") {
    return bad_input(fmt::format("script: clock is real or virtual, not '{}'", clock));
  }
  script.virtual_clock = clock == "virtual";
  RIDGELINE_TRY(script.seed, get_int(json, "seed", "script", script.seed));
  RIDGELINE_TRY(script.heartbeat_ms, get_int(json, "heartbeat_ms", "script", script.heartbeat_ms));
  RIDGELINE_TRY(script.parameters, get_int(json, "parameters", "script", script.parameters));
  RIDGELINE_TRY(script.weights_bytes,
                get_int(json, "weights_bytes", "script", script.weights_bytes));
  script.memory = optional_object(json, "memory");
  if (const Json& devices = entry_of(json, "devices"); devices.is_array()) {
    script.devices = std::make_shared<const Json>(devices);
  }
  RIDGELINE_CHECK(parse_lists(json, script));
  return script;
}

}  // namespace ridgeline::scripted
