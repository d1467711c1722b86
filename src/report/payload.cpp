// Puts the payload together.
#include "report/payload.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "analysis/case_analysis.hpp"
#include "analysis/comparison.hpp"
#include "base/json_values.hpp"
#include "report/case_labels.hpp"
#include "report/case_view.hpp"
#include "report/distribution.hpp"
#include "report/metric_glossary.hpp"
#include "report/notes.hpp"
#include "report/payload_timeline.hpp"
#include "report/payload_trim.hpp"
#include "report/record_view.hpp"

namespace ridgeline::report {
namespace {

// Points of all timelines together that a page draws well.
constexpr std::size_t kPointsInAll = 40'000;
constexpr std::size_t kLeastPoints = 60;

// Each machine once; the state it was in when a record was made does not make it another one.
class Machines {
 public:
  std::size_t index_of(const Json& machine) {
    const auto fingerprint = text_at(machine, {"fingerprint"});
    const std::string key = fingerprint ? *fingerprint : to_line(machine);
    const auto [at, is_new] = places_.try_emplace(key, list_.size());
    if (is_new) list_.push_back(machine);
    return at->second;
  }
  Json take() { return std::move(list_); }

 private:
  std::unordered_map<std::string, std::size_t> places_;
  Json list_ = Json::array();
};

std::string run_name(const ReportRun& run) {
  std::string name = run.folder;
  while (name.size() > 1 && name.back() == '/') name.pop_back();
  return name.substr(name.rfind('/') + 1);
}

Json run_json(const ReportRun& run) {
  std::string command = run.command;
  if (command.empty() && !run.records.empty()) {
    command = text_at(run.records.front(), {"command"}).value_or("");
  }
  std::string created;
  for (const Json& record : run.records) {
    const std::string one = text_at(record, {"created"}).value_or("");
    if (!one.empty() && (created.empty() || one < created)) created = one;
  }
  return {{"folder", run.folder},
          {"command", text_or_null(command)},
          {"created", text_or_null(created)}};
}

Json comparisons_json(const std::vector<ReportRun>& runs) {
  Json list = Json::array();
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const ReportRun& run = runs[i];
    for (const analysis::Comparison& one :
         analysis::compare_engines(run.records, run.engines, run.baseline)) {
      Json json = analysis::to_json(one, run.records);
      json["run"] = i;
      list.push_back(std::move(json));
    }
  }
  return list;
}

Json glossary_json(const std::vector<const Json*>& records) {
  Json json = Json::object();
  std::unordered_set<std::string> known;
  for (const Json* record : records) {
    for (const std::string& key : metric_keys_of(*record)) {
      if (!known.insert(key).second) continue;
      const auto entry = find_metric(key);
      if (entry) json[key] = to_json(*entry);
    }
  }
  return json;
}

std::size_t points_for(const std::vector<const Json*>& records) {
  std::size_t phases = 1;
  for (const Json* record : records) phases += list_at(*record, {"phases"}).size();
  return std::clamp(kPointsInAll / phases, kLeastPoints, kMostPoints);
}

// All records, in the order of the runs, with what belongs to them.
struct Cases {
  std::vector<const Json*> records;
  std::vector<std::size_t> run_of;
  std::vector<CaseView> views;
  std::vector<std::string> labels;
};

Cases cases_of(const std::vector<ReportRun>& runs) {
  Cases cases;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    for (const Json& record : runs[i].records) {
      cases.records.push_back(&record);
      cases.run_of.push_back(i);
      cases.views.push_back(case_view(record));
      names.push_back(run_name(runs[i]));
    }
  }
  cases.labels = case_labels(cases.views, names);
  return cases;
}

Json case_json(const Cases& cases, std::size_t i, const std::string& folder, bool samples,
               std::size_t most_points) {
  const Json& record = *cases.records[i];
  Json json = {
      {"id", member(record, {"id"})},  {"run", cases.run_of[i]},
      {"label", cases.labels[i]},      {"machine_index", nullptr},
      {"record", slim_record(record)}, {"analysis", analysis::to_json(analysis::analyse(record))}};
  // Without a folder they say that the files are not there.
  const std::string beside = samples ? folder : std::string();
  json["distributions"] = distributions(record, beside);
  json["timeline"] = power_timelines(record, beside, most_points);
  return json;
}

// What a reader must know, over all records.
Json notes_json(const std::vector<ReportRun>& runs, const Cases& cases) {
  if (runs.size() == 1) return notes(runs.front().records, cases.views);
  std::vector<Json> records;
  records.reserve(cases.records.size());
  for (const ReportRun& run : runs) {
    records.insert(records.end(), run.records.begin(), run.records.end());
  }
  return notes(records, cases.views);
}

}  // namespace

Json make_payload(const std::vector<ReportRun>& runs, const PayloadOptions& options) {
  const Cases cases = cases_of(runs);
  Machines machines;
  const std::size_t most_points = points_for(cases.records);
  Json list = Json::array();
  for (std::size_t i = 0; i < cases.records.size(); ++i) {
    const ReportRun& run = runs[cases.run_of[i]];
    Json one = case_json(cases, i, run.folder, options.samples, most_points);
    const Json& machine = member(*cases.records[i], {"machine"});
    if (machine.is_object()) one["machine_index"] = machines.index_of(machine);
    list.push_back(std::move(one));
  }
  static const Json kNothing;
  const Json& first =
      cases.records.empty() ? kNothing : member(*cases.records.front(), {"machine"});
  Json run_list = Json::array();
  for (const ReportRun& run : runs) run_list.push_back(run_json(run));
  return {{"schema", kReportSchema},
          {"title", options.title.empty() ? report_title(cases.views, first) : options.title},
          {"created", text_or_null(options.created)},
          {"command", text_or_null(options.command)},
          {"ridgeline", text_or_null(options.version)},
          {"machine", first},
          {"runs", std::move(run_list)},
          {"machines", machines.take()},
          {"cases", std::move(list)},
          {"comparisons", comparisons_json(runs)},
          {"notes", notes_json(runs, cases)},
          {"glossary", glossary_json(cases.records)}};
}

}  // namespace ridgeline::report
