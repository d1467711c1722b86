// Pooling by the ids of cases.
#include "analysis/pooled_runs.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "base/json_values.hpp"

namespace ridgeline::analysis {
namespace {

Json list_of(const Json& object, std::string_view key) {
  const Json& list = entry_of(object, key);
  return list.is_array() ? list : Json::array();
}

// The phase of that name, or the end.
Json::iterator find_phase(Json& phases, const std::string& name) {
  return std::find_if(phases.begin(), phases.end(),
                      [&](const Json& phase) { return text_in(phase, "name") == name; });
}

void add_invocations(Json& pooled, const Json& earlier) {
  Json invocations = list_of(earlier, "invocations");
  for (Json& invocation : pooled["invocations"]) invocations.push_back(std::move(invocation));
  std::int64_t index = 0;
  for (Json& invocation : invocations) {
    if (invocation.is_object()) invocation["index"] = index++;
  }
  pooled["invocations"] = std::move(invocations);
}

void add_trials(Json& phase, const Json& earlier) {
  if (!entry_of(phase, "energy").is_object()) {
    if (entry_of(earlier, "energy").is_object()) phase["energy"] = earlier.at("energy");
    return;
  }
  Json trials = list_of(entry_of(earlier, "energy"), "trials");
  for (const Json& trial : list_of(entry_of(phase, "energy"), "trials")) trials.push_back(trial);
  phase["energy"]["trials"] = std::move(trials);
}

void add_phases(Json& pooled, const Json& earlier) {
  Json& phases = pooled["phases"];
  for (const Json& phase : list_of(earlier, "phases")) {
    const auto same = find_phase(phases, text_in(phase, "name"));
    if (same == phases.end()) {
      phases.push_back(phase);
    } else {
      add_trials(*same, phase);
    }
  }
}

void add_flags(Json& pooled, const Json& earlier) {
  Json flags = list_of(entry_of(earlier, "validity"), "flags");
  for (const Json& flag : list_of(entry_of(pooled, "validity"), "flags")) {
    if (std::find(flags.begin(), flags.end(), flag) == flags.end()) flags.push_back(flag);
  }
  if (!pooled["validity"].is_object()) pooled["validity"] = Json::object();
  pooled["validity"]["flags"] = std::move(flags);
}

// `pooled` with what an earlier run measured in front.
void add_run(Json& pooled, const Json& earlier) {
  for (const char* list : {"invocations", "phases"}) pooled[list] = list_of(pooled, list);
  add_invocations(pooled, earlier);
  add_phases(pooled, earlier);
  add_flags(pooled, earlier);
  const std::string status = text_in(entry_of(earlier, "outcome"), "status");
  if (!status.empty() && status != "ok") pooled["outcome"] = earlier.at("outcome");
}

void forget_intervals(Json& record) {
  for (Json& phase : record["phases"]) {
    if (!entry_of(phase, "metrics").is_object()) continue;
    for (auto& [name, metric] : phase["metrics"].items()) {
      if (!metric.is_object()) continue;
      metric.erase("ci95");
      metric.erase("interval");
    }
  }
}

}  // namespace

std::vector<Json> pool_runs(const std::vector<std::vector<Json>>& runs) {
  std::vector<Json> cases;
  std::map<std::string, std::size_t> places;
  std::map<std::string, int> uses;
  for (const std::vector<Json>& run : runs) {
    for (const Json& record : run) {
      const std::string id = text_in(record, "id");
      const auto [place, is_new] = places.emplace(id, cases.size());
      if (is_new) {
        cases.push_back(record);
      } else {
        Json pooled = record;
        add_run(pooled, cases[place->second]);
        cases[place->second] = std::move(pooled);
      }
      ++uses[id];
    }
  }
  for (Json& one : cases) {
    if (uses[text_in(one, "id")] > 1) forget_intervals(one);
  }
  return cases;
}

}  // namespace ridgeline::analysis
