// Cells and notes of a comparison of two runs.
#include "report/run_comparison_parts.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "report/format.hpp"
#include "report/text.hpp"

namespace ridgeline::report {
namespace {

using analysis::CaseComparison;
using analysis::MetricComparison;
using analysis::MetricGroup;
using analysis::Unlike;
using analysis::Verdict;

constexpr std::size_t kMaxValue = 60;
constexpr std::size_t kMostDiffers = 3;
constexpr std::size_t kMostUnmatched = 50;

// Percent with the digits that a comparison of a percent needs.
std::string signed_percent(double share) {
  const double percent = 100 * share;
  const int decimals = std::abs(percent) < 10 ? 2 : std::abs(percent) < 1000 ? 1 : 0;
  if (std::abs(percent) >= 1e7) return fmt::format("{:+.2e}", percent);
  return fmt::format("{:+.{}f}", percent, decimals);
}

std::string clean(const std::string& text) {
  return cut(printable(text), kMaxValue);
}

std::string unlike_text(const Unlike& one) {
  return fmt::format("{}: {} → {}", clean(one.member), clean(one.base), clean(one.now));
}

// Lines in the order in which they first came, each with the names it came with.
class Notes {
 public:
  void add(const std::string& line, const std::string& name) {
    const auto [place, is_new] = at_.try_emplace(line, lines_.size());
    if (is_new) lines_.push_back({line, {}});
    auto& names = lines_[place->second].names;
    if (names.empty() || names.back() != name) names.push_back(name);
  }

  std::vector<std::string> lines() const {
    std::vector<std::string> all;
    for (const Line& line : lines_) {
      all.push_back(line.names.size() == 1
                        ? fmt::format("{} ({})", line.text, line.names.front())
                        : fmt::format("{} ({} and {} more)", line.text, line.names.front(),
                                      line.names.size() - 1));
    }
    return all;
  }

 private:
  struct Line {
    std::string text;
    std::vector<std::string> names;
  };
  std::vector<Line> lines_;
  std::map<std::string, std::size_t> at_;
};

std::string differs_text(std::vector<Unlike> differs) {
  // Digests say nothing to a reader; beside another difference they only follow from it.
  const auto digest = std::find_if(differs.begin(), differs.end(),
                                   [](const Unlike& one) { return one.member == "inputs"; });
  if (differs.size() > 1 && digest != differs.end()) differs.erase(digest);
  std::string text;
  for (std::size_t i = 0; i < std::min(differs.size(), kMostDiffers); ++i) {
    text += (i == 0 ? "" : ", ") + unlike_text(differs[i]);
  }
  if (differs.size() > kMostDiffers) {
    text += fmt::format(", and {} more", differs.size() - kMostDiffers);
  }
  return text;
}

void add_unmatched(const std::vector<analysis::Unmatched>& list, const char* lacks,
                   const char* other_side, const std::vector<Json>& own,
                   const std::vector<Json>& others, const analysis::RunComparisonOptions& options,
                   std::vector<std::string>& lines) {
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (i == kMostUnmatched) {
      lines.push_back(fmt::format("{}: {} more cases", lacks, list.size() - i));
      return;
    }
    const analysis::Unmatched& one = list[i];
    std::string line = fmt::format("{}: {}", lacks, printable(case_name(own[one.record], options)));
    if (one.nearest) {
      line += fmt::format("; nearest in {}: {} ({})", other_side,
                          printable(case_name(others[*one.nearest], options)),
                          differs_text(one.differs));
    }
    lines.push_back(std::move(line));
  }
}

}  // namespace

std::string comparison_value(const std::optional<double>& value, const std::string& unit) {
  if (!value) return std::string(kNone);
  if (unit == "s") return format_time(*value);
  if (unit == "B") return format_bytes(*value);
  if (unit == "J") return format_energy(*value);
  return unit == "1" || unit.empty() ? format_rate(*value)
                                     : fmt::format("{} {}", format_rate(*value), printable(unit));
}

std::string change_text(const MetricComparison& metric) {
  if (!metric.effect || !std::isfinite(*metric.effect)) return std::string(kNone);
  const std::string effect = signed_percent(*metric.effect);
  if (!metric.interval) return effect + " %";
  return fmt::format("{} % [{}, {}]", effect, signed_percent(metric.interval->low),
                     signed_percent(metric.interval->high));
}

