// "ridgeline-run-comparison/1".
#include "analysis/run_comparison_json.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/build_info.hpp"
#include "base/json_values.hpp"

namespace ridgeline::analysis {
namespace {

// In the order of the enum.
constexpr std::array<const char*, 3> kGroups = {"time", "energy", "memory"};

// What a double cannot hold is not known.
Json number(const std::optional<double>& value) {
  return value && std::isfinite(*value) ? Json(*value) : Json();
}

Json unlike_json(const std::vector<Unlike>& list) {
  Json json = Json::array();
  for (const Unlike& one : list) {
    json.push_back({{"member", one.member}, {"base", one.base}, {"new", one.now}});
  }
  return json;
}

Json metric_json(const MetricComparison& metric) {
  const Figures& figures = metric.figures;
  Json json = {{"phase", text_or_null(figures.phase)},
               {"metric", figures.metric},
               {"group", kGroups.at(static_cast<std::size_t>(figures.group))},
               {"better", figures.higher_is_better ? "higher" : "lower"},
               {"unit", figures.unit},
               {"base", {{"value", number(figures.base)}, {"n", figures.base_n}}},
               {"new", {{"value", number(figures.now)}, {"n", figures.now_n}}},
               {"effect", number(metric.effect)},
               {"interval", nullptr}};
  if (metric.interval) json["interval"] = {metric.interval->low, metric.interval->high};
  json["moved"] = metric.moved;
  json["method"] = text_or_null(method_name(figures.method));
  json["p"] = number(metric.p);
  json["p_holm"] = number(metric.p_holm);
  json["verdict"] = verdict_name(metric.verdict);
  json["reason"] = text_or_null(metric.reason);
  json["finds"] = number(metric.finds);
  json["needs"] = or_null(metric.needs);
  return json;
}

Json case_json(const CaseComparison& one, const RunSide& base, const RunSide& now) {
  const Json& ours = (*base.records)[one.base];
  const Json& theirs = (*now.records)[one.now];
  const auto side = [](const Json& record) {
    return Json{{"id", text_in(record, "id")},
                {"created", text_or_null(text_in(record, "created"))},
                {"status", text_in(entry_of(record, "outcome"), "status")}};
  };
  Json comparisons = Json::array();
  for (const MetricComparison& metric : one.metrics) comparisons.push_back(metric_json(metric));
  return {{"name", one.name},
          {"base", side(ours)},
          {"new", side(theirs)},
          {"configuration", entry_of(ours, "configuration")},
          {"workload", entry_of(ours, "workload")},
          {"ignored", unlike_json(one.ignored)},
          {"newly_failed", one.newly_failed},
          {"missing_phases", one.missing_phases},
          {"comparisons", std::move(comparisons)},
          {"notes", one.notes}};
}

Json unmatched_json(const std::vector<Unmatched>& list, const std::vector<Json>& own,
                    const std::vector<Json>& others, const RunComparisonOptions& options) {
  Json json = Json::array();
  for (const Unmatched& one : list) {
    const Json& record = own[one.record];
    Json nearest;
    if (one.nearest) {
      const Json& near = others[*one.nearest];
      nearest = {{"id", text_in(near, "id")},
                 {"name", case_name(near, options)},
                 {"differs", unlike_json(one.differs)}};
    }
    json.push_back({{"id", text_in(record, "id")},
                    {"name", case_name(record, options)},
                    {"nearest", std::move(nearest)}});
  }
  return json;
}

Json ambiguous_json(const std::vector<Ambiguous>& list, const RunSide& base, const RunSide& now,
                    const RunComparisonOptions& options) {
  const auto cases = [&](const std::vector<std::size_t>& indices, const RunSide& side) {
    Json json = Json::array();
    for (const std::size_t at : indices) {
      const Json& record = (*side.records)[at];
      json.push_back({{"id", text_in(record, "id")}, {"name", case_name(record, options)}});
    }
    return json;
  };
  Json json = Json::array();
  for (const Ambiguous& group : list) {
    json.push_back({{"base", cases(group.base, base)},
                    {"new", cases(group.now, now)},
                    {"members", group.members}});
  }
  return json;
}

}  // namespace

Json to_json(const RunComparison& comparison, const RunSide& base, const RunSide& now,
             const RunComparisonOptions& options, const std::optional<GateOutcome>& gate) {
  Json cases = Json::array();
  for (const CaseComparison& one : comparison.cases) cases.push_back(case_json(one, base, now));
  const auto side = [](const RunSide& of) {
    return Json{{"path", of.path}, {"cases", of.records->size()}};
  };
  Json gate_json;
  if (gate) {
    gate_json = {
        {"fail_on", gate->spec}, {"tripped", !gate->reasons.empty()}, {"reasons", gate->reasons}};
  }
  const Matching& matching = comparison.matching;
  return {{"schema", kRunComparisonSchema},
          {"ridgeline", RIDGELINE_VERSION},
          {"base", side(base)},
          {"new", side(now)},
          {"settings",
           {{"margin", comparison.rule.margin},
            {"confidence", comparison.rule.confidence},
            {"metrics", comparison.metrics},
            {"across", comparison.across},
            {"family", comparison.family}}},
          {"changed", unlike_json(comparison.changed)},
          {"machines", unlike_json(comparison.machines)},
          {"summary",
           {{"text", summary_line(comparison)},
            {"cases", comparison.cases.size()},
            {"comparisons", comparison.comparisons()},
            {"FASTER", comparison.count(Verdict::kFaster)},
            {"SLOWER", comparison.count(Verdict::kSlower)},
            {"SAME", comparison.count(Verdict::kSame)},
            {"UNDECIDED", comparison.count(Verdict::kUndecided)}}},
          {"gate", std::move(gate_json)},
          {"cases", std::move(cases)},
          {"unmatched",
           {{"base", unmatched_json(matching.base, *base.records, *now.records, options)},
            {"new", unmatched_json(matching.now, *now.records, *base.records, options)}}},
          {"ambiguous", ambiguous_json(matching.ambiguous, base, now, options)},
          {"notes", comparison.notes}};
}

}  // namespace ridgeline::analysis
