// Tolerant access to records.
#include "report/record_view.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace ridgeline::report {
namespace {

const Json& null_json() {
  static const Json null;
  return null;
}

const Json& empty_list() {
  static const Json list = Json::array();
  return list;
}

}  // namespace

const Json& member(const Json& json, std::initializer_list<std::string_view> path) {
  const Json* at = &json;
  for (const std::string_view key : path) {
    if (!at->is_object()) return null_json();
    const auto it = at->find(std::string(key));
    if (it == at->end()) return null_json();
    at = &*it;
  }
  return *at;
}

std::optional<std::string> text_at(const Json& json, std::initializer_list<std::string_view> path) {
  const Json& value = member(json, path);
  if (!value.is_string()) return std::nullopt;
  return value.get<std::string>();
}

std::optional<double> number_at(const Json& json, std::initializer_list<std::string_view> path) {
  const Json& value = member(json, path);
  if (!value.is_number()) return std::nullopt;
  const double number = value.get<double>();
  if (!std::isfinite(number)) return std::nullopt;
  return number;
}

std::optional<bool> bool_at(const Json& json, std::initializer_list<std::string_view> path) {
  const Json& value = member(json, path);
  if (!value.is_boolean()) return std::nullopt;
  return value.get<bool>();
}

const Json& list_at(const Json& json, std::initializer_list<std::string_view> path) {
  const Json& value = member(json, path);
  return value.is_array() ? value : empty_list();
}

MetricView metric_at(const Json& metrics, std::string_view name) {
  const Json& json = member(metrics, {name});
  MetricView view;
  view.value = number_at(json, {"value"});
  view.n = number_at(json, {"n"});
  view.source = text_at(json, {"source"}).value_or("");
  view.weakest = text_at(json, {"weakest"}).value_or("");
  view.interval = text_at(json, {"interval"}).value_or("");
  view.reason = text_at(json, {"reason"}).value_or("");
  view.enable = text_at(json, {"enable"}).value_or("");
  const Json& interval = list_at(json, {"ci95"});
  if (view.value && interval.size() == 2 && interval[0].is_number() && interval[1].is_number()) {
    const double low = interval[0].get<double>();
    const double high = interval[1].get<double>();
    const double half = std::max(*view.value - low, high - *view.value);
    if (std::isfinite(half) && half >= 0) view.half_width = half;
  }
  return view;
}

bool any_metric(const std::vector<Json>& records, std::string_view name) {
  for (const Json& record : records) {
    for (const Json& phase : list_at(record, {"phases"})) {
      if (metric_at(member(phase, {"metrics"}), name).value) return true;
    }
  }
  return false;
}

std::optional<std::string> scalar_text(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean() || value.is_number()) return to_line(value);
  return std::nullopt;
}

}  // namespace ridgeline::report
