// The table of engines side by side.
#include "report/comparison_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>

#include "report/case_labels.hpp"
#include "report/format.hpp"
#include "report/record_view.hpp"
#include "report/table.hpp"
#include "report/text.hpp"

namespace ridgeline::report {
namespace {

using analysis::Compared;
using analysis::Comparison;
using analysis::ComparisonRow;
using analysis::RatioMethod;

constexpr std::size_t kMaxNote = 500;
// Ratios to a thousandth: what a good interval can tell apart.
constexpr int kRatioDecimals = 3;

bool any_row(const std::vector<Comparison>& comparisons,
             const std::function<bool(const ComparisonRow&)>& holds) {
  return std::any_of(comparisons.begin(), comparisons.end(), [&](const Comparison& one) {
    return std::any_of(one.rows.begin(), one.rows.end(), holds);
  });
}

std::string ratio_text(const Compared& compared, bool is_baseline) {
  if (is_baseline) return "baseline";
  if (!compared.ratio) return std::string(kNone);
  const analysis::Ratio& ratio = *compared.ratio;
  // Enough digits for 0.012 and for 120.
  const int decimals = ratio.value < 0.1  ? kRatioDecimals + 2
                       : ratio.value < 10 ? kRatioDecimals
                                          : 1;
  if (!ratio.ci95) return fmt::format("{:.{}f}×*", ratio.value, decimals);
  return fmt::format("{:.{}f}× [{:.{}f}, {:.{}f}]", ratio.value, decimals, ratio.ci95->low,
                     decimals, ratio.ci95->high, decimals);
}

const Json& phase_of(const Json& record, const std::string& name) {
  static const Json none;
  for (const Json& phase : list_at(record, {"phases"})) {
    if (text_at(phase, {"name"}) == name) return phase;
  }
  return none;
}

std::string latency_text(const Json& phase) {
  const MetricView latency = metric_at(member(phase, {"metrics"}), "latency");
  if (!latency.value) return std::string(kNone);
  if (!latency.half_width) return format_time(*latency.value);
  return format_time(*latency.value, *latency.half_width) +
         (latency.interval == "within_invocation" ? "*" : "");
}

std::string energy_text(const Json& phase) {
  const auto joules = metric_at(member(phase, {"metrics"}), "energy.gross").value;
  return joules ? format_energy(*joules) : std::string(kNone);
}

void add_unique(std::vector<std::string>& lines, const std::string& line) {
  const std::string clean = cut(printable(line), kMaxNote);
  if (std::find(lines.begin(), lines.end(), clean) == lines.end()) lines.push_back(clean);
}

bool made_by(const Compared& compared, RatioMethod method) {
  return compared.ratio && compared.ratio->method == method;
}

void speedup_notes(const std::vector<Comparison>& comparisons, std::vector<std::string>& lines) {
  for (const Comparison& one : comparisons) {
    add_unique(lines, fmt::format("speed-up: latency of {} / latency of the engine; above 1 is "
                                  "faster",
                                  one.baseline));
  }
  const auto any = [&](RatioMethod method) {
    return any_row(comparisons,
                   [&](const ComparisonRow& row) { return made_by(row.speedup, method); });
  };
  if (any(RatioMethod::kPaired)) {
    lines.emplace_back(
        "[ ] of a speed-up: 95 % t interval over the log ratios of invocations that ran next to "
        "each other, in alternating order");
  }
  if (any(RatioMethod::kWelch)) {
    lines.emplace_back(
        "[ ] of a speed-up with unequal numbers of invocations: Welch's 95 % interval on "
        "logarithms");
  }
  if (any(RatioMethod::kSingle)) {
    lines.emplace_back(
        "× with *: one invocation only, so no interval: the spread between processes is not seen; "
        "give more --invocations or --budget");
  }
  const bool finds = any_row(comparisons, [](const ComparisonRow& row) {
    return row.speedup.ratio && row.speedup.ratio->detectable;
  });
  if (finds) {
    lines.emplace_back(
        "finds: the smallest change that such a comparison finds 80 times out of 100");
  }
}

void energy_notes(const std::vector<Comparison>& comparisons, std::vector<std::string>& lines) {
  const bool any =
      any_row(comparisons, [](const ComparisonRow& row) { return row.energy.ratio.has_value(); });
  if (!any) return;
  for (const Comparison& one : comparisons) {
    add_unique(lines,
               fmt::format("energy ratio: joules a call / those of {}; below 1 is less; [ ]: "
                           "Welch's 95 % interval over the energy windows, of one process a "
                           "side",
                           one.baseline));
  }
}

}  // namespace

std::string comparison_table(const std::vector<Comparison>& comparisons,
                             const std::vector<Json>& records, const std::vector<CaseView>& views) {
  if (comparisons.empty()) return {};
  const bool energy =
      any_row(comparisons, [](const ComparisonRow& row) { return row.energy.ratio.has_value(); });
  using Align = Table::Align;
  std::vector<Table::Column> columns = {{"model"},
                                        {"dtype"},
                                        {"batch×seq", Align::kRight},
                                        {"phase"},
                                        {"engine"},
                                        {"latency ± 95 %", Align::kRight},
                                        {"speed-up", Align::kRight},
                                        {"finds", Align::kRight}};
  if (energy) {
    columns.push_back({"energy/call", Align::kRight});
    columns.push_back({"energy ratio", Align::kRight});
  }
  Table table(std::move(columns));
  for (const Comparison& one : comparisons) {
    for (const ComparisonRow& row : one.rows) {
      const CaseView& view = views[row.record];
      const Json& phase = phase_of(records[row.record], one.phase);
      const auto& ratio = row.speedup.ratio;
      table.add_row(
          {view.model, view.dtype, view.shape, one.phase, view.engine, latency_text(phase),
           ratio_text(row.speedup, row.is_baseline),
           ratio && ratio->detectable ? format_percent(*ratio->detectable) : std::string(kNone),
           energy_text(phase), ratio_text(row.energy, row.is_baseline)});
    }
  }
  return table.text();
}

std::vector<std::string> comparison_notes(const std::vector<Comparison>& comparisons,
                                          const std::vector<CaseView>& views) {
  std::vector<std::string> lines;
  if (comparisons.empty()) return lines;
  const bool energy =
      any_row(comparisons, [](const ComparisonRow& row) { return row.energy.ratio.has_value(); });
  const std::vector<std::string> labels =
      case_labels(views, std::vector<std::string>(views.size()));
  for (const Comparison& one : comparisons) {
    for (const ComparisonRow& row : one.rows) {
      const std::string where = fmt::format("{} {}", labels[row.record], one.phase);
      if (!row.speedup.ratio && !row.is_baseline) {
        add_unique(lines, fmt::format("no speed-up: {} ({})", row.speedup.reason, where));
      } else if (energy && !row.energy.ratio && !row.is_baseline) {
        add_unique(lines, fmt::format("no energy ratio: {} ({})", row.energy.reason, where));
      }
      for (const std::string& note : row.notes) {
        add_unique(lines, fmt::format("side by side: {} ({})", note, where));
      }
    }
  }
  speedup_notes(comparisons, lines);
  energy_notes(comparisons, lines);
  return lines;
}

}  // namespace ridgeline::report
