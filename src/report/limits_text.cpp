// Lines of limits.
#include "report/limits_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "analysis/case_analysis.hpp"
#include "analysis/limit_words.hpp"
#include "report/case_labels.hpp"
#include "report/text.hpp"

namespace ridgeline::report {
namespace {

using analysis::PhaseAnalysis;

constexpr std::size_t kMostLines = 20;
constexpr std::size_t kMostNames = 4;
constexpr std::size_t kMostWidth = 500;
constexpr double kSmallPart = 0.1;

struct Line {
  std::string text;
  std::vector<std::string> names;
};

double latency_of(const PhaseAnalysis& phase) {
  return phase.waterfall.latency.value_or(0);
}

bool is_shown(const PhaseAnalysis& phase, const analysis::CaseAnalysis& analysis) {
  if (phase.name == "postprocess") return false;
  if (phase.name != "preprocess") return true;
  double all = 0;
  for (const PhaseAnalysis& one : analysis.phases) all += latency_of(one);
  return latency_of(phase) >= kSmallPart * all;
}

std::string advice_text(const PhaseAnalysis& phase) {
  if (phase.advice.empty()) return {};
  const analysis::Advice& best = phase.advice.front();
  std::string text = " Next: " + best.what;
  if (best.gain) text += fmt::format(" (at most {})", analysis::gain_words(best.gain->high));
  return text + ".";
}

std::string text_of(const PhaseAnalysis& phase) {
  return fmt::format("{}. {}{}", phase.limit.headline, phase.limit.evidence, advice_text(phase));
}

void add(std::vector<Line>& lines, std::string text, std::string name) {
  const auto at =
      std::find_if(lines.begin(), lines.end(), [&](const Line& one) { return one.text == text; });
  if (at != lines.end()) {
    at->names.push_back(std::move(name));
  } else {
    lines.push_back({std::move(text), {std::move(name)}});
  }
}

std::string names_text(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < std::min(kMostNames, names.size()); ++i) {
    text += (text.empty() ? "" : ", ") + names[i];
  }
  if (names.size() > kMostNames) text += fmt::format(" and {} more", names.size() - kMostNames);
  return text;
}

}  // namespace

std::string limits_text(const std::vector<Json>& records, const std::vector<CaseView>& views) {
  std::vector<Line> lines;
  const std::vector<std::string> labels =
      case_labels(views, std::vector<std::string>(views.size()));
  for (std::size_t i = 0; i < records.size(); ++i) {
    const analysis::CaseAnalysis analysis = analysis::analyse(records[i]);
    for (const PhaseAnalysis& phase : analysis.phases) {
      if (!is_shown(phase, analysis)) continue;
      add(lines, text_of(phase), records.size() > 1 ? labels[i] + " " + phase.name : phase.name);
    }
  }
  std::string text;
  for (std::size_t i = 0; i < std::min(kMostLines, lines.size()); ++i) {
    const std::string line = fmt::format("{}: {}", names_text(lines[i].names), lines[i].text);
    text += "- " + cut(printable(line), kMostWidth) + "\n";
  }
  if (lines.size() > kMostLines) {
    text += fmt::format("- … {} more in the report\n", lines.size() - kMostLines);
  }
  return text;
}

}  // namespace ridgeline::report
