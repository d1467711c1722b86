// Reads --fail-on and applies it.
#include "analysis/run_comparison_gate.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

#include "analysis/record_figures.hpp"
#include "base/nearest.hpp"

namespace ridgeline::analysis {
namespace {

constexpr std::string_view kExample = "write for example slower:5%,energy:5%,missing";
constexpr std::array<std::string_view, 5> kKinds = {"slower", "energy", "memory", "undecided",
                                                    "missing"};
constexpr double kLargest = 100;  // times

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(' ');
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(' ') - begin + 1);
}

// What stands in quotes comes from the user and ends in a message.
std::string quoted(std::string_view text) {
  return fmt::format("'{}'", text.substr(0, 40));
}

Result<double> parse_loss(std::string_view text, std::string_view part) {
  const bool percent = text.ends_with('%');
  const std::string_view digits = trimmed(percent ? text.substr(0, text.size() - 1) : text);
  double value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value,
                                            std::chars_format::fixed);
  if (error != std::errc() || end != digits.data() + digits.size() || digits.empty()) {
    return bad_input(fmt::format("--fail-on: {} has no number", quoted(part)),
                     std::string(kExample));
  }
  if (percent) value /= 100;
  if (!percent && value >= 1) {
    return bad_input(fmt::format("--fail-on: {} has no unit", quoted(part)),
                     fmt::format("write {}%", text));
  }
  if (!(value > 0 && value <= kLargest)) {
    return bad_input(fmt::format("--fail-on: {} is not above 0", quoted(part)),
                     "leave the number out to fail on any");
  }
  return value;
}

Status take_part(std::string_view part, Gate& gate) {
  const auto colon = part.find(':');
  const std::string_view kind = trimmed(part.substr(0, colon));
  const bool has_loss = colon != std::string_view::npos;
  const auto twice = [&] {
    return bad_input(fmt::format("--fail-on: {} stands twice", quoted(kind)));
  };
  if (kind == "undecided" || kind == "missing") {
    bool& flag = kind == "undecided" ? gate.undecided : gate.missing;
    if (has_loss) return bad_input(fmt::format("--fail-on: {} takes no number", quoted(kind)));
    if (flag) return twice();
    flag = true;
    return {};
  }
  std::optional<double>* loss = kind == "slower"   ? &gate.slower
                                : kind == "energy" ? &gate.energy
                                : kind == "memory" ? &gate.memory
                                                   : nullptr;
  if (loss == nullptr) {
    return bad_input(fmt::format("--fail-on: {} is nothing to fail on", quoted(kind)),
                     suggestion(kind, kKinds));
  }
  if (*loss) return twice();
  *loss = 0;
  if (!has_loss) return {};
  RIDGELINE_TRY(*loss, parse_loss(trimmed(part.substr(colon + 1)), part));
  return {};
}

const std::optional<double>& limit_of(const Gate& gate, MetricGroup group) {
  switch (group) {
    case MetricGroup::kEnergy:
      return gate.energy;
    case MetricGroup::kMemory:
      return gate.memory;
    case MetricGroup::kTime:
      break;
  }
  return gate.slower;
}

std::string where(const CaseComparison& one, const Figures& figures) {
  return fmt::format("{}{}{}, {}", one.name, figures.phase.empty() ? "" : " ", figures.phase,
                     figures.metric);
}

void add_metric(const CaseComparison& one, const MetricComparison& metric, const Gate& gate,
                std::vector<std::string>& reasons) {
  if (metric.verdict == Verdict::kUndecided) {
    if (gate.undecided) {
      reasons.push_back(
          fmt::format("UNDECIDED: {}: {}", where(one, metric.figures), metric.reason));
    }
    return;
  }
  const std::optional<double>& limit = limit_of(gate, metric.figures.group);
  if (metric.verdict != Verdict::kSlower || !limit) return;
  const auto loss = metric.loss();
  // Of 0 bytes that became some there is no share.
  if (loss && *loss < *limit) return;
  const std::string by = loss ? fmt::format("by {:.2f} %", 100 * *loss) : "from nothing";
  reasons.push_back(fmt::format("SLOWER {}: {}", by, where(one, metric.figures)));
}

}  // namespace

Result<Gate> parse_gate(std::string_view text) {
  Gate gate;
  for (;;) {
    const auto comma = text.find(',');
    const std::string_view part = trimmed(text.substr(0, comma));
    if (part.empty()) {
      return bad_input("--fail-on: a part is empty", std::string(kExample));
    }
    RIDGELINE_CHECK(take_part(part, gate));
    if (comma == std::string_view::npos) return gate;
    text.remove_prefix(comma + 1);
  }
}

std::vector<std::string> trips(const RunComparison& comparison, const std::vector<Json>& base,
                               const Gate& gate, const RunComparisonOptions& options) {
  std::vector<std::string> reasons;
  for (const CaseComparison& one : comparison.cases) {
    if (one.newly_failed) reasons.push_back(fmt::format("failed in NEW only: {}", one.name));
    for (const MetricComparison& metric : one.metrics) add_metric(one, metric, gate, reasons);
    if (!gate.missing) continue;
    for (const std::string& phase : one.missing_phases) {
      reasons.push_back(fmt::format("missing in NEW: {} {}", one.name, phase));
    }
  }
  if (gate.missing) {
    for (const Unmatched& one : comparison.matching.base) {
      if (has_failed(base[one.record])) continue;
      reasons.push_back(fmt::format("missing in NEW: {}", case_name(base[one.record], options)));
    }
    for (const Ambiguous& group : comparison.matching.ambiguous) {
      reasons.push_back(
          fmt::format("several fit: {}", case_name(base[group.base.front()], options)));
    }
  }
  if (comparison.comparisons() == 0) reasons.emplace_back("nothing could be compared");
  return reasons;
}

}  // namespace ridgeline::analysis
