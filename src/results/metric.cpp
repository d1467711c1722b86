// Metrics and their rules.
#include "results/metric.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

namespace ridgeline::results {
namespace {

constexpr std::array<std::string_view, 8> kSourceNames = {
    "counter", "timed", "tracked", "sampled", "modelled", "datasheet", "given", "derived"};
constexpr std::string_view kBetween = "between_invocations";
constexpr std::string_view kTrials = "between_trials";
constexpr std::string_view kWithin = "within_invocation";

// Which is which decides what a reader believes, so the order of the enum is relied on.
Source weaker(Source a, Source b) {
  return is_stronger(a, b) ? b : a;
}

std::string_view interval_name(IntervalKind kind) {
  switch (kind) {
    case IntervalKind::kWithinInvocation:
      return kWithin;
    case IntervalKind::kBetweenTrials:
      return kTrials;
    default:
      return kBetween;
  }
}

std::optional<IntervalKind> interval_from(std::string_view name) {
  if (name == kBetween) return IntervalKind::kBetweenInvocations;
  if (name == kWithin) return IntervalKind::kWithinInvocation;
  if (name == kTrials) return IntervalKind::kBetweenTrials;
  return std::nullopt;
}

// The interval of the result when one input alone has one.
void take_interval(Metric& metric, const std::vector<Input>& inputs, std::vector<double> values,
                   const std::function<double(const std::vector<double>&)>& compute) {
  std::size_t varied = inputs.size();
  Interval interval;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const auto& ci95 = inputs[i].metric.ci95;
    if (!ci95) continue;
    if (varied != inputs.size()) return;
    varied = i;
    interval = *ci95;
  }
  if (varied == inputs.size()) return;
  values[varied] = interval.low;
  const double one = compute(values);
  values[varied] = interval.high;
  const double other = compute(values);
  metric.n = inputs[varied].metric.n;
  metric = with_interval(std::move(metric), std::min(one, other), std::max(one, other),
                         inputs[varied].metric.interval);
}

Result<Source> source_of(const Json& json, std::string_view key, std::string_view what) {
  RIDGELINE_TRY(const std::string name, get_string(json, key, what));
  const auto source = source_from(name);
  if (!source) return bad_input(fmt::format("{}: unknown {} '{}'", what, key, name));
  return *source;
}

bool is_set(const Json& json, const char* key) {
  return json.contains(key) && !json.at(key).is_null();
}

Status read_interval(const Json& json, std::string_view what, Metric& metric) {
  if (!is_set(json, "ci95")) return {};
  const Json& ends = json.at("ci95");
  if (!ends.is_array() || ends.size() != 2 || !ends[0].is_number() || !ends[1].is_number()) {
    return bad_input(fmt::format("{}: 'ci95' must be two numbers", what));
  }
  RIDGELINE_TRY(const std::string kind, get_string(json, "interval", what));
  const auto read = interval_from(kind);
  if (!read) return bad_input(fmt::format("{}: unknown interval '{}'", what, kind));
  metric.ci95 = Interval{ends[0].get<double>(), ends[1].get<double>()};
  metric.interval = *read;
  return {};
}

// Reads a relative error that may be missing.
Status read_share(const Json& json, const char* key, std::string_view what,
                  std::optional<double>& share) {
  if (!is_set(json, key)) return {};
  RIDGELINE_TRY(share, get_number(json, key, what));
  return {};
}

std::optional<double> larger(const std::optional<double>& a, const std::optional<double>& b) {
  if (!a || !b) return a ? a : b;
  return std::max(*a, *b);
}

Status read_inputs(const Json& json, std::string_view what, Metric& metric) {
  if (!is_set(json, "inputs")) return {};
  const Json& names = json.at("inputs");
  if (!names.is_array()) return bad_input(fmt::format("{}: 'inputs' must be a list", what));
  for (const Json& name : names) {
    if (!name.is_string()) return bad_input(fmt::format("{}: 'inputs' must hold names", what));
    metric.inputs.push_back(name.get<std::string>());
  }
  return {};
}

}  // namespace

std::string_view source_name(Source source) {
  return kSourceNames[static_cast<std::size_t>(source)];
}

std::optional<Source> source_from(std::string_view name) {
  const auto at = std::find(kSourceNames.begin(), kSourceNames.end(), name);
  if (at == kSourceNames.end()) return std::nullopt;
  return static_cast<Source>(at - kSourceNames.begin());
}

bool is_stronger(Source a, Source b) {
  return a < b;
}

std::optional<Source> Metric::strength() const {
  return source == Source::kDerived ? weakest : source;
}

