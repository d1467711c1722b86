// Pairs of cases, verdicts over their family, and what a reader must know of them.
#include "analysis/run_comparison.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "analysis/holm.hpp"
#include "analysis/record_figures.hpp"
#include "base/json_values.hpp"

namespace ridgeline::analysis {
namespace {

constexpr std::size_t kShownCauses = 3;
constexpr std::size_t kShownText = 60;

std::string shortened(const std::string& text) {
  std::size_t end = kShownText;
  while (end > 0 && end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0u) == 0x80) {
    --end;  // not within a character
  }
  return text.size() <= kShownText ? text : text.substr(0, end) + "…";
}

std::string in_words(const std::vector<Unlike>& list) {
  std::string text;
  for (std::size_t i = 0; i < std::min(list.size(), kShownCauses); ++i) {
    text += fmt::format("{}{} is {} and {}", i == 0 ? "" : ", ", list[i].member,
                        shortened(list[i].base), shortened(list[i].now));
  }
  if (list.size() > kShownCauses) text += fmt::format(", and {} more", list.size() - kShownCauses);
  return text;
}

void add_unique(std::vector<Unlike>& list, const std::vector<Unlike>& more) {
  for (const Unlike& one : more) {
    if (std::find(list.begin(), list.end(), one) == list.end()) list.push_back(one);
  }
}

// The first flag that says not to use the numbers of a record.
std::string why_invalid(const Json& record) {
  for (const Json& flag : entry_of(entry_of(record, "validity"), "flags")) {
    if (text_in(flag, "severity") != "invalid") continue;
    return fmt::format("{} ({})", text_in(flag, "id"), text_in(flag, "detail"));
  }
  return {};
}

// How far a phase moved within one process at most, where the record says that this is no chance:
// an equal change from one run to the next is then none of the code's.
double movement(const Json& record, const std::string& phase) {
  const Json& flags = entry_of(entry_of(record, "validity"), "flags");
  const bool flagged = std::any_of(flags.begin(), flags.end(),
                                   [](const Json& flag) { return text_in(flag, "id") == "drift"; });
  double most = 0;
  if (!flagged || phase.empty()) return most;
  for (const Json& invocation : entry_of(record, "invocations")) {
    const auto drift = number_in(entry_of(entry_of(invocation, "phases"), phase), "drift");
    if (drift && std::isfinite(*drift)) most = std::max(most, std::abs(*drift));
  }
  return most;
}

// Flags of a side that weigh on its numbers, and more than one of them of the same kind as one.
std::map<std::string, std::string> grave_flags(const Json& record) {
  std::map<std::string, std::string> flags;
  for (const Json& flag : entry_of(entry_of(record, "validity"), "flags")) {
    const std::string severity = text_in(flag, "severity");
    if (severity != "warn" && severity != "invalid") continue;
    flags.try_emplace(text_in(flag, "id"), text_in(flag, "detail"));
  }
  return flags;
}

void add_flag_notes(const Json& base, const Json& now, std::vector<std::string>& notes) {
  const auto ours = grave_flags(base);
  const auto theirs = grave_flags(now);
  for (const auto& [id, detail] : ours) {
    const bool both = theirs.count(id) > 0;
    notes.push_back(fmt::format("{} in {}: {}", id, both ? "BASE and NEW" : "BASE", detail));
  }
  for (const auto& [id, detail] : theirs) {
    if (ours.count(id) == 0) notes.push_back(fmt::format("{} in NEW: {}", id, detail));
  }
}

// Knobs in force, "attention": "flash"; whatever was asked for.
std::map<std::string, std::string> knobs_in_force(const Json& record) {
  std::map<std::string, std::string> knobs;
  for (const Json& knob : entry_of(record, "optimizations")) {
    const Json& value = entry_of(knob, "value");
    if (value.is_null()) continue;
    knobs[text_in(knob, "id")] = value.is_string() ? value.get<std::string>() : to_line(value);
  }
  return knobs;
}

void add_outcome_notes(const Json& base, const Json& now, std::vector<std::string>& notes) {
  for (const auto& [side, record] : {std::pair("BASE", &base), std::pair("NEW", &now)}) {
    const Json& outcome = entry_of(*record, "outcome");
    const std::string status = text_in(outcome, "status");
    if (status != "partial" && status != "failed") continue;
    notes.push_back(fmt::format("{} in {}: {}: {}", status, side, text_in(outcome, "class"),
                                text_in(outcome, "reason")));
  }
}

std::vector<std::string> notes_of(const Json& base, const Json& now, const Across& across) {
  std::vector<std::string> notes;
  add_outcome_notes(base, now, notes);
  const bool same_engine =
      text_in(entry_of(base, "engine"), "name") == text_in(entry_of(now, "engine"), "name");
  const auto ours = knobs_in_force(base);
  for (const auto& [id, value] : knobs_in_force(now)) {
    const auto before = ours.find(id);
    if (!same_engine || before == ours.end() || before->second == value) continue;
    notes.push_back(fmt::format("{} was {} in BASE and is {} in NEW", id, before->second, value));
  }
  const auto digest = [](const Json& record) {
    return text_in(entry_of(entry_of(record, "workload"), "inputs"), "digest");
  };
  if (across.members.any() && !other("input", digest(base), digest(now)).empty()) {
    notes.emplace_back("the inputs of BASE and NEW are not the same bytes");
  }
  add_flag_notes(base, now, notes);
  return notes;
}

CaseComparison compare_case(const Json& base, const Json& now,
                            const RunComparisonOptions& options) {
  CaseComparison comparison;
  comparison.name = case_name(base, options);
  comparison.newly_failed = has_failed(now) && !has_failed(base);
  comparison.ignored = ignored_differences(manifest_of(base), manifest_of(now), options.across);
  comparison.notes = notes_of(base, now, options.across);
  if (has_failed(now) || has_failed(base)) return comparison;
  std::vector<Figures> all;
  for (const std::string& phase : phases_of_both(base, now)) {
    if (phase_of(now, phase).is_null()) comparison.missing_phases.push_back(phase);
    for (Figures& one : phase_figures(base, now, phase, options.metrics)) {
      all.push_back(std::move(one));
    }
  }
  for (Figures& one : case_figures(base, now, options.metrics)) all.push_back(std::move(one));
  // Bytes do not depend on clocks and heat.
  const std::string ours = why_invalid(base);
  const std::string theirs = why_invalid(now);
  for (Figures& one : all) {
    if (one.difference && !(ours.empty() && theirs.empty())) {
      one.reason = fmt::format("{} is not valid: {}", theirs.empty() ? "BASE" : "NEW",
                               theirs.empty() ? ours : theirs);
      one.difference.reset();
    }
    MetricComparison& metric = comparison.metrics.emplace_back();
    metric.moved = std::max(movement(base, one.phase), movement(now, one.phase));
    metric.figures = std::move(one);
  }
  return comparison;
}

// What can be said of one metric without looking at the others.
void measure(MetricComparison& metric, const Rule& rule) {
  const Figures& figures = metric.figures;
  metric.reason = figures.reason;
  if (figures.base && figures.now && *figures.base > 0) {
    metric.effect = *figures.now / *figures.base - 1;
  }
  if (!figures.difference) return;
  metric.p = p_value(*figures.difference, rule.margin + metric.moved);
  // Of rates the cost is the reciprocal.
  LogDifference shown = *figures.difference;
  if (figures.higher_is_better) shown.center = -shown.center;
  metric.effect = std::expm1(shown.center);
  if (const auto interval = ratio_interval(shown, rule.confidence)) {
    metric.interval = Interval{interval->low - 1, interval->high - 1};
  }
}

void decide(MetricComparison& metric, const Rule& rule, std::int64_t family) {
  const Figures& figures = metric.figures;
  if (figures.method == Method::kExact) {
    metric.verdict = verdict_exact(*figures.base, *figures.now, rule.margin);
    return;
  }
  if (!figures.difference) return;
  const LogDifference& difference = *figures.difference;
  const Rule beyond{rule.margin + metric.moved, rule.confidence};
  const auto differs = [](Verdict verdict) {
    return verdict == Verdict::kFaster || verdict == Verdict::kSlower;
  };
  const Verdict alone = verdict_alone(difference, rule);
  metric.verdict = verdict_among(difference, *metric.p_holm, beyond);
  if (differs(metric.verdict)) return;
  metric.verdict = alone == Verdict::kSame ? alone : Verdict::kUndecided;
  if (metric.verdict == Verdict::kSame) return;
  const Verdict alone_beyond = verdict_alone(difference, beyond);
  if (differs(alone_beyond)) {
    metric.reason =
        fmt::format("{} alone (p = {:.2g}), but not among {} comparisons (Holm: {:.2g})",
                    verdict_name(alone_beyond), *metric.p, family, *metric.p_holm);
  } else if (differs(alone)) {
    metric.reason = fmt::format(
        "the phase moved by {:.1f} % while one process measured it, so only a change beyond "
        "{:.1f} % counts: measure BASE and NEW in turns, on a quieter machine",
        100 * metric.moved, 100 * beyond.margin);
  } else {
    metric.reason = "the interval reaches across a margin";
  }
}

void decide_all(RunComparison& comparison) {
  std::vector<MetricComparison*> tests;
  std::vector<double> p;
  for (CaseComparison& one : comparison.cases) {
    for (MetricComparison& metric : one.metrics) {
      measure(metric, comparison.rule);
      if (!metric.p) continue;
      tests.push_back(&metric);
      p.push_back(*metric.p);
    }
  }
  const std::vector<double> adjusted = holm_adjusted(p);
  for (std::size_t i = 0; i < tests.size(); ++i) tests[i]->p_holm = adjusted[i];
  comparison.family = static_cast<std::int64_t>(tests.size());
  for (CaseComparison& one : comparison.cases) {
    for (MetricComparison& metric : one.metrics) decide(metric, comparison.rule, comparison.family);
  }
}

// Two cases may have one name: what sets them apart stands in few cases only.
void tell_names_apart(RunComparison& comparison, const std::vector<Json>& base) {
  std::map<std::string, int> uses;
  for (const CaseComparison& one : comparison.cases) ++uses[one.name];
  for (CaseComparison& one : comparison.cases) {
    if (uses[one.name] > 1) one.name += fmt::format(" ({})", text_in(base[one.base], "id"));
  }
}

std::vector<std::string> notes_of_all(const RunComparison& comparison,
                                      const std::vector<Json>& base, const std::vector<Json>& now,
                                      const RunComparisonOptions& options) {
  std::vector<std::string> notes;
  if (comparison.comparisons() == 0) notes.emplace_back("nothing could be compared");
  bool synthetic = false;
  bool exact = false;
  std::set<std::string> seen;
  for (const CaseComparison& one : comparison.cases) {
    for (const Json* record : {&base[one.base], &now[one.now]}) {
      synthetic = synthetic || entry_of(entry_of(*record, "model"), "synthetic") == true;
    }
    for (const MetricComparison& metric : one.metrics) {
      seen.insert(metric.figures.metric);
      exact = exact || metric.figures.method == Method::kExact;
    }
  }
  if (synthetic) {
    notes.emplace_back("synthetic weights: times are real, outputs mean nothing");
  }
  if (exact) {
    notes.emplace_back(
        "memory: bytes that an allocator counted do not spread: compared as they are");
  }
  for (const std::string& metric : options.metrics) {
    const bool usual = options.metrics == default_metrics();
    const bool found = std::any_of(seen.begin(), seen.end(), [&](const std::string& name) {
      return name == metric || (metric == "energy" && name.starts_with("energy"));
    });
    if (!usual && !found) notes.push_back(fmt::format("no case of either run has {}", metric));
  }
  return notes;
}

}  // namespace

