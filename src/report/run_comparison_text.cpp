// The table of a comparison on a terminal.
#include "report/run_comparison_text.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/json_values.hpp"
#include "report/run_comparison_parts.hpp"
#include "report/table.hpp"
#include "report/text.hpp"

namespace ridgeline::report {
namespace {

using analysis::CaseComparison;
using analysis::MetricComparison;

constexpr std::size_t kMaxNote = 500;
constexpr std::size_t kNameWidth = 8;

void add_line(std::string& text, const char* name, const std::string& value) {
  text += fmt::format("{} {}\n", pad(name, kNameWidth), cut(value, kMaxNote));
}

std::string side_text(const analysis::RunSide& side) {
  std::string created;
  for (const Json& record : *side.records) {
    created = std::max(created, text_in(record, "created"));
  }
  const std::size_t cases = side.records->size();
  return fmt::format("{} ({} case{}{}{})", printable(side.path), cases, cases == 1 ? "" : "s",
                     created.empty() ? "" : ", ", printable(created));
}

std::string table_text(const analysis::RunComparison& comparison) {
  using Align = Table::Align;
  Table table({{"case"},
               {"phase"},
               {"metric"},
               {"base", Align::kRight},
               {"new", Align::kRight},
               {fmt::format("change [{:.4g} %]", 100 * comparison.rule.confidence), Align::kRight},
               {"verdict"},
               {"n", Align::kRight},
               {"finds", Align::kRight},
               {"needs", Align::kRight}});
  for (const CaseComparison& one : comparison.cases) {
    for (const MetricComparison& metric : one.metrics) {
      table.add_row({one.name, phase_text(metric), metric.figures.metric,
                     comparison_value(metric.figures.base, metric.figures.unit),
                     comparison_value(metric.figures.now, metric.figures.unit), change_text(metric),
                     verdict_text(metric), count_text(metric), finds_text(metric),
                     needs_text(metric)});
    }
  }
  return table.rows() == 0 ? std::string() : table.text() + "\n";
}

}  // namespace

std::string run_comparison_text(const RunComparisonView& view) {
  const analysis::RunComparison& comparison = view.comparison;
  std::string text;
  add_line(text, "base", side_text(view.base));
  add_line(text, "new", side_text(view.now));
  for (const std::string& line : unlike_lines(comparison.changed)) add_line(text, "changed", line);
  for (const std::string& line : ignored_lines(comparison)) add_line(text, "ignored", line);
  add_line(text, "rule", rule_line(comparison));
  text += "\n" + table_text(comparison);

  std::vector<std::string> notes = unmatched_lines(view);
  for (std::string& line : note_lines(view)) notes.push_back(std::move(line));
  if (comparison.family > 0) {
    notes.emplace_back(
        "change: NEW / BASE − 1, of geometric means; n: invocations, or energy trials, of each");
    notes.emplace_back(fmt::format(
        "finds: the smallest slowdown that such a comparison calls SLOWER 80 times out of 100; "
        "needs: invocations a side that do so for {:.4g} %",
        200 * comparison.rule.margin));
  }
  for (const std::string& note : notes) text += "- " + cut(note, kMaxNote) + "\n";
  if (!notes.empty()) text += "\n";
  add_line(text, "result", analysis::summary_line(comparison));
  if (!view.gate) return text;
  if (view.gate->reasons.empty()) {
    add_line(text, "gate", fmt::format("passed ({})", printable(view.gate->spec)));
    return text;
  }
  add_line(text, "gate", fmt::format("FAILED ({})", printable(view.gate->spec)));
  for (const std::string& reason : view.gate->reasons) {
    text += "- " + cut(printable(reason), kMaxNote) + "\n";
  }
  return text;
}

}  // namespace ridgeline::report
