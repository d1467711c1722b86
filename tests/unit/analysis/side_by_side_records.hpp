// Small records of one run on several engines, with exactly known latencies and joules.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/json.hpp"

namespace ridgeline::test {

/// A record of `engine` whose invocations took `medians` seconds; with joules of the trials.
inline Json engine_record(const std::string& engine, const std::vector<double>& medians,
                          const std::vector<double>& joules = {}) {
  Json invocations = Json::array();
  double sum = 0;
  for (std::size_t i = 0; i < medians.size(); ++i) {
    sum += medians[i];
    invocations.push_back({{"index", i},
                           {"outcome", {{"status", "ok"}}},
                           {"phases", {{"forward", {{"n", 100}, {"median", medians[i]}}}}}});
  }
  const double mean = medians.empty() ? 1 : sum / static_cast<double>(medians.size());
  Json trials = Json::array();
  for (const double value : joules) {
    trials.push_back({{"joules", value}, {"seconds_per_call", mean}});
  }
  Json metrics = {
      {"latency", {{"value", mean}, {"unit", "s"}, {"source", "timed"}, {"n", 100}}},
      {"energy.gross",
       {{"value", nullptr}, {"unit", "J"}, {"source", nullptr}, {"reason", "no sensor"}}}};
  if (medians.size() > 1) {
    metrics["latency"]["ci95"] = {0.99 * mean, 1.01 * mean};
    metrics["latency"]["interval"] = "between_invocations";
  }
  if (!joules.empty()) {
    double total = 0;
    for (const double value : joules) total += value;
    metrics["energy.gross"] = {{"value", total / static_cast<double>(joules.size())},
                               {"unit", "J"},
                               {"source", "counter"}};
  }
  return {
      {"schema", "ridgeline/1"},
      {"id", "0123456789abcdef"},
      {"machine", {{"fingerprint", "m"}}},
      {"engine", {{"name", engine}, {"version", "1"}, {"versions", Json::object()}}},
      {"model",
       {{"reference", "bert-base"},
        {"architecture", "BertModel"},
        {"parameters", 109'000'000},
        {"weights", {{"source", "synthetic"}}},
        {"dtype", "float32"},
        {"synthetic", true}}},
      {"workload", {{"batch", 1}, {"sequence", 128}, {"inputs", {{"synthetic", true}}}}},
      {"configuration",
       {{"engine", engine},
        {"model", "bert-base"},
        {"architecture", nullptr},
        {"weights", "auto"},
        {"dtype", "float32"},
        {"device", "cpu"},
        {"threads", 2},
        {"cores", nullptr},
        {"seed", 0}}},
      {"optimizations", Json::array()},
      {"outcome", {{"status", "ok"}, {"class", nullptr}, {"reason", nullptr}, {"remedy", nullptr}}},
      {"invocations", std::move(invocations)},
      {"phases", Json::array({{{"name", "forward"},
                               {"unit", "sequence"},
                               {"items", {{"sequence", 1}, {"token", 128}}},
                               {"metrics", std::move(metrics)},
                               {"energy", joules.empty() ? Json()
                                                         : Json{{"boundary", "package"},
                                                                {"trials", trials}}}}})},
      {"stop_rule", {{"invocations_done", medians.size()}}}};
}

}  // namespace ridgeline::test
