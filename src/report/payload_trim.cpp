// What a large report leaves out, and in which order.
#include "report/payload_trim.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "report/distribution.hpp"
#include "report/record_view.hpp"

namespace ridgeline::report {
namespace {

constexpr std::size_t kFewOps = 20;
// Cases by which the size of all is judged.
constexpr std::size_t kProbes = 32;
// The page shows no more digits, in its tips either.
constexpr int kShownDigits = 7;
constexpr std::string_view kLeftOut = "left out to keep the report small";

using Shorten = void (*)(Json& one_case);

struct Step {
  const char* what;
  Shorten shorten;
};

// Members that may be missing or of another type in a damaged record.
Json* object_at(Json& json, std::string_view key) {
  if (!json.is_object()) return nullptr;
  const auto it = json.find(std::string(key));
  return it != json.end() && it->is_object() ? &*it : nullptr;
}

Json* array_at(Json& json, std::string_view key) {
  if (!json.is_object()) return nullptr;
  const auto it = json.find(std::string(key));
  return it != json.end() && it->is_array() ? &*it : nullptr;
}

Json without(const Json& object, std::initializer_list<std::string_view> keys) {
  if (!object.is_object()) return object;
  Json kept = Json::object();
  for (const auto& [key, value] : object.items()) {
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) kept[key] = value;
  }
  return kept;
}

template <typename Use>
void for_each_phase(Json& one_case, const Use& use) {
  Json* record = object_at(one_case, "record");
  Json* phases = record == nullptr ? nullptr : array_at(*record, "phases");
  if (phases == nullptr) return;
  for (Json& phase : *phases) {
    if (phase.is_object()) use(phase);
  }
}

void erase_in_each(Json* list, std::initializer_list<const char*> keys) {
  if (list == nullptr) return;
  for (Json& one : *list) {
    if (!one.is_object()) continue;
    for (const char* key : keys) one.erase(key);
  }
}

// Digits that no measurement has: "0.021972272000000003".
void round_numbers(Json& json) {
  if (json.is_number_float()) {
    json = rounded(json.get<double>(), kShownDigits);
  } else if (json.is_structured()) {
    for (Json& one : json) round_numbers(one);
  }
}

void shorten_numbers(Json& one_case) {
  round_numbers(one_case);
}

// The table of metrics has the formulas, and so the names.
void drop_inputs(Json& one_case) {
  for_each_phase(one_case, [](Json& phase) {
    Json* metrics = object_at(phase, "metrics");
    if (metrics != nullptr) erase_in_each(metrics, {"inputs"});
  });
}

// The run says it once.
void drop_repetitions(Json& one_case) {
  if (Json* record = object_at(one_case, "record")) {
    record->erase("command");
    if (Json* validity = object_at(*record, "validity")) validity->erase("harness");
  }
}

void drop_classes(Json& one_case) {
  Json* analysis = object_at(one_case, "analysis");
  Json* phases = analysis == nullptr ? nullptr : object_at(*analysis, "phases");
  if (phases != nullptr) erase_in_each(phases, {"classes"});
}

template <typename Holds>
void drop_where(Json* list, const Holds& holds) {
  if (list == nullptr) return;
  Json kept = Json::array();
  for (Json& one : *list) {
    if (!holds(one)) kept.push_back(std::move(one));
  }
  *list = std::move(kept);
}

void drop_ceilings(Json& one_case) {
  if (Json* record = object_at(one_case, "record")) record->erase("ceilings");
}

void drop_window_details(Json& one_case) {
  for_each_phase(one_case, [](Json& phase) {
    if (Json* energy = object_at(phase, "energy")) {
      erase_in_each(array_at(*energy, "trials"), {"meters", "state"});
      erase_in_each(array_at(*energy, "meters"), {"calibration"});
    }
    if (Json* traffic = object_at(phase, "traffic")) traffic->erase("runs");
  });
}

void shorten_ops(Json& one_case) {
  for_each_phase(one_case, [](Json& phase) {
    Json* traced = object_at(phase, "ops");
    Json* ops = traced == nullptr ? nullptr : array_at(*traced, "ops");
    if (ops == nullptr || ops->size() <= kFewOps) return;
    const auto seconds = [](const Json& op) { return number_at(op, {"seconds"}).value_or(0); };
    std::stable_sort(ops->begin(), ops->end(),
                     [&](const Json& a, const Json& b) { return seconds(a) > seconds(b); });
    ops->erase(ops->begin() + static_cast<std::ptrdiff_t>(kFewOps), ops->end());
  });
}

void drop_quantiles(Json& one_case) {
  Json* distributions = object_at(one_case, "distributions");
  if (distributions == nullptr) return;
  for (Json& phase : *distributions) {
    Json* invocations = array_at(phase, "invocations");
    if (invocations == nullptr) continue;
    for (Json& one : *invocations) {
      if (one.is_object() && one.erase("quantiles") > 0) one["reason"] = kLeftOut;
    }
  }
}

void drop_absent_of(Json* metrics) {
  if (metrics == nullptr) return;
  Json kept = Json::object();
  for (auto& [name, metric] : metrics->items()) {
    if (!member(metric, {"value"}).is_null()) kept[name] = std::move(metric);
  }
  *metrics = std::move(kept);
}

// The page then shows that there is no such value, but not why.
void drop_absent(Json& one_case) {
  for_each_phase(one_case, [](Json& phase) { drop_absent_of(object_at(phase, "metrics")); });
  Json* record = object_at(one_case, "record");
  if (record == nullptr) return;
  for (const char* group : {"load", "memory"}) {
    Json* part = object_at(*record, group);
    if (part != nullptr) drop_absent_of(object_at(*part, "metrics"));
  }
}

// Flags that only inform, and optimizations that nobody asked for and that were not applied.
void drop_remarks(Json& one_case) {
  Json* record = object_at(one_case, "record");
  if (record == nullptr) return;
  Json* validity = object_at(*record, "validity");
  drop_where(validity == nullptr ? nullptr : array_at(*validity, "flags"),
             [](const Json& flag) { return text_at(flag, {"severity"}) == "info"; });
  drop_where(array_at(*record, "optimizations"), [](const Json& one) {
    return member(one, {"requested"}).is_null() && bool_at(one, {"applied"}) == false;
  });
}

void drop_explanations(Json& one_case) {
  Json* analysis = object_at(one_case, "analysis");
  Json* phases = analysis == nullptr ? nullptr : object_at(*analysis, "phases");
  if (phases == nullptr) return;
  for (Json& phase : *phases) {
    if (Json* waterfall = object_at(phase, "waterfall")) {
      erase_in_each(array_at(*waterfall, "steps"), {"how"});
    }
    Json* score = object_at(phase, "energy_efficiency");
    if (score != nullptr && member(*score, {"score"}).is_null()) score->erase("formula");
  }
}

void drop_invocation_details(Json& one_case) {
  Json* record = object_at(one_case, "record");
  Json* invocations = record == nullptr ? nullptr : array_at(*record, "invocations");
  if (invocations == nullptr) return;
  erase_in_each(invocations, {"stages", "order", "warmup"});
  for (Json& one : *invocations) {
    if (Json* phases = object_at(one, "phases")) {
      erase_in_each(phases, {"samples", "rows", "first_call"});
    }
  }
}

void drop_timelines(Json& one_case) {
  Json* timelines = object_at(one_case, "timeline");
  if (timelines == nullptr) return;
  for (Json& phase : *timelines) phase = {{"reason", kLeftOut}};
}

void drop_histograms(Json& one_case) {
  Json* distributions = object_at(one_case, "distributions");
  if (distributions == nullptr) return;
  for (Json& phase : *distributions) {
    phase = {{"n", member(phase, {"n"})},
             {"invocations", Json::array()},
             {"histogram", nullptr},
             {"reason", kLeftOut}};
  }
}

constexpr Step kSteps[] = {
    {"digits beyond the seventh", shorten_numbers},
    {"the ceilings in each record", drop_ceilings},
    {"meters within each energy window", drop_window_details},
    {"all but the slowest operations", shorten_ops},
    {"commands and harness of each record", drop_repetitions},
    {"names of the inputs of derived metrics", drop_inputs},
    {"flags and optimizations without effect", drop_remarks},
    {"stages, order and files of each invocation", drop_invocation_details},
    {"quantiles of each invocation", drop_quantiles},
    {"why metrics are absent", drop_absent},
    {"power over time", drop_timelines},
    {"how the steps of waterfalls were computed", drop_explanations},
    {"classes of operations", drop_classes},
    {"histograms", drop_histograms},
};

std::size_t bytes_of(const Json& json) {
  return to_line(json).size();
}

}  // namespace

