// Figures of records.
#include "analysis/record_figures.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/json_values.hpp"

namespace ridgeline::analysis {
namespace {

std::string items_text(const Json& items) {
  std::string text;
  for (const auto& [unit, count] : items.items()) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", to_line(count), unit);
  }
  return text;
}

}  // namespace

const Json& phase_of(const Json& record, std::string_view name) {
  static const Json none;
  for (const Json& phase : entry_of(record, "phases")) {
    if (text_in(phase, "name") == name) return phase;
  }
  return none;
}

bool has_failed(const Json& record) {
  return text_in(entry_of(record, "outcome"), "status") == "failed";
}

std::map<std::int64_t, double> medians_of(const Json& record, std::string_view phase) {
  std::map<std::int64_t, double> medians;
  for (const Json& invocation : entry_of(record, "invocations")) {
    if (text_in(entry_of(invocation, "outcome"), "status") != "ok") continue;
    const auto median = number_in(entry_of(entry_of(invocation, "phases"), phase), "median");
    const Json& index = entry_of(invocation, "index");
    if (median && *median > 0 && index.is_number_integer()) {
      medians[index.get<std::int64_t>()] = *median;
    }
  }
  return medians;
}

std::vector<double> values_of(const std::map<std::int64_t, double>& medians) {
  std::vector<double> values;
  values.reserve(medians.size());
  for (const auto& [index, value] : medians) values.push_back(value);
  return values;
}

std::vector<double> joules_of(const Json& phase) {
  std::vector<double> joules;
  for (const Json& trial : entry_of(entry_of(phase, "energy"), "trials")) {
    const auto value = number_in(trial, "joules");
    if (value && *value > 0) joules.push_back(*value);
  }
  return joules;
}

std::string other(const char* what, const std::string& a, const std::string& b) {
  if (a.empty() || b.empty() || a == b) return {};
  return fmt::format("another {}: {} and {}", what, a, b);
}

std::string different_items(const Json& a, const Json& b) {
  bool common = false;
  for (const auto& [unit, count] : a.items()) {
    const Json& theirs = entry_of(b, unit);
    if (theirs.is_null()) continue;
    common = true;
    if (theirs != count) return other("work a call", items_text(a), items_text(b));
  }
  return common ? std::string() : "no unit that both count their work in";
}

std::string different_meters(const Json& base, const Json& now) {
  for (const char* key : {"boundary", "device"}) {
    std::string why =
        other(key, text_in(entry_of(base, "energy"), key), text_in(entry_of(now, "energy"), key));
    if (!why.empty()) return why;
  }
  return {};
}

}  // namespace ridgeline::analysis
