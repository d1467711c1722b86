// Which records did the same work, and how their figures relate.
#include "analysis/comparison.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "analysis/record_figures.hpp"
#include "base/json_values.hpp"

namespace ridgeline::analysis {
namespace {

constexpr std::size_t kFewestPairs = 3;
// Engines count tied weights and buffers in their own way.
constexpr double kParameterTolerance = 0.01;

std::string engine_of(const Json& record) {
  return text_in(entry_of(record, "configuration"), "engine");
}

// The configuration without its engine.
std::string identity_of(const Json& record) {
  Json rest = entry_of(record, "configuration");
  if (rest.is_object()) rest.erase("engine");
  return to_line(rest);
}

// What was asked of the knobs; threads and cores stand in the configuration.
std::map<std::string, std::string> requested_knobs(const Json& record) {
  std::map<std::string, std::string> requested;
  for (const Json& knob : entry_of(record, "optimizations")) {
    const std::string id = text_in(knob, "id");
    const Json& value = entry_of(knob, "requested");
    if (id != "threads" && id != "cores" && !value.is_null()) requested[id] = to_line(value);
  }
  return requested;
}

// An engine may not tell a size, or not know a knob; what both tell must agree.
bool same_case(const Json& a, const Json& b) {
  if (identity_of(a) != identity_of(b)) return false;
  const Json& ours = entry_of(a, "workload");
  const Json& theirs = entry_of(b, "workload");
  for (const auto& [key, value] : ours.items()) {
    const Json& other = entry_of(theirs, key);
    if (key != "inputs" && !value.is_null() && !other.is_null() && value != other) return false;
  }
  const auto knobs = requested_knobs(b);
  for (const auto& [id, value] : requested_knobs(a)) {
    const auto other = knobs.find(id);
    if (other != knobs.end() && other->second != value) return false;
  }
  return true;
}

// Why the two did not do the same work; empty when they did, as far as records tell.
std::string difference(const Json& base, const Json& record, const std::string& phase) {
  const Json& base_model = entry_of(base, "model");
  const Json& model = entry_of(record, "model");
  const auto weights = [](const Json& of) { return text_in(entry_of(of, "weights"), "source"); };
  for (std::string why :
       {other("machine", text_in(entry_of(base, "machine"), "fingerprint"),
              text_in(entry_of(record, "machine"), "fingerprint")),
        other("dtype", text_in(base_model, "dtype"), text_in(model, "dtype")),
        other("architecture", text_in(base_model, "architecture"), text_in(model, "architecture")),
        other("kind of weights", weights(base_model), weights(model))}) {
    if (!why.empty()) return why;
  }
  const auto ours = number_in(base_model, "parameters");
  const auto theirs = number_in(model, "parameters");
  if (ours && theirs &&
      std::abs(*ours - *theirs) > kParameterTolerance * std::max(*ours, *theirs)) {
    return fmt::format("another number of parameters: {:.0f} and {:.0f}", *ours, *theirs);
  }
  return different_items(entry_of(phase_of(base, phase), "items"),
                         entry_of(phase_of(record, phase), "items"));
}

// Why a record has nothing of a phase.
std::string why_missing(const Json& record, const std::string& phase) {
  if (has_failed(record)) {
    return fmt::format("{} failed: {}", engine_of(record),
                       text_in(entry_of(record, "outcome"), "class"));
  }
  return fmt::format("{} has no phase {}", engine_of(record), phase);
}

Compared of(const std::optional<Ratio>& ratio, const char* reason) {
  if (ratio) return {ratio, {}};
  return {std::nullopt, reason};
}

Compared latency_ratio(const Json& base, const Json& record, const std::string& phase) {
  const auto ours = medians_of(base, phase);
  const auto theirs = medians_of(record, phase);
  std::vector<std::pair<double, double>> pairs;
  for (const auto& [index, median] : ours) {
    const auto partner = theirs.find(index);
    if (partner != theirs.end()) pairs.emplace_back(median, partner->second);
  }
  const bool all = pairs.size() == ours.size() && pairs.size() == theirs.size();
  const char* const none = "no invocation of both sides measured it";
  if (all || pairs.size() >= kFewestPairs) return of(paired_ratio(pairs), none);
  return of(independent_ratio(values_of(ours), values_of(theirs)), none);
}

Compared energy_ratio(const Json& base, const Json& record, const std::string& phase) {
  const Json& ours = phase_of(base, phase);
  const Json& theirs = phase_of(record, phase);
  for (const Json* one : {&ours, &theirs}) {
    if (!joules_of(*one).empty()) continue;
    const std::string why = text_in(entry_of(entry_of(*one, "metrics"), "energy.gross"), "reason");
    return {std::nullopt, why.empty() ? "no energy was measured" : why};
  }
  const std::string why = different_meters(ours, theirs);
  if (!why.empty()) return {std::nullopt, why};
  return of(independent_ratio(joules_of(theirs), joules_of(ours)), "no energy was measured");
}

std::vector<std::string> notes_of(const Json& base, const Json& record) {
  std::vector<std::string> notes;
  for (const Json& knob : entry_of(record, "optimizations")) {
    if (entry_of(knob, "applied") != true || entry_of(knob, "lossless") != false) continue;
    if (text_in(knob, "value") == "off") continue;  // as asked for
    notes.push_back(fmt::format("{} changes the numbers that come out", text_in(knob, "id")));
  }
  const std::string inputs = text_in(entry_of(record, "digest"), "inputs");
  if (!other("input", text_in(entry_of(base, "digest"), "inputs"), inputs).empty()) {
    notes.push_back(fmt::format("its inputs are not bit for bit those of {}", engine_of(base)));
  }
  const auto done = [](const Json& of) {
    return number_in(entry_of(of, "stop_rule"), "invocations_done");
  };
  if (done(base) && done(record) && *done(base) != *done(record)) {
    notes.push_back(fmt::format("{:.0f} invocation{} beside {:.0f} of {}", *done(record),
                                *done(record) == 1 ? "" : "s", *done(base), engine_of(base)));
  }
  return notes;
}

// Records of one case, each with its index.
using Group = std::vector<std::size_t>;

std::vector<std::string> phases_of(const std::vector<Json>& records, const Group& group) {
  std::vector<std::string> names;
  for (const std::size_t at : group) {
    for (const Json& phase : entry_of(records[at], "phases")) {
      const std::string name = text_in(phase, "name");
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
  }
  return names;
}

ComparisonRow row_of(const std::vector<Json>& records, std::size_t at, const Json* base,
                     const std::string& phase, const std::string& baseline) {
  const Json& record = records[at];
  ComparisonRow row;
  row.engine = engine_of(record);
  row.record = at;
  row.id = text_in(record, "id");
  row.is_baseline = &record == base;
  std::string why;
  if (base == nullptr) {
    why = fmt::format("there is no record of {}", baseline);
  } else if (row.is_baseline) {
    why = "the baseline";
  } else if (phase_of(*base, phase).is_null()) {
    why = why_missing(*base, phase);
  } else if (phase_of(record, phase).is_null()) {
    why = why_missing(record, phase);
  } else {
    why = difference(*base, record, phase);
  }
  if (!why.empty()) {
    row.speedup.reason = row.energy.reason = why;
    return row;
  }
  row.speedup = latency_ratio(*base, record, phase);
  row.energy = energy_ratio(*base, record, phase);
  row.notes = notes_of(*base, record);
  return row;
}

// The groups of records that differ in their engine alone, members in the order of the engines.
std::vector<Group> groups_of(const std::vector<Json>& records,
                             const std::vector<std::string>& engines, std::string_view baseline) {
  std::vector<std::string> order = {std::string(baseline)};
  order.insert(order.end(), engines.begin(), engines.end());
  std::vector<Group> groups;
  for (std::size_t i = 0; i < order.size(); ++i) {
    for (std::size_t at = 0; at < records.size(); ++at) {
      const bool again = i > 0 && order[i] == baseline;
      if (again || !records[at].is_object() || engine_of(records[at]) != order[i]) continue;
      // The first of a group is the baseline where there is one: what fits it belongs to it.
      const auto fits = std::find_if(groups.begin(), groups.end(), [&](const Group& group) {
        return same_case(records[group.front()], records[at]) &&
               (i > 0 || engine_of(records[group.front()]) != order[i]);
      });
      if (fits == groups.end()) {
        groups.push_back({at});
      } else {
        fits->push_back(at);
      }
    }
  }
  std::erase_if(groups, [](const Group& group) { return group.size() < 2; });
  const auto rank = [&](std::size_t at) {
    return std::find(engines.begin(), engines.end(), engine_of(records[at])) - engines.begin();
  };
  for (Group& group : groups) {
    std::stable_sort(group.begin(), group.end(),
                     [&](std::size_t a, std::size_t b) { return rank(a) < rank(b); });
  }
  return groups;
}

Json to_json(const Compared& compared) {
  Json json = {{"value", nullptr}, {"ci95", nullptr}};
  if (!compared.ratio) {
    json["reason"] = compared.reason;
    return json;
  }
  const Ratio& ratio = *compared.ratio;
  json["value"] = ratio.value;
  if (ratio.ci95) json["ci95"] = {ratio.ci95->low, ratio.ci95->high};
  json["method"] = method_name(ratio.method);
  json["n"] = {ratio.values_a, ratio.values_b};
  json["detectable"] = or_null(ratio.detectable);
  return json;
}

}  // namespace

std::vector<Comparison> compare_engines(const std::vector<Json>& records,
                                        const std::vector<std::string>& engines,
                                        std::string_view baseline) {
  std::vector<Comparison> comparisons;
  if (engines.size() < 2 || baseline.empty()) return comparisons;
  for (const Group& group : groups_of(records, engines, baseline)) {
    const Json* base = nullptr;
    for (const std::size_t at : group) {
      if (base == nullptr && engine_of(records[at]) == baseline) base = &records[at];
    }
    for (const std::string& phase : phases_of(records, group)) {
      Comparison& comparison = comparisons.emplace_back();
      comparison.baseline = baseline;
      comparison.phase = phase;
      for (const std::size_t at : group) {
        comparison.rows.push_back(row_of(records, at, base, phase, comparison.baseline));
      }
    }
  }
  return comparisons;
}

Json to_json(const Comparison& comparison, const std::vector<Json>& records) {
  Json rows = Json::array();
  for (const ComparisonRow& row : comparison.rows) {
    const Json& metrics = entry_of(phase_of(records[row.record], comparison.phase), "metrics");
    rows.push_back({{"engine", row.engine},
                    {"id", row.id},
                    {"is_baseline", row.is_baseline},
                    {"latency", entry_of(metrics, "latency")},
                    {"speedup", to_json(row.speedup)},
                    {"energy", entry_of(metrics, "energy.gross")},
                    {"energy_ratio", to_json(row.energy)},
                    {"notes", row.notes}});
  }
  const Json& first = records[comparison.rows.front().record];
  const Json& configuration = entry_of(first, "configuration");
  return {{"schema", "ridgeline-comparison/1"},
          {"baseline", comparison.baseline},
          {"phase", comparison.phase},
          {"model", entry_of(configuration, "model")},
          {"dtype", entry_of(configuration, "dtype")},
          {"device", entry_of(configuration, "device")},
          {"workload", entry_of(first, "workload")},
          {"rows", std::move(rows)}};
}

}  // namespace ridgeline::analysis
