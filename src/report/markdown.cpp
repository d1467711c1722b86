// Payload to Markdown.
#include "report/markdown.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "report/case_view.hpp"
#include "report/console.hpp"
#include "report/format.hpp"
#include "report/html.hpp"
#include "report/record_view.hpp"
#include "report/table.hpp"
#include "report/text.hpp"

namespace ridgeline::report {
namespace {

// More rows or verdicts than this nobody reads as text; the page has them all.
constexpr std::size_t kMostVerdicts = 40;
constexpr std::size_t kMostLine = 600;

std::string clean(std::string_view text) {
  return markdown_text(cut(printable(text), kMostLine));
}

// A row of the table: a phase of a case.
struct Row {
  const Json& one_case;
  const Json& record;
  const Json& phase;  // null when the case has none
};

struct Column {
  const char* header;
  Table::Align align;
  std::function<std::string(const Row& row)> cell;
  bool optional = true;  // dropped where no row has it
};

MetricView metric_of(const Row& row, std::string_view name) {
  return metric_at(member(row.phase, {"metrics"}), name);
}

std::string label_cell(const Row& row) {
  return text_at(row.one_case, {"label"}).value_or("?");
}

std::string weights_cell(const Row& row) {
  const CaseView view = case_view(row.record);
  return view.weights == kNone ? std::string() : view.weights;
}

std::string phase_cell(const Row& row) {
  const auto name = text_at(row.phase, {"name"});
  const auto status = text_at(row.record, {"outcome", "status"});
  if (name) return *name + (status == "failed" ? " (failed)" : "");
  const auto error = text_at(row.record, {"outcome", "class"});
  return status.value_or("?") + (error ? ": " + *error : "");
}

std::string latency_cell(const Row& row) {
  const MetricView latency = metric_of(row, "latency");
  if (!latency.value) return {};
  if (!latency.half_width) return format_time(*latency.value);
  return format_time(*latency.value, *latency.half_width) +
         (latency.interval == "within_invocation" ? "*" : "");
}

std::string plural(const std::string& unit) {
  std::string words = unit;
  std::replace(words.begin(), words.end(), '_', ' ');
  return words + "s";
}

std::string throughput_cell(const Row& row) {
  const std::string unit = text_at(row.phase, {"unit"}).value_or("");
  for (const std::string& item : {unit, std::string("token"), std::string("image"),
                                  std::string("audio_second"), std::string("sequence")}) {
    const auto rate = metric_of(row, "throughput." + item).value;
    if (rate) return fmt::format("{} {}/s", format_rate(*rate), plural(item));
  }
  return {};
}

std::string energy_cell(const Row& row) {
  const std::string unit = text_at(row.phase, {"unit"}).value_or("");
  const auto joules = metric_of(row, fmt::format("energy_per_{}.gross", unit)).value;
  return joules ? fmt::format("{}/{}", format_energy(*joules), unit) : std::string();
}

std::string optional_text(const std::optional<double>& value, std::string (*format)(double)) {
  return value ? format(*value) : std::string();
}

std::string limit_cell(const Row& row) {
  // A case without phases may have a verdict of its own: it did not fit.
  const std::string phase = text_at(row.phase, {"name"}).value_or("case");
  const Json& limit = member(row.one_case, {"analysis", "phases", phase, "limit"});
  if (text_at(limit, {"id"}) == "unknown") return {};
  return text_at(limit, {"headline"}).value_or("");
}

std::string efficiency_cell(const Row& row) {
  const std::string phase = text_at(row.phase, {"name"}).value_or("");
  const Json& analysis = member(row.one_case, {"analysis", "phases", phase});
  return optional_text(number_at(analysis, {"energy_efficiency", "score"}), format_percent);
}

std::string peak_cell(const Row& row) {
  const Json& metrics = member(row.record, {"memory", "metrics"});
  for (const char* name : {"device_peak", "peak", "resident_peak"}) {
    const auto bytes = metric_at(metrics, name).value;
    if (bytes) return format_bytes(*bytes);
  }
  return {};
}

std::vector<Column> all_columns() {
  using Align = Table::Align;
  return {
      {"case", Align::kLeft, label_cell, false},
      {"weights", Align::kLeft, weights_cell},
      {"phase", Align::kLeft, phase_cell, false},
      {"latency ± 95 %", Align::kRight, latency_cell, false},
      {"throughput", Align::kRight, throughput_cell},
      {"attained", Align::kRight,
       [](const Row& row) {
         return optional_text(metric_of(row, "flops_rate").value, format_flops);
       }},
      {"MFU", Align::kRight,
       [](const Row& row) { return optional_text(metric_of(row, "mfu").value, format_percent); }},
      {"MBU", Align::kRight,
       [](const Row& row) { return optional_text(metric_of(row, "mbu").value, format_percent); }},
      {"energy", Align::kRight, energy_cell},
      {"energy efficiency", Align::kRight, efficiency_cell},
      {"peak memory", Align::kRight, peak_cell},
      {"limited by", Align::kLeft, limit_cell},
  };
}

std::vector<Row> rows_of(const Json& payload) {
  static const Json kNoPhase;
  std::vector<Row> rows;
  for (const Json& one : list_at(payload, {"cases"})) {
    const Json& record = member(one, {"record"});
    const Json& phases = list_at(record, {"phases"});
    for (const Json& phase : phases) rows.push_back({one, record, phase});
    if (phases.empty()) rows.push_back({one, record, kNoPhase});
  }
  return rows;
}

std::string results_table(const Json& payload) {
  const std::vector<Row> rows = rows_of(payload);
  std::vector<Column> columns = all_columns();
  std::erase_if(columns, [&](const Column& column) {
    return column.optional && std::all_of(rows.begin(), rows.end(),
                                          [&](const Row& row) { return column.cell(row).empty(); });
  });
  std::vector<Table::Column> heads;
  heads.reserve(columns.size());
  for (const Column& column : columns) heads.push_back({column.header, column.align});
  Table table(std::move(heads));
  for (const Row& row : rows) {
    std::vector<std::string> cells;
    for (const Column& column : columns) {
      const std::string cell = column.cell(row);
      cells.push_back(cell.empty() ? std::string(kNone) : markdown_text(cell));
    }
    table.add_row(cells);
  }
  return table.text();
}

bool any_within_invocation(const Json& payload) {
  const std::vector<Row> rows = rows_of(payload);
  return std::any_of(rows.begin(), rows.end(), [](const Row& row) {
    const MetricView latency = metric_of(row, "latency");
    return latency.half_width && latency.interval == "within_invocation";
  });
}

std::string gain_text(const Json& gain) {
  const auto low = number_at(gain, {"low"});
  const auto high = number_at(gain, {"high"});
  if (!high) return {};
  const auto times = [](double ratio) { return fmt::format("{:.{}f}", ratio, ratio < 10 ? 2 : 0); };
  if (!low || *low <= 1.0) return fmt::format(" (up to {}× as fast)", times(*high));
  return fmt::format(" ({} to {}× as fast)", times(*low), times(*high));
}

std::string verdict_text(const std::string& phase, const Json& analysis) {
  const Json& limit = member(analysis, {"limit"});
  std::string text = fmt::format("- **{}: {}.** {}\n", clean(phase),
                                 clean(text_at(limit, {"headline"}).value_or("not known")),
                                 clean(text_at(limit, {"evidence"}).value_or("")));
  for (const Json& advice : list_at(analysis, {"advice"})) {
    const auto what = text_at(advice, {"do"});
    if (!what) continue;
    text += fmt::format("  - {}{}", clean(*what), gain_text(member(advice, {"gain"})));
    const auto why = text_at(advice, {"why"});
    text += why && !why->empty() ? fmt::format(": {}\n", clean(*why)) : "\n";
  }
  return text;
}

std::string limits_section(const Json& payload) {
  std::string text;
  std::size_t verdicts = 0;
  std::size_t left_out = 0;
  for (const Json& one : list_at(payload, {"cases"})) {
    const Json& phases = member(one, {"analysis", "phases"});
    if (!phases.is_object() || phases.empty()) continue;
    if (verdicts >= kMostVerdicts) {
      left_out += phases.size();
      continue;
    }
    text += fmt::format("### {}\n\n", clean(text_at(one, {"label"}).value_or("?")));
    for (const auto& [name, analysis] : phases.items()) {
      text += verdict_text(name, analysis);
      ++verdicts;
    }
    text += "\n";
  }
  if (text.empty()) return text;
  if (left_out > 0) text += fmt::format("{} more phases: see the HTML report.\n\n", left_out);
  return "## What limits what\n\n" + text;
}

std::string ratio_cell(const Json& ratio, bool is_baseline) {
  if (is_baseline) return "baseline";
  const auto value = number_at(ratio, {"value"});
  if (!value) return std::string(kNone);
  const Json& interval = list_at(ratio, {"ci95"});
  std::string text = format_significant(*value) + "×";
  if (interval.size() == 2 && interval[0].is_number() && interval[1].is_number()) {
    text += fmt::format(" [{}, {}]", format_significant(interval[0].get<double>()),
                        format_significant(interval[1].get<double>()));
  }
  return text;
}

std::string engines_section(const Json& payload) {
  const Json& comparisons = list_at(payload, {"comparisons"});
  if (comparisons.empty()) return {};
  Table table({{"model", Table::Align::kLeft},
               {"batch×seq", Table::Align::kRight},
               {"phase", Table::Align::kLeft},
               {"engine", Table::Align::kLeft},
               {"speed-up", Table::Align::kRight},
               {"energy ratio", Table::Align::kRight}});
  for (const Json& one : comparisons) {
    for (const Json& row : list_at(one, {"rows"})) {
      const bool is_baseline = bool_at(row, {"is_baseline"}).value_or(false);
      table.add_row({markdown_text(text_at(one, {"model"}).value_or("?")),
                     markdown_text(case_view({{"workload", member(one, {"workload"})}}).shape),
                     markdown_text(text_at(one, {"phase"}).value_or("?")),
                     markdown_text(text_at(row, {"engine"}).value_or("?")),
                     markdown_text(ratio_cell(member(row, {"speedup"}), is_baseline)),
                     markdown_text(ratio_cell(member(row, {"energy_ratio"}), is_baseline))});
    }
  }
  return fmt::format(
      "## Engines side by side\n\n{}\nSpeed-up above 1 is faster than the baseline; energy ratio "
      "below 1 is less; [ ]: 95 % intervals.\n\n",
      table.text());
}

std::string notes_section(const Json& payload) {
  std::string text;
  for (const Json& note : list_at(payload, {"notes"})) {
    if (note.is_string()) text += fmt::format("- {}\n", clean(note.get<std::string>()));
  }
  return text.empty() ? text : fmt::format("## Before you believe these numbers\n\n{}\n", text);
}

std::string head(const Json& payload) {
  std::string text = fmt::format("{}\n# {}\n\n", kReportMark,
                                 clean(text_at(payload, {"title"}).value_or("Ridgeline")));
  for (const Json& machine : list_at(payload, {"machines"})) {
    const std::string line = machine_line(machine);
    if (!line.empty()) text += fmt::format("- Machine: {}\n", clean(line));
  }
  const auto cases = list_at(payload, {"cases"}).size();
  const auto failed = std::count_if(
      list_at(payload, {"cases"}).begin(), list_at(payload, {"cases"}).end(),
      [](const Json& one) { return text_at(one, {"record", "outcome", "status"}) == "failed"; });
  std::string results = fmt::format("{} case{}", cases, cases == 1 ? "" : "s");
  if (failed > 0) results += fmt::format(", {} failed", failed);
  text += fmt::format("- Results: {}\n", results);
  std::set<std::string> engines;
  for (const Json& one : list_at(payload, {"cases"})) {
    const auto name = text_at(one, {"record", "engine", "name"});
    const auto version = text_at(one, {"record", "engine", "version"});
    if (name) engines.insert(*name + (version ? " " + *version : ""));
  }
  text += fmt::format(
      "- Versions: ridgeline {}{}{}\n\n", clean(text_at(payload, {"ridgeline"}).value_or("?")),
      engines.empty() ? "" : ", engines: ", clean(fmt::format("{}", fmt::join(engines, ", "))));
  return text;
}

std::string commands_section(const Json& payload) {
  std::string text;
  for (const Json& run : list_at(payload, {"runs"})) {
    const auto command = text_at(run, {"command"});
    const auto created = text_at(run, {"created"});
    text += fmt::format("- {}", command ? markdown_code(*command) : std::string("command unknown"));
    if (created) text += fmt::format(", {}", clean(*created));
    text += fmt::format(", in {}\n",
                        markdown_code(text_at(run, {"folder"}).value_or(std::string(kNone))));
  }
  return text.empty() ? text : fmt::format("## Measured with\n\n{}", text);
}

}  // namespace

std::string markdown_text(std::string_view text) {
  std::string escaped;
  const std::string line = printable(text);
  const auto is_word = [&](std::size_t at) {
    if (at >= line.size()) return false;
    const auto c = static_cast<unsigned char>(line[at]);
    return c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  };
  for (std::size_t i = 0; i < line.size(); ++i) {
    switch (line[i]) {
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '&':
        escaped += "&amp;";
        break;
      case '_':
        // Within a word it means nothing, and "audio_second" reads better without a backslash.
        escaped += i > 0 && is_word(i - 1) && is_word(i + 1) ? "_" : "\\_";
        break;
      case '\\':
      case '`':
      case '*':
      case '[':
      case ']':
      case '~':
        escaped += '\\';
        [[fallthrough]];
      default:
        escaped += line[i];
    }
  }
  return escaped;
}

std::string markdown_code(std::string_view text) {
  const std::string line = cut(printable(text), kMostLine);
  std::size_t longest = 0;
  std::size_t run = 0;
  for (const char c : line) {
    run = c == '`' ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  const std::string fence(longest + 1, '`');
  const std::string space = longest > 0 ? " " : "";
  return fence + space + line + space + fence;
}

std::string markdown_report(const Json& payload) {
  std::string text = head(payload);
  text += "## Results\n\n" + results_table(payload) + "\n";
  if (any_within_invocation(payload)) {
    text += "\\* the interval speaks of one process only: give more invocations\n\n";
  }
  text += limits_section(payload);
  text += engines_section(payload);
  text += notes_section(payload);
  text += commands_section(payload);
  return text;
}

}  // namespace ridgeline::report