std::string verdict_text(const MetricComparison& metric) {
  std::string text(verdict_name(metric.verdict));
  if (metric.figures.group == MetricGroup::kTime) return text;
  if (metric.verdict == Verdict::kSlower) text += " (more)";
  if (metric.verdict == Verdict::kFaster) text += " (less)";
  return text;
}

std::string finds_text(const MetricComparison& metric) {
  return format_optional(metric.finds, format_percent);
}

std::string count_text(const MetricComparison& metric) {
  return fmt::format("{}/{}", metric.figures.base_n, metric.figures.now_n);
}

std::string needs_text(const MetricComparison& metric) {
  if (metric.needs) return fmt::format("{}", *metric.needs);
  const bool beyond = metric.figures.difference && metric.figures.spread;
  return beyond ? ">10000" : std::string(kNone);
}

std::string phase_text(const MetricComparison& metric) {
  return metric.figures.phase.empty() ? std::string(kNone) : metric.figures.phase;
}

std::vector<std::string> unlike_lines(const std::vector<Unlike>& list) {
  std::vector<std::string> lines;
  for (const Unlike& one : list) {
    std::string line = unlike_text(one);
    if (std::find(lines.begin(), lines.end(), line) == lines.end()) {
      lines.push_back(std::move(line));
    }
  }
  return lines;
}

std::vector<std::string> ignored_lines(const analysis::RunComparison& comparison) {
  std::vector<Unlike> all;
  for (const CaseComparison& one : comparison.cases) {
    for (const Unlike& member : one.ignored) {
      // Digests say nothing to a reader; that they differ stands in the notes.
      if (member.member != "inputs") all.push_back(member);
    }
  }
  all.insert(all.end(), comparison.machines.begin(), comparison.machines.end());
  return unlike_lines(all);
}

std::string rule_line(const analysis::RunComparison& comparison) {
  const auto percent = [](double share) { return fmt::format("{:.4g} %", 100 * share); };
  if (comparison.family == 0) return "margin ±" + percent(comparison.rule.margin);
  return fmt::format("margin ±{}; {} intervals; {} for any false verdict among {} test{} (Holm)",
                     percent(comparison.rule.margin), percent(comparison.rule.confidence),
                     percent(comparison.rule.alpha()), comparison.family,
                     comparison.family == 1 ? "" : "s");
}

std::vector<std::string> note_lines(const RunComparisonView& view) {
  Notes notes;
  for (const CaseComparison& one : view.comparison.cases) {
    const std::string name = printable(one.name);
    for (const MetricComparison& metric : one.metrics) {
      if (metric.reason.empty()) continue;
      const std::string where =
          fmt::format("{}{}{}, {}", name, metric.figures.phase.empty() ? "" : " ",
                      printable(metric.figures.phase), printable(metric.figures.metric));
      notes.add("UNDECIDED: " + printable(metric.reason), where);
    }
    for (const std::string& phase : one.missing_phases) {
      notes.add("missing in NEW: phase " + printable(phase), name);
    }
    for (const std::string& note : one.notes) notes.add(printable(note), name);
  }
  std::vector<std::string> lines = notes.lines();
  for (const std::string& note : view.comparison.notes) lines.push_back(printable(note));
  return lines;
}

std::vector<std::string> unmatched_lines(const RunComparisonView& view) {
  std::vector<std::string> lines;
  const analysis::Matching& matching = view.comparison.matching;
  add_unmatched(matching.base, "only in BASE", "NEW", *view.base.records, *view.now.records,
                view.options, lines);
  add_unmatched(matching.now, "only in NEW", "BASE", *view.now.records, *view.base.records,
                view.options, lines);
  for (const analysis::Ambiguous& group : matching.ambiguous) {
    lines.push_back(fmt::format(
        "several fit: {} ({} in BASE, {} in NEW{}{}); give runs with one of each",
        printable(case_name((*view.base.records)[group.base.front()], view.options)),
        group.base.size(), group.now.size(), group.members.empty() ? "" : ", that differ in ",
        fmt::join(group.members, ", ")));
  }
  return lines;
}

}  // namespace ridgeline::report
