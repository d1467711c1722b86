// Looks metrics up in the table.
#include "report/metric_glossary.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_set>
#include <utility>

#include "base/json_values.hpp"
#include "report/metric_glossary_rows.hpp"
#include "report/record_view.hpp"

namespace ridgeline::report {
namespace {

// What Ridgeline itself writes for a placeholder. Engines may have items, scopes and stages of
// their own.
struct Placeholder {
  std::string_view name;
  std::vector<std::string_view> values;
};

const std::vector<Placeholder>& placeholders() {
  static const std::vector<Placeholder> all = {
      {"<q>", {"50", "90", "95", "99", "99.9"}},
      {"<item>", {"sequence", "token", "image", "window", "audio_second"}},
      {"<scope>", {}},
      {"<stage>", {}},
  };
  return all;
}

// <scope> by the key it stands in.
struct Scopes {
  std::string_view prefix;
  std::vector<std::string_view> values;
};

const std::vector<Scopes>& scopes() {
  static const std::vector<Scopes> all = {
      {"traffic.", {"pcie_rx", "pcie_tx", "nvlink_rx", "nvlink_tx"}},
      {"activity.", {"sm", "sm_occupancy", "tensor", "fp64", "fp32", "fp16"}},
      {"events.", {"instructions", "cycles"}},
  };
  return all;
}

const Placeholder* placeholder_in(std::string_view key) {
  for (const Placeholder& one : placeholders()) {
    if (key.find(one.name) != std::string_view::npos) return &one;
  }
  return nullptr;
}

std::string replaced(std::string_view text, std::string_view what, std::string_view with) {
  std::string result;
  for (;;) {
    const std::size_t at = text.find(what);
    result += text.substr(0, at);
    if (at == std::string_view::npos) return result;
    result += with;
    text.remove_prefix(at + what.size());
  }
}

MetricEntry filled(const MetricEntry& entry, std::string_view what, std::string_view with) {
  // Words for people: "audio second".
  std::string words(with);
  std::replace(words.begin(), words.end(), '_', ' ');
  return {replaced(entry.key, what, with),      replaced(entry.label, what, words),
          replaced(entry.unit, what, with),     replaced(entry.definition, what, words),
          replaced(entry.formula, what, words), entry.source};
}

// What stands for the placeholder when `key` has the form of `form`; empty when it has not.
std::string_view part_of(std::string_view key, std::string_view form, std::string_view name) {
  const std::size_t at = form.find(name);
  const std::string_view before = form.substr(0, at);
  const std::string_view after = form.substr(at + name.size());
  if (key.size() <= before.size() + after.size()) return {};
  if (!key.starts_with(before) || !key.ends_with(after)) return {};
  const std::string_view part =
      key.substr(before.size(), key.size() - before.size() - after.size());
  const bool is_number = name == "<q>";
  const bool fits = std::all_of(part.begin(), part.end(), [&](char c) {
    const bool digit = c >= '0' && c <= '9';
    if (is_number) return digit || c == '.';
    return digit || c == '_' || c == '-' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
  return fits ? part : std::string_view();
}

std::vector<std::string> expanded(const MetricEntry& entry) {
  const Placeholder* placeholder = placeholder_in(entry.key);
  if (placeholder == nullptr) return {entry.key};
  std::vector<std::string_view> values = placeholder->values;
  for (const Scopes& one : scopes()) {
    if (placeholder->name == "<scope>" && entry.key.starts_with(one.prefix)) values = one.values;
  }
  std::vector<std::string> keys;
  keys.reserve(values.size());
  for (const std::string_view value : values) {
    keys.push_back(replaced(entry.key, placeholder->name, value));
  }
  return keys;
}

}  // namespace

const std::vector<MetricEntry>& metric_glossary() {
  static const std::vector<MetricEntry> table = [] {
    std::vector<MetricEntry> entries;
    entries.reserve(kMetricRows.size());
    for (const MetricRow& row : kMetricRows) {
      entries.push_back({row.key, row.label, row.unit, row.definition, row.formula, row.source});
    }
    return entries;
  }();
  return table;
}

std::optional<MetricEntry> find_metric(std::string_view key) {
  const std::vector<MetricEntry>& table = metric_glossary();
  const auto exact =
      std::find_if(table.begin(), table.end(), [&](const auto& entry) { return entry.key == key; });
  if (exact != table.end()) return *exact;
  for (const MetricEntry& entry : table) {
    const Placeholder* placeholder = placeholder_in(entry.key);
    if (placeholder == nullptr) continue;
    const std::string_view part = part_of(key, entry.key, placeholder->name);
    if (!part.empty()) return filled(entry, placeholder->name, part);
  }
  return std::nullopt;
}

const std::vector<std::string>& known_metric_keys() {
  static const std::vector<std::string> keys = [] {
    std::vector<std::string> all;
    for (const MetricEntry& entry : metric_glossary()) {
      for (std::string& key : expanded(entry)) all.push_back(std::move(key));
    }
    return all;
  }();
  return keys;
}

std::vector<std::string> metric_keys_of(const Json& record) {
  std::vector<std::string> keys;
  std::unordered_set<std::string> known;
  const auto add = [&](std::string key) {
    if (known.insert(key).second) keys.push_back(std::move(key));
  };
  for (const Json& phase : list_at(record, {"phases"})) {
    const Json& metrics = member(phase, {"metrics"});
    if (!metrics.is_object()) continue;
    for (const auto& [name, metric] : metrics.items()) add(name);
  }
  for (const char* group : {"load", "memory"}) {
    const Json& metrics = member(record, {group, "metrics"});
    if (!metrics.is_object()) continue;
    for (const auto& [name, metric] : metrics.items()) add(std::string(group) + "." + name);
  }
  const Json& cost = member(record, {"cost"});
  if (!cost.is_object()) return keys;
  for (const auto& [phase, totals] : cost.items()) {
    if (!totals.is_object()) continue;
    for (const auto& [name, value] : totals.items()) {
      if (value.is_number()) add("cost." + name);
    }
  }
  return keys;
}

Json to_json(const MetricEntry& entry) {
  return {{"label", entry.label},
          {"unit", entry.unit},
          {"definition", text_or_null(entry.definition)},
          {"formula", text_or_null(entry.formula)},
          {"source", text_or_null(entry.source)}};
}

}  // namespace ridgeline::report
