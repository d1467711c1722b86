// Payload to rows.
#include "report/csv.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <unordered_map>

#include "report/case_view.hpp"
#include "report/metric_glossary.hpp"
#include "report/payload.hpp"
#include "report/record_view.hpp"

namespace ridgeline::report {
namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kPhasePrefix = "phase.";
constexpr std::string_view kLow = ".ci95_low";
constexpr std::string_view kHigh = ".ci95_high";
constexpr std::string_view kCount = ".n";
constexpr std::string_view kSource = ".source";

// What a manifest column needs.
struct Row {
  const Json& payload;
  const Json& one_case;
  const Json& record;
  const Json& phase;  // null when the case has none
};

struct Column {
  const char* name;
  std::string (*cell)(const Row& row);
};

std::string scalar_cell(const Json& value) {
  if (value.is_string()) return csv_text(value.get<std::string>());
  if (value.is_number()) return csv_number(value.get<double>());
  if (value.is_boolean()) return value.get<bool>() ? "true" : "false";
  // A size of [height, width] and the like.
  return value.is_null() ? std::string() : csv_text(to_line(value));
}

std::string run_folder(const Row& row) {
  const auto run = number_at(row.one_case, {"run"});
  const Json& runs = list_at(row.payload, {"runs"});
  if (!run || *run < 0 || *run >= static_cast<double>(runs.size())) return {};
  return scalar_cell(member(runs[static_cast<std::size_t>(*run)], {"folder"}));
}

std::string model_reference(const Row& row) {
  const Json& reference = member(row.record, {"model", "reference"});
  return scalar_cell(reference.is_null() ? member(row.record, {"configuration", "model"})
                                         : reference);
}

std::string dtype(const Row& row) {
  const Json& asked = member(row.record, {"configuration", "dtype"});
  return scalar_cell(asked.is_null() ? member(row.record, {"model", "dtype"}) : asked);
}

std::string optimizations(const Row& row) {
  std::string text;
  for (const Json& one : list_at(row.record, {"optimizations"})) {
    text += fmt::format("{}{}{}", text.empty() ? "" : "; ", optimization_text(one),
                        is_refused(one) ? " refused" : "");
  }
  return csv_text(text);
}

std::string flags(const Row& row) {
  std::string text;
  for (const Json& one : list_at(row.record, {"validity", "flags"})) {
    const std::string id = text_at(one, {"id"}).value_or("?");
    text += (text.empty() ? "" : "; ") + id;
  }
  return csv_text(text);
}

std::string machine_member(const Row& row, std::initializer_list<std::string_view> path) {
  const auto index = number_at(row.one_case, {"machine_index"});
  const Json& machines = list_at(row.payload, {"machines"});
  if (!index || *index < 0 || *index >= static_cast<double>(machines.size())) return {};
  return scalar_cell(member(machines[static_cast<std::size_t>(*index)], path));
}

std::string limit(const Row& row) {
  // A case without phases may have a verdict of its own: it did not fit.
  const std::string phase = text_at(row.phase, {"name"}).value_or("case");
  return scalar_cell(member(row.one_case, {"analysis", "phases", phase, "limit", "id"}));
}

// In the order of the columns; names are for good.
constexpr Column kManifest[] = {
    {"schema", [](const Row&) { return std::string(kReportSchema); }},
    {"run", run_folder},
    {"id", [](const Row& row) { return scalar_cell(member(row.record, {"id"})); }},
    {"created", [](const Row& row) { return scalar_cell(member(row.record, {"created"})); }},
    {"label", [](const Row& row) { return scalar_cell(member(row.one_case, {"label"})); }},
    {"model", model_reference},
    {"family", [](const Row& row) { return scalar_cell(member(row.record, {"model", "family"})); }},
    {"architecture",
     [](const Row& row) { return scalar_cell(member(row.record, {"model", "architecture"})); }},
    {"task", [](const Row& row) { return scalar_cell(member(row.record, {"model", "task"})); }},
    {"parameters",
     [](const Row& row) { return scalar_cell(member(row.record, {"model", "parameters"})); }},
    {"weights",
     [](const Row& row) {
       return scalar_cell(member(row.record, {"model", "weights", "source"}));
     }},
    {"synthetic",
     [](const Row& row) { return scalar_cell(member(row.record, {"model", "synthetic"})); }},
    {"engine",
     [](const Row& row) { return scalar_cell(member(row.record, {"configuration", "engine"})); }},
    {"engine_version",
     [](const Row& row) { return scalar_cell(member(row.record, {"engine", "version"})); }},
    {"device",
     [](const Row& row) { return scalar_cell(member(row.record, {"configuration", "device"})); }},
    {"dtype", dtype},
    {"threads",
     [](const Row& row) { return scalar_cell(member(row.record, {"configuration", "threads"})); }},
    {"cores",
     [](const Row& row) { return scalar_cell(member(row.record, {"configuration", "cores"})); }},
    {"optimizations", optimizations},
    {"batch",
     [](const Row& row) { return scalar_cell(member(row.record, {"workload", "batch"})); }},
    {"sequence",
     [](const Row& row) { return scalar_cell(member(row.record, {"workload", "sequence"})); }},
    {"depth",
     [](const Row& row) { return scalar_cell(member(row.record, {"workload", "depth"})); }},
    {"new_tokens",
     [](const Row& row) { return scalar_cell(member(row.record, {"workload", "new_tokens"})); }},
    {"image_size",
     [](const Row& row) { return scalar_cell(member(row.record, {"workload", "image_size"})); }},
    {"audio_seconds",
     [](const Row& row) { return scalar_cell(member(row.record, {"workload", "audio_seconds"})); }},
    {"synthetic_inputs",
     [](const Row& row) {
       return scalar_cell(member(row.record, {"workload", "inputs", "synthetic"}));
     }},
    {"machine", [](const Row& row) { return machine_member(row, {"fingerprint"}); }},
    {"cpu", [](const Row& row) { return machine_member(row, {"cpu", "model"}); }},
    {"status",
     [](const Row& row) { return scalar_cell(member(row.record, {"outcome", "status"})); }},
    {"error", [](const Row& row) { return scalar_cell(member(row.record, {"outcome", "class"})); }},
    {"reason",
     [](const Row& row) { return scalar_cell(member(row.record, {"outcome", "reason"})); }},
    {"flags", flags},
    {"invocations",
     [](const Row& row) {
       return scalar_cell(member(row.record, {"stop_rule", "invocations_done"}));
     }},
    {"command", [](const Row& row) { return scalar_cell(member(row.record, {"command"})); }},
    {"phase", [](const Row& row) { return scalar_cell(member(row.phase, {"name"})); }},
    {"unit", [](const Row& row) { return scalar_cell(member(row.phase, {"unit"})); }},
    {"limit", limit},
};

bool is_group_key(std::string_view key) {
  return key.starts_with("load.") || key.starts_with("memory.") || key.starts_with("cost.");
}

std::string column_of(const std::string& key) {
  return is_group_key(key) ? key : std::string(kPhasePrefix) + key;
}

// Metrics whose interval, count and provenance have columns of their own: what comparisons need.
bool has_details(std::string_view key) {
  return key == "latency" || key == "ttft" || key == "tpot" || key == "energy.gross";
}

void add_columns(const std::string& key, std::vector<std::string>& columns) {
  const std::string name = column_of(key);
  columns.push_back(name);
  if (!has_details(key)) return;
  for (const std::string_view part : {kLow, kHigh, kCount, kSource}) {
    columns.push_back(name + std::string(part));
  }
}

using Cells = std::unordered_map<std::string, std::string>;

void add_metric(const std::string& key, const Json& metric, Cells& cells) {
  const auto value = number_at(metric, {"value"});
  if (!value) return;
  const std::string name = column_of(key);
  cells[name] = csv_number(*value);
  if (!has_details(key)) return;
  const Json& interval = list_at(metric, {"ci95"});
  if (interval.size() == 2) {
    cells[name + std::string(kLow)] = scalar_cell(interval[0]);
    cells[name + std::string(kHigh)] = scalar_cell(interval[1]);
  }
  cells[name + std::string(kCount)] = scalar_cell(member(metric, {"n"}));
  cells[name + std::string(kSource)] = scalar_cell(member(metric, {"source"}));
}

void add_metrics(const std::string& prefix, const Json& metrics, Cells& cells) {
  if (!metrics.is_object()) return;
  for (const auto& [name, metric] : metrics.items()) add_metric(prefix + name, metric, cells);
}

Cells cells_of(const Row& row) {
  Cells cells;
  add_metrics("", member(row.phase, {"metrics"}), cells);
  add_metrics("load.", member(row.record, {"load", "metrics"}), cells);
  add_metrics("memory.", member(row.record, {"memory", "metrics"}), cells);
  const auto phase = text_at(row.phase, {"name"});
  const Json& cost = phase ? member(row.record, {"cost", *phase}) : member(row.phase, {"none"});
  if (!cost.is_object()) return cells;
  for (const auto& [name, value] : cost.items()) {
    if (value.is_number()) cells["cost." + name] = csv_number(value.get<double>());
  }
  return cells;
}

std::string line_of(const Row& row, const std::vector<std::string>& columns) {
  const Cells cells = cells_of(row);
  std::string line;
  for (const Column& column : kManifest) {
    if (&column != std::begin(kManifest)) line += ',';
    line += column.cell(row);
  }
  for (std::size_t i = std::size(kManifest); i < columns.size(); ++i) {
    line += ',';
    const auto cell = cells.find(columns[i]);
    if (cell != cells.end()) line += cell->second;
  }
  line += kLineEnd;
  return line;
}

}  // namespace

