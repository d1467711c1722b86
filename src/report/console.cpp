// Writes the summary of a run.
#include "report/console.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "report/case_view.hpp"
#include "report/comparison_text.hpp"
#include "report/format.hpp"
#include "report/limits_text.hpp"
#include "report/notes.hpp"
#include "report/record_view.hpp"
#include "report/table.hpp"
#include "report/text.hpp"

namespace ridgeline::report {
namespace {

// One line of the table: a phase of a case, or a case that has none.
struct Row {
  const Json& record;
  const Json& phase;
  const CaseView& view;
};

// A column and how its cell is made.
struct ColumnRule {
  std::string header;
  Table::Align align;
  std::function<std::string(const Row&)> cell;
};

std::string value_cell(const Json& metrics, std::string_view name, std::string (*format)(double)) {
  return format_optional(metric_at(metrics, name).value, format);
}

std::string latency_cell(const Row& row) {
  if (!row.phase.is_object()) {
    const std::string error = text_at(row.record, {"outcome", "class"}).value_or("");
    return row.view.status + (error.empty() ? "" : ": " + error);
  }
  const MetricView latency = metric_at(member(row.phase, {"metrics"}), "latency");
  if (!latency.value) return std::string(kNone);
  if (!latency.half_width) return format_time(*latency.value);
  const std::string mark = latency.interval == "within_invocation" ? "*" : "";
  return format_time(*latency.value, *latency.half_width) + mark;
}

std::string tail_cell(const Row& row) {
  const Json& metrics = member(row.phase, {"metrics"});
  if (const auto p95 = metric_at(metrics, "latency.p95").value) return format_time(*p95);
  const auto max = metric_at(metrics, "latency.max").value;
  return max ? "max " + format_time(*max) : std::string(kNone);
}

// In units of 10⁹.
std::string gflops(double value) {
  return format_significant(value / 1e9);
}
std::string ratio(double value) {
  return format_significant(value);
}
std::string seconds(double value) {
  return format_time(value);
}

std::string peak_cell(const Row& row) {
  const Json& metrics = member(row.record, {"memory", "metrics"});
  if (const auto peak = metric_at(metrics, "peak").value) return format_bytes(*peak);
  const auto resident = metric_at(metrics, "resident_peak").value;
  return resident ? format_bytes(*resident) + " RSS" : std::string(kNone);
}

std::string count_cell(const Row& row) {
  const auto whole = [](double value) { return fmt::format("{:.0f}", value); };
  const auto n = metric_at(member(row.phase, {"metrics"}), "latency").n;
  const auto done = number_at(row.record, {"stop_rule", "invocations_done"});
  return format_optional(n, whole) + "/" + format_optional(done, whole);
}

ColumnRule metric_column(std::string header, std::string name, std::string (*format)(double)) {
  return {std::move(header), Table::Align::kRight,
          [name = std::move(name), format](const Row& row) {
            return value_cell(member(row.phase, {"metrics"}), name, format);
          }};
}

bool differs(const std::vector<CaseView>& views, std::string CaseView::* field) {
  std::set<std::string> values;
  for (const CaseView& view : views) {
    if (view.*field != kNone) values.insert(view.*field);
  }
  return values.size() > 1;
}

// Whether the field tells rows of one model apart: what merely follows from the model needs no
// column. A failed case may not know it; that tells nothing apart either.
bool differs_within_a_model(const std::vector<CaseView>& views, std::string CaseView::* field) {
  std::map<std::string, std::set<std::string>> values;
  for (const CaseView& view : views) {
    if (view.*field != kNone && view.status != "failed") values[view.model].insert(view.*field);
  }
  return std::any_of(values.begin(), values.end(),
                     [](const auto& one) { return one.second.size() > 1; });
}

std::string energy(double joules) {
  return format_energy(joules);
}
std::string power(double watts) {
  return format_significant(watts) + " W";
}
std::string share(double value) {
  return format_percent(value);
}

// Shares of measured ceilings and what sensors said: a column each where there is something to
// show.
void add_hardware(const std::vector<Json>& records, std::vector<ColumnRule>& rules) {
  struct Figure {
    const char* header;
    const char* metric;
    std::string (*format)(double);
  };
  constexpr Figure kFigures[] = {
      {"MFU", "mfu", share},
      {"MBU", "mbu", share},
      {"DRAM GB/s", "bandwidth.dram", gflops},
      {"energy/call", "energy.gross", energy},
      {"power", "power.mean", power},
  };
  for (const Figure& figure : kFigures) {
    if (any_metric(records, figure.metric)) {
      rules.push_back(metric_column(figure.header, figure.metric, figure.format));
    }
  }
}

// Figures that only some modalities have: a column each where there is something to show.
void add_rates(const std::vector<Json>& records, std::vector<ColumnRule>& rules) {
  struct Rate {
    const char* header;
    const char* metric;
    std::string (*format)(double);
  };
  constexpr Rate kRates[] = {
      {"sequences/s", "throughput.sequence", format_rate},
      {"images/s", "throughput.image", format_rate},
      {"tokens/s", "throughput.token", format_rate},
      {"TTFT", "ttft", seconds},
      {"TPOT", "tpot", seconds},
      {"RTF", "real_time_factor", ratio},
  };
  for (const Rate& rate : kRates) {
    if (any_metric(records, rate.metric)) {
      rules.push_back(metric_column(rate.header, rate.metric, rate.format));
    }
  }
}

std::vector<ColumnRule> table_columns(const std::vector<Json>& records,
                                      const std::vector<CaseView>& views) {
  using Align = Table::Align;
  std::vector<ColumnRule> rules;
  const auto text = [&](const char* header, std::string CaseView::* field, Align align) {
    rules.push_back({header, align, [field](const Row& row) { return row.view.*field; }});
  };
  text("model", &CaseView::model, Align::kLeft);
  // Shown only where they tell rows apart.
  if (differs_within_a_model(views, &CaseView::architecture)) {
    text("architecture", &CaseView::architecture, Align::kLeft);
  }
  if (differs(views, &CaseView::engine)) text("engine", &CaseView::engine, Align::kLeft);
  if (differs(views, &CaseView::device)) text("device", &CaseView::device, Align::kLeft);
  if (differs_within_a_model(views, &CaseView::optimizations)) {
    text("optimizations", &CaseView::optimizations, Align::kLeft);
  }
  text("weights", &CaseView::weights, Align::kLeft);
  text("dtype", &CaseView::dtype, Align::kLeft);
  text("threads", &CaseView::threads, Align::kRight);
  text("batch×seq", &CaseView::shape, Align::kRight);
  rules.push_back({"phase", Align::kLeft, [](const Row& row) {
                     return text_at(row.phase, {"name"}).value_or(std::string(kNone));
                   }});
  rules.push_back({"latency ± 95 %", Align::kRight, latency_cell});
  rules.push_back({"p95 or max", Align::kRight, tail_cell});
  add_rates(records, rules);
  rules.push_back(metric_column("GFLOP/s", "flops_rate", gflops));
  rules.push_back(metric_column("FLOP/B", "arithmetic_intensity", ratio));
  add_hardware(records, rules);
  rules.push_back({"load", Align::kRight, [](const Row& row) {
                     return value_cell(member(row.record, {"load", "metrics"}), "total", seconds);
                   }});
  rules.push_back({"peak memory", Align::kRight, peak_cell});
  rules.push_back({"n/inv", Align::kRight, count_cell});
  return rules;
}

std::string table_text(const std::vector<Json>& records, const std::vector<CaseView>& views) {
  const std::vector<ColumnRule> rules = table_columns(records, views);
  std::vector<Table::Column> columns;
  columns.reserve(rules.size());
  for (const ColumnRule& rule : rules) columns.push_back({rule.header, rule.align});
  Table table(std::move(columns));
  const auto add = [&](const Row& row) {
    std::vector<std::string> cells;
    cells.reserve(rules.size());
    for (const ColumnRule& rule : rules) cells.push_back(rule.cell(row));
    table.add_row(cells);
  };
  static const Json no_phase;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const Json& phases = list_at(records[i], {"phases"});
    for (const Json& phase : phases) add({records[i], phase, views[i]});
    if (phases.empty() || views[i].status == "failed") add({records[i], no_phase, views[i]});
  }
  return table.text();
}

std::string core_text(const Json& machine) {
  const auto whole = [&](std::initializer_list<std::string_view> path) {
    return number_at(machine, path);
  };
  std::string text;
  const auto add = [&](const std::optional<double>& count, const char* one, const char* many) {
    if (!count) return;
    text += fmt::format(", {:.0f} {}", *count, *count == 1 ? one : many);
  };
  if (whole({"cpu", "sockets"}).value_or(1) > 1)
    add(whole({"cpu", "sockets"}), "socket", "sockets");
  add(whole({"cpu", "physical_cores"}), "core", "cores");
  add(whole({"cpu", "logical_cpus"}), "thread", "threads");
  const auto effective = whole({"allowed", "effective_cpus"});
  if (effective && effective < whole({"cpu", "logical_cpus"})) {
    text += fmt::format(" ({:.4g} usable)", *effective);
  }
  return text;
}

std::string accelerator_text(const Json& machine) {
  if (!member(machine, {"accelerators"}).is_array()) return "";
  std::vector<std::pair<std::string, int>> counts;
  for (const Json& device : list_at(machine, {"accelerators"})) {
    if (text_at(device, {"kind"}) == "display") continue;
    const std::string name = text_at(device, {"name"})
                                 .value_or(text_at(device, {"vendor"}).value_or("accelerator") +
                                           " " + text_at(device, {"device_id"}).value_or("?"));
    const auto it = std::find_if(counts.begin(), counts.end(),
                                 [&](const auto& entry) { return entry.first == name; });
    if (it == counts.end()) {
      counts.emplace_back(name, 1);
    } else {
      ++it->second;
    }
  }
  if (counts.empty()) return ", no accelerator";
  std::string text;
  for (const auto& [name, count] : counts) {
    text += count == 1 ? ", " + name : fmt::format(", {}× {}", count, name);
  }
  return text;
}

// Distinct texts of all records, in order, so that records of two machines both show theirs.
std::string distinct_lines(const std::vector<Json>& records, const char* title,
                           const std::function<std::string(const Json&)>& line_of) {
  std::vector<std::string> lines;
  for (const Json& record : records) {
    std::string line = line_of(record);
    if (!line.empty() && std::find(lines.begin(), lines.end(), line) == lines.end()) {
      lines.push_back(std::move(line));
    }
  }
  std::string text;
  for (const std::string& line : lines) text += fmt::format("{:<9} {}\n", title, printable(line));
  return text;
}

std::string versions_line(const Json& record) {
  std::string line = "ridgeline " + text_at(record, {"ridgeline", "version"}).value_or("–");
  const auto engine = text_at(record, {"engine", "name"});
  if (engine) {
    line += ", engine " + *engine;
    if (const auto version = text_at(record, {"engine", "version"})) line += " " + *version;
  }
  const Json& versions = member(record, {"engine", "versions"});
  if (versions.is_object()) {
    for (const auto& [name, value] : versions.items()) {
      if (const auto version = scalar_text(value)) line += fmt::format(", {} {}", name, *version);
    }
  }
  return line;
}

std::string results_line(const std::vector<Json>& records, const std::vector<CaseView>& views,
                         const RunInfo& info) {
  const auto failed = std::count_if(views.begin(), views.end(),
                                    [](const CaseView& view) { return view.status == "failed"; });
  std::string line = fmt::format("{} case{}", records.size(), records.size() == 1 ? "" : "s");
  if (failed > 0) line += fmt::format(", {} failed", failed);
  if (info.interrupted) line += ", interrupted: the others are missing";
  if (info.elapsed_seconds > 0) line += fmt::format(", {:.1f} s", info.elapsed_seconds);
  if (!info.folder.empty()) line += ", in " + printable(info.folder);
  return fmt::format("{:<9} {}\n", "results", line);
}

}  // namespace