Json slim_record(const Json& record) {
  if (!record.is_object()) return record;
  Json slim = Json::object();
  for (const auto& [key, value] : record.items()) {
    if (key == "machine") continue;
    if (key == "cost" && value.is_object()) {
      slim[key] = Json::object();
      for (const auto& [phase, cost] : value.items()) slim[key][phase] = without(cost, {"ops"});
    } else if (key == "invocations" && value.is_array()) {
      slim[key] = Json::array();
      for (const Json& one : value) slim[key].push_back(without(one, {"log", "state"}));
    } else {
      slim[key] = value;
    }
  }
  return slim;
}

std::size_t payload_bytes(const Json& payload) {
  const Json& cases = list_at(payload, {"cases"});
  std::size_t others = 0;
  for (const auto& [key, value] : payload.items()) {
    if (key != "cases") others += bytes_of(value);
  }
  if (cases.empty()) return others;
  std::size_t sum = 0;
  const std::size_t probes = std::min(kProbes, cases.size());
  for (std::size_t i = 0; i < probes; ++i) sum += bytes_of(cases[i * cases.size() / probes]);
  return others + sum * cases.size() / probes;
}

void trim_payload(Json& payload, std::size_t most_bytes) {
  Json* cases = array_at(payload, "cases");
  if (cases == nullptr) return;
  std::string left_out;
  for (const Step& step : kSteps) {
    if (payload_bytes(payload) <= most_bytes) break;
    for (Json& one_case : *cases) step.shorten(one_case);
    left_out += (left_out.empty() ? "" : ", ") + std::string(step.what);
  }
  if (left_out.empty()) return;
  Json* notes = array_at(payload, "notes");
  if (notes == nullptr) return;
  notes->push_back(fmt::format(
      "left out of this page to keep it small: {}; the run folders have all of it", left_out));
}

}  // namespace ridgeline::report