Metric measured(double value, std::string unit, Source source, std::optional<std::int64_t> n) {
  if (!std::isfinite(value)) {
    return absent(std::move(unit), "the measured value is not a finite number", {}, source);
  }
  Metric metric;
  metric.value = value;
  metric.unit = std::move(unit);
  metric.source = source;
  metric.n = n;
  return metric;
}

Metric with_interval(Metric metric, double low, double high, IntervalKind kind) {
  if (!metric.value || kind == IntervalKind::kNone) return metric;
  if (!std::isfinite(low) || !std::isfinite(high) || low > high) return metric;
  metric.ci95 = Interval{low, high};
  metric.interval = kind;
  return metric;
}

Metric absent(std::string unit, std::string reason, std::string enable,
              std::optional<Source> source) {
  Metric metric;
  metric.unit = std::move(unit);
  metric.source = source;
  metric.reason = reason.empty() ? "no reason was recorded" : std::move(reason);
  metric.enable = std::move(enable);
  return metric;
}

Metric derived(std::string unit, const std::vector<Input>& inputs,
               const std::function<double(const std::vector<double>&)>& compute) {
  Metric metric;
  metric.unit = std::move(unit);
  metric.source = Source::kDerived;
  for (const Input& input : inputs) {
    metric.inputs.push_back(input.name);
    const auto strength = input.metric.strength();
    metric.systematic = larger(metric.systematic, input.metric.systematic);
    metric.quantisation = larger(metric.quantisation, input.metric.quantisation);
    if (strength) metric.weakest = metric.weakest ? weaker(*metric.weakest, *strength) : *strength;
  }
  std::vector<double> values;
  values.reserve(inputs.size());
  for (const Input& input : inputs) {
    if (input.metric.value) {
      values.push_back(*input.metric.value);
      continue;
    }
    metric.reason = fmt::format("needs {}: {}", input.name, input.metric.reason);
    metric.enable = input.metric.enable;
    metric.weakest.reset();
    metric.systematic.reset();
    metric.quantisation.reset();
    return metric;
  }
  const double value = compute(values);
  if (!std::isfinite(value)) {
    metric.reason = "the value computed from its inputs is not a finite number";
    metric.weakest.reset();
    return metric;
  }
  metric.value = value;
  take_interval(metric, inputs, std::move(values), compute);
  return metric;
}

Json to_json(const Metric& metric) {
  Json json = {{"value", nullptr}, {"unit", metric.unit}, {"source", nullptr}};
  if (metric.value) json["value"] = *metric.value;
  if (metric.source) json["source"] = source_name(*metric.source);
  if (!metric.inputs.empty()) json["inputs"] = metric.inputs;
  if (metric.weakest) json["weakest"] = source_name(*metric.weakest);
  if (metric.n) json["n"] = *metric.n;
  if (metric.ci95) {
    json["ci95"] = {metric.ci95->low, metric.ci95->high};
    json["interval"] = interval_name(metric.interval);
  }
  if (metric.systematic) json["systematic"] = *metric.systematic;
  if (metric.quantisation) json["quantisation"] = *metric.quantisation;
  if (!metric.reason.empty()) json["reason"] = metric.reason;
  if (!metric.enable.empty()) json["enable"] = metric.enable;
  return json;
}

Result<Metric> metric_from_json(const Json& json, std::string_view what) {
  if (!json.is_object()) return bad_input(fmt::format("{}: a metric must be an object", what));
  Metric metric;
  RIDGELINE_TRY(metric.unit, get_string(json, "unit", what));
  if (is_set(json, "value")) {
    RIDGELINE_TRY(metric.value, get_number(json, "value", what));
  }
  if (metric.value || is_set(json, "source")) {
    RIDGELINE_TRY(metric.source, source_of(json, "source", what));
  }
  RIDGELINE_CHECK(read_inputs(json, what, metric));
  if (is_set(json, "weakest")) {
    RIDGELINE_TRY(metric.weakest, source_of(json, "weakest", what));
  }
  if (is_set(json, "n")) {
    RIDGELINE_TRY(metric.n, get_int(json, "n", what));
  }
  RIDGELINE_CHECK(read_interval(json, what, metric));
  RIDGELINE_CHECK(read_share(json, "systematic", what, metric.systematic));
  RIDGELINE_CHECK(read_share(json, "quantisation", what, metric.quantisation));
  RIDGELINE_TRY(metric.reason, get_string(json, "reason", what, ""));
  RIDGELINE_TRY(metric.enable, get_string(json, "enable", what, ""));
  if (!metric.value && metric.reason.empty()) {
    return bad_input(fmt::format("{}: a metric without a value must give a reason", what));
  }
  if (metric.value && metric.source == Source::kDerived &&
      (metric.inputs.empty() || !metric.weakest)) {
    return bad_input(fmt::format("{}: a derived metric must name its inputs", what));
  }
  return metric;
}

}  // namespace ridgeline::results