std::optional<double> MetricComparison::loss() const {
  if (!effect || !figures.higher_is_better) return effect;
  return 1 / (1 + *effect) - 1;
}

std::int64_t RunComparison::count(Verdict verdict) const {
  std::int64_t count = 0;
  for (const CaseComparison& one : cases) {
    count += std::count_if(one.metrics.begin(), one.metrics.end(),
                           [&](const MetricComparison& m) { return m.verdict == verdict; });
  }
  return count;
}

std::int64_t RunComparison::comparisons() const {
  std::int64_t count = 0;
  for (const CaseComparison& one : cases) count += static_cast<std::int64_t>(one.metrics.size());
  return count;
}

std::string case_name(const Json& record, const RunComparisonOptions& options) {
  if (options.name_of) return options.name_of(record);
  return text_in(entry_of(record, "configuration"), "model");
}

Result<RunComparison> compare_runs(const std::vector<Json>& base, const std::vector<Json>& now,
                                   const RunComparisonOptions& options) {
  if (base.size() > kMostCases || now.size() > kMostCases) {
    return bad_input(
        fmt::format("{} and {} cases, more than {}", base.size(), now.size(), kMostCases),
        "compare fewer at a time");
  }
  RunComparison comparison;
  comparison.rule = options.rule;
  comparison.across = options.across.names;
  comparison.metrics = options.metrics;
  comparison.matching = match_cases(base, now, options.across);
  for (const auto& [i, j] : comparison.matching.pairs) {
    const MachineLikeness likeness = compare_machines(base[i], now[j]);
    if (!likeness.unlike.empty() && !options.across.machine) {
      return bad_input(fmt::format("BASE and NEW were measured on unlike machines: {}",
                                   in_words(likeness.unlike)),
                       "measure both on one machine, or give --across machine");
    }
    add_unique(comparison.machines, likeness.unlike);
    add_unique(comparison.changed, likeness.changed);
    CaseComparison& one = comparison.cases.emplace_back(compare_case(base[i], now[j], options));
    one.base = i;
    one.now = j;
  }
  tell_names_apart(comparison, base);
  decide_all(comparison);
  comparison.notes = notes_of_all(comparison, base, now, options);
  return comparison;
}

void add_power(RunComparison& comparison) {
  InvocationsNeeded needed(comparison.rule, comparison.family);
  for (CaseComparison& one : comparison.cases) {
    for (MetricComparison& metric : one.metrics) {
      const Figures& figures = metric.figures;
      if (!figures.difference) continue;
      metric.finds =
          smallest_slowdown_found(*figures.difference, comparison.rule, comparison.family);
      if (figures.spread) metric.needs = needed(*figures.spread);
    }
  }
}

std::string summary_line(const RunComparison& comparison) {
  const auto of = [&](Verdict verdict) {
    return fmt::format("{} {}", comparison.count(verdict), verdict_name(verdict));
  };
  const std::int64_t n = comparison.comparisons();
  return fmt::format("{} comparison{}: {}, {}, {}, {}", n, n == 1 ? "" : "s", of(Verdict::kFaster),
                     of(Verdict::kSlower), of(Verdict::kSame), of(Verdict::kUndecided));
}

}  // namespace ridgeline::analysis
