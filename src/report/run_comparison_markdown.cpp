// The comparison as a comment of a pull request.
#include <fmt/format.h>

#include "report/run_comparison_parts.hpp"
#include "report/run_comparison_text.hpp"
#include "report/text.hpp"

namespace ridgeline::report {
namespace {

using analysis::CaseComparison;
using analysis::MetricComparison;
using analysis::Verdict;

constexpr std::size_t kMaxCell = 80;
constexpr std::size_t kMaxNote = 500;

// Text that shows as it is: no markup, no HTML, no mention of a person.
std::string escaped(const std::string& text, std::size_t columns = kMaxNote) {
  std::string safe;
  for (const char c : cut(printable(text), columns)) {
    switch (c) {
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '&':
        safe += "&amp;";
        break;
      case '@':
        safe += "&#64;";
        break;
      case '\\':
      case '`':
      case '*':
      case '_':
      case '[':
      case ']':
      case '|':
      case '~':
      case '#':
        safe += '\\';
        safe += c;
        break;
      default:
        safe += c;
    }
  }
  return safe;
}

std::string row(const CaseComparison& one, const MetricComparison& metric) {
  const bool strong = metric.verdict == Verdict::kSlower || metric.verdict == Verdict::kFaster;
  const char* mark = strong ? "**" : "";
  return fmt::format("| {} | {} | {} | {} | {} | {} | {}{}{} | {} | {} | {} |\n",
                     escaped(one.name, kMaxCell), escaped(phase_text(metric), kMaxCell),
                     escaped(metric.figures.metric, kMaxCell),
                     escaped(comparison_value(metric.figures.base, metric.figures.unit), kMaxCell),
                     escaped(comparison_value(metric.figures.now, metric.figures.unit), kMaxCell),
                     escaped(change_text(metric), kMaxCell), mark, verdict_text(metric), mark,
                     count_text(metric), finds_text(metric), needs_text(metric));
}

// The rows whose verdict is SAME, or all the others; empty without any.
std::string table(const analysis::RunComparison& comparison, bool same) {
  std::string rows;
  for (const CaseComparison& one : comparison.cases) {
    for (const MetricComparison& metric : one.metrics) {
      if ((metric.verdict == Verdict::kSame) == same) rows += row(one, metric);
    }
  }
  if (rows.empty()) return {};
  return fmt::format(
      "| case | phase | metric | base | new | change [{:.4g} %] | verdict | n | finds | needs |\n"
      "| --- | --- | --- | ---: | ---: | ---: | --- | ---: | ---: | ---: |\n{}\n",
      100 * comparison.rule.confidence, rows);
}

std::string folded(const std::string& title, const std::string& body) {
  if (body.empty()) return {};
  return fmt::format("<details><summary>{}</summary>\n\n{}\n</details>\n\n", title, body);
}

std::string list(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += "- " + escaped(line) + "\n";
  return text;
}

std::string gate_text(const analysis::GateOutcome& gate) {
  if (gate.reasons.empty()) return fmt::format("Gate `{}`: passed.\n\n", printable(gate.spec));
  return fmt::format("Gate `{}`: **failed**.\n\n{}\n", printable(gate.spec), list(gate.reasons));
}

}  // namespace

std::string run_comparison_markdown(const RunComparisonView& view) {
  const analysis::RunComparison& comparison = view.comparison;
  std::string text = fmt::format("### {}\n\n", analysis::summary_line(comparison));
  if (view.gate) text += gate_text(*view.gate);
  text += table(comparison, false);
  const std::vector<std::string> unmatched = unmatched_lines(view);
  if (!unmatched.empty()) text += list(unmatched) + "\n";
  text += folded(fmt::format("{} SAME", comparison.count(Verdict::kSame)), table(comparison, true));
  std::vector<std::string> notes = {rule_line(comparison)};
  for (const std::string& line : unlike_lines(comparison.changed)) {
    notes.push_back("changed: " + line);
  }
  for (const std::string& line : ignored_lines(comparison)) notes.push_back("ignored: " + line);
  for (std::string& line : note_lines(view)) notes.push_back(std::move(line));
  text += folded("Notes", list(notes));
  return text;
}

}  // namespace ridgeline::report