std::string csv_text(std::string_view text) {
  std::string cell(text);
  const std::size_t first = text.find_first_not_of(' ');
  constexpr std::string_view kFormula = "=+-@\t\r\n";
  if (first != std::string_view::npos && kFormula.find(text[first]) != std::string_view::npos) {
    cell.insert(0, 1, '\'');
  }
  if (cell.find_first_of(",\"\r\n") == std::string::npos) return cell;
  std::string quoted = "\"";
  for (const char c : cell) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + "\"";
}

std::string csv_number(double value) {
  return std::isfinite(value) ? fmt::format("{}", value) : std::string();
}

std::vector<std::string> csv_columns(const Json& payload) {
  std::vector<std::string> columns;
  for (const Column& column : kManifest) columns.emplace_back(column.name);
  for (const std::string& key : known_metric_keys()) add_columns(key, columns);
  const std::set<std::string> known(columns.begin(), columns.end());
  std::set<std::string> others;
  for (const Json& one : list_at(payload, {"cases"})) {
    for (const std::string& key : metric_keys_of(member(one, {"record"}))) {
      const std::string column = column_of(key);
      if (known.count(column) == 0) others.insert(column);
    }
  }
  columns.insert(columns.end(), others.begin(), others.end());
  return columns;
}

std::string csv_report(const Json& payload) {
  const std::vector<std::string> columns = csv_columns(payload);
  std::string text;
  for (const std::string& column : columns) {
    text += (text.empty() ? "" : ",") + csv_text(column);
  }
  text += kLineEnd;
  static const Json kNoPhase;
  for (const Json& one : list_at(payload, {"cases"})) {
    const Json& record = member(one, {"record"});
    const Json& phases = list_at(record, {"phases"});
    for (const Json& phase : phases) text += line_of({payload, one, record, phase}, columns);
    if (phases.empty()) text += line_of({payload, one, record, kNoPhase}, columns);
  }
  return text;
}

}  // namespace ridgeline::report