std::string machine_line(const Json& machine) {
  if (!machine.is_object()) return {};
  std::string line =
      text_at(machine, {"cpu", "model"}).value_or("unknown CPU") + core_text(machine);
  if (const auto total = number_at(machine, {"memory", "total_bytes"})) {
    line += fmt::format(", {} memory", format_capacity(*total));
  }
  line += accelerator_text(machine);
  if (bool_at(machine, {"virtualization", "virtual"}).value_or(false)) {
    const auto name = text_at(machine, {"virtualization", "hypervisor"});
    line += ", virtual machine" + (name ? " (" + *name + ")" : "");
  }
  if (const auto container = text_at(machine, {"virtualization", "container"})) {
    line += ", " + *container + " container";
  }
  return line;
}

std::string summary_text(const std::vector<Json>& records, const RunInfo& info) {
  std::vector<CaseView> views;
  views.reserve(records.size());
  for (const Json& record : records) views.push_back(case_view(record));
  std::string text = distinct_lines(records, "machine", [](const Json& record) {
    return machine_line(member(record, {"machine"}));
  });
  text += distinct_lines(records, "versions", versions_line);
  text += "\n";
  if (!records.empty()) text += table_text(records, views) + "\n";
  const std::string comparison = comparison_table(info.comparisons, records, views);
  if (!comparison.empty()) text += "side by side\n\n" + comparison + "\n";
  const std::string limits = limits_text(records, views);
  if (!limits.empty()) text += "what limits\n\n" + limits + "\n";
  for (const std::string& note : notes(records, views)) text += "- " + note + "\n";
  for (const std::string& note : comparison_notes(info.comparisons, views)) {
    text += "- " + note + "\n";
  }
  std::string command = info.command;
  if (command.empty() && !records.empty()) {
    command = text_at(records.front(), {"command"}).value_or("");
  }
  text += "\n" + results_line(records, views, info);
  if (!command.empty()) text += fmt::format("{:<9} {}\n", "command", printable(command));
  return text;
}

}  // namespace ridgeline::report
