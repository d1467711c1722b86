// Finds the rule that answers a probe.
#include "engines/scripted/probes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <nlohmann/json.hpp>
#include <string_view>
#include <thread>

namespace ridgeline::scripted {
namespace {

constexpr double kMostSteadySeconds = 60;

constexpr std::array<std::string_view, 12> kKeys = {"kind",    "device",        "dtype",  "cores",
                                                    "threads", "at_most_bytes", "pinned", "value",
                                                    "median",  "round_trip",    "unit",   "error"};

std::string text_of(const Json& request, const char* key) {
  const Json& value = entry_of(request, key);
  return value.is_string() ? value.get<std::string>() : std::string();
}

bool fits(const ProbeRule& rule, const Json& request) {
  const auto same = [&](const std::string& wanted, const char* key) {
    return wanted.empty() || wanted == text_of(request, key);
  };
  if (!same(rule.kind, "kind") || !same(rule.device, "device") || !same(rule.dtype, "dtype") ||
      !same(rule.cores, "cores")) {
    return false;
  }
  const Json& threads = entry_of(request, "threads");
  if (rule.threads && !(threads.is_number() && threads == *rule.threads)) return false;
  const Json& pinned = entry_of(request, "pinned");
  if (rule.pinned && !(pinned.is_boolean() && pinned == *rule.pinned)) return false;
  const Json& bytes = entry_of(request, "bytes");
  return !rule.at_most_bytes || (bytes.is_number() && bytes <= *rule.at_most_bytes);
}

std::string unit_of(const ProbeRule& rule, const std::string& kind, const std::string& dtype) {
  if (!rule.unit.empty()) return rule.unit;
  if (kind == "launch") return "s";
  if (kind != "gemm") return "B/s";
  return dtype == "int8" ? "OP/s" : "FLOP/s";
}

template <typename T>
Result<std::optional<T>> optional_value(const Json& json, const char* key) {
  const Json& value = entry_of(json, key);
  if (value.is_null()) return std::optional<T>();
  const bool fits_type = std::is_same_v<T, bool> ? value.is_boolean() : value.is_number();
  if (!fits_type) return bad_input(fmt::format("a probe: '{}' has the wrong type", key));
  return std::optional<T>(value.get<T>());
}

}  // namespace

Result<ProbeRule> parse_probe_rule(const Json& json) {
  if (!json.is_object()) return bad_input("a probe must be an object");
  for (const auto& [key, value] : json.items()) {
    if (std::find(kKeys.begin(), kKeys.end(), key) == kKeys.end()) {
      return bad_input(fmt::format("a probe has no '{}'", key));
    }
  }
  ProbeRule rule;
  RIDGELINE_TRY(rule.kind, get_string(json, "kind", "a probe"));
  RIDGELINE_TRY(rule.device, get_string(json, "device", "a probe", ""));
  RIDGELINE_TRY(rule.dtype, get_string(json, "dtype", "a probe", ""));
  RIDGELINE_TRY(rule.cores, get_string(json, "cores", "a probe", ""));
  RIDGELINE_TRY(rule.threads, optional_value<std::int64_t>(json, "threads"));
  RIDGELINE_TRY(rule.at_most_bytes, optional_value<std::int64_t>(json, "at_most_bytes"));
  RIDGELINE_TRY(rule.pinned, optional_value<bool>(json, "pinned"));
  RIDGELINE_TRY(rule.value, get_number(json, "value", "a probe", 0));
  RIDGELINE_TRY(rule.median, optional_value<double>(json, "median"));
  RIDGELINE_TRY(rule.round_trip, optional_value<double>(json, "round_trip"));
  RIDGELINE_TRY(rule.unit, get_string(json, "unit", "a probe", ""));
  RIDGELINE_TRY(rule.error, get_string(json, "error", "a probe", ""));
  return rule;
}

Result<Json> answer_probe(const std::vector<ProbeRule>& rules, const Json& request) {
  RIDGELINE_TRY(const std::string kind, get_string(request, "kind", "probe"));
  const std::string dtype = text_of(request, "dtype");
  const auto rule = std::find_if(rules.begin(), rules.end(),
                                 [&](const ProbeRule& one) { return fits(one, request); });
  if (rule == rules.end()) {
    return unsupported(fmt::format("the script has no probe of {} {}", kind, dtype));
  }
  if (!rule->error.empty()) {
    return Error{error_class_from(rule->error), "the script asked for an error",
                 "change the script"};
  }
  // Who reads power meanwhile needs the time to pass.
  RIDGELINE_TRY(double steady, get_number(request, "steady_seconds", "probe", 0));
  steady = std::clamp(steady, 0.0, kMostSteadySeconds);
  std::this_thread::sleep_for(std::chrono::duration<double>(steady));
  Json reply = {{"value", rule->value},
                {"unit", unit_of(*rule, kind, dtype)},
                {"median", rule->median.value_or(rule->value)},
                {"samples", 10},
                {"seconds", entry_of(request, "seconds")},
                {"steady_seconds", steady},
                {"kernel", "scripted"}};
  if (rule->round_trip) reply["round_trip"] = *rule->round_trip;
  return reply;
}

}  // namespace ridgeline::scripted
