// Values of both sides, and the uncertainty of their ratio.
#include "analysis/run_comparison_metrics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "analysis/record_figures.hpp"
#include "base/json_values.hpp"
#include "base/statistics.hpp"
#include "base/student_t.hpp"

namespace ridgeline::analysis {
namespace {

constexpr double kRecordConfidence = 0.95;  // of ci95

// In the order of the enum.
constexpr std::array<std::string_view, 5> kMethodNames = {"welch_invocations", "welch_interval",
                                                          "welch_trials", "exact", ""};

bool is_of_case(std::string_view metric) {
  return metric.starts_with("memory.") || metric.starts_with("load.");
}

// One side of a figure.
struct Side {
  std::vector<double> values;  // one an invocation or trial
  std::optional<double> shown;
  std::size_t n = 0;
  std::string reason;  // why there is nothing to test with
};

Side side_of(std::vector<double> values, const std::string& reason) {
  Side side;
  std::erase_if(values, [](double value) { return !has_logarithm(value); });
  side.n = values.size();
  if (!values.empty()) side.shown = std::exp(mean(logs_of(values)));
  if (values.empty()) side.reason = reason;
  side.values = std::move(values);
  return side;
}

Figures begin(const std::string& metric, const std::string& phase, const char* unit) {
  Figures figures;
  figures.metric = metric;
  figures.phase = phase;
  figures.unit = unit;
  if (const MetricStem* stem = stem_of(metric)) {
    figures.group = stem->group;
    figures.higher_is_better = stem->higher_is_better;
  }
  return figures;
}

// "BASE has …", "NEW has …" or "both have …".
std::string of_sides(const std::string& base, const std::string& now) {
  if (base.empty()) return "NEW: " + now;
  if (now.empty()) return "BASE: " + base;
  return base == now ? "BASE and NEW: " + base : fmt::format("BASE: {}; NEW: {}", base, now);
}

std::string few_invocations(std::size_t n) {
  if (n == 0) return "no invocation measured it";
  return n == 1 ? "one invocation, so how far processes spread is not known; give --invocations 5"
                : "";
}

void set_shown(Figures& figures, const Side& base, const Side& now) {
  figures.base = base.shown;
  figures.now = now.shown;
  figures.base_n = base.n;
  figures.now_n = now.n;
}

// Welch on one value an invocation.
void compare_invocations(Figures& figures, const Side& base, const Side& now) {
  set_shown(figures, base, now);
  if (base.values.empty() || now.values.empty()) {
    figures.reason = of_sides(base.reason, now.reason);
    return;
  }
  if (base.values.size() < 2 || now.values.size() < 2) {
    figures.reason =
        of_sides(few_invocations(base.values.size()), few_invocations(now.values.size()));
    return;
  }
  const std::vector<double> ours = logs_of(base.values);
  const std::vector<double> theirs = logs_of(now.values);
  const std::array parts = {variance_of_mean(ours), variance_of_mean(theirs)};
  figures.method = Method::kInvocations;
  figures.difference = log_difference(mean(theirs) - mean(ours), parts);
  const double a = sample_sd(ours);
  const double b = sample_sd(theirs);
  figures.spread = std::sqrt((a * a + b * b) / 2);
}

// A metric that the record only has with its interval between invocations.
struct Stated {
  Side side;
  std::optional<VariancePart> part;  // of the log of the value
  std::string unit;
};

Stated stated(const Json& metric, std::size_t invocations) {
  Stated stated;
  stated.unit = text_in(metric, "unit");
  const auto value = number_in(metric, "value");
  if (!value || !has_logarithm(*value)) {
    const std::string why = text_in(metric, "reason");
    stated.side.reason = why.empty() ? "it was not measured" : why;
    return stated;
  }
  stated.side.shown = value;
  stated.side.n = invocations;
  const Json& interval = entry_of(metric, "ci95");
  const bool between = text_in(metric, "interval") == "between_invocations" &&
                       interval.is_array() && interval.size() == 2 && interval[0].is_number() &&
                       interval[1].is_number();
  if (!between || invocations < 2) {
    stated.side.reason = few_invocations(invocations);
    if (stated.side.reason.empty()) {
      stated.side.reason = "the record has no interval between invocations for it";
    }
    return stated;
  }
  const auto freedom = static_cast<double>(invocations - 1);
  const double half = (interval[1].get<double>() - interval[0].get<double>()) / 2;
  const double error = half / *value / student_t_quantile((1 + kRecordConfidence) / 2, freedom);
  if (!std::isfinite(error) || error < 0) {
    stated.side.reason = "its interval makes no sense";
    return stated;
  }
  stated.part = VariancePart{error * error, freedom};
  return stated;
}

void compare_stated(Figures& figures, const Stated& base, const Stated& now) {
  set_shown(figures, base.side, now.side);
  if (!base.part || !now.part) {
    figures.reason = of_sides(base.side.reason, now.side.reason);
    return;
  }
  const std::array parts = {*base.part, *now.part};
  const double center = std::log(*figures.now) - std::log(*figures.base);
  figures.method = Method::kInterval;
  figures.difference = log_difference(figures.higher_is_better ? -center : center, parts);
  const auto variance = [](const Stated& of) { return of.part->variance * (of.part->freedom + 1); };
  figures.spread = std::sqrt((variance(base) + variance(now)) / 2);
}

const Json& metric_of(const Json& phase, std::string_view name) {
  return entry_of(entry_of(phase, "metrics"), name);
}

// Joules of an item of the phase's unit in each trial; of a call where there is no such item.
struct Joules {
  Side side;
  std::string metric;
};

Joules joules_an_item(const Json& phase) {
  const std::string unit = text_in(phase, "unit");
  const auto items = number_in(entry_of(phase, "items"), unit);
  const bool counted = items && *items > 0;
  std::vector<double> joules = joules_of(phase);
  for (double& value : joules) value /= counted ? *items : 1;
  std::string why = text_in(metric_of(phase, "energy.gross"), "reason");
  if (why.empty()) why = "no energy was measured";
  return {side_of(std::move(joules), why),
          counted ? fmt::format("energy_per_{}.gross", unit) : "energy.gross"};
}

// Trials are windows of one process. Another process takes another time, and with it other joules:
// how far the latencies of processes spread counts as part of the uncertainty of each side.
std::optional<Figures> energy_figures(const Json& base, const Json& now, const std::string& name) {
  const Json& ours = phase_of(base, name);
  const Json& theirs = phase_of(now, name);
  const Joules a = joules_an_item(ours);
  const Joules b = joules_an_item(theirs);
  if (a.side.values.empty() && b.side.values.empty()) return std::nullopt;
  Figures figures = begin(a.side.values.empty() ? b.metric : a.metric, name, "J");
  figures.group = MetricGroup::kEnergy;
  set_shown(figures, a.side, b.side);
  figures.reason = different_meters(ours, theirs);
  if (a.metric != b.metric)
    figures.reason = different_items(entry_of(ours, "items"), entry_of(theirs, "items"));
  if (a.side.values.empty() || b.side.values.empty()) {
    figures.reason = of_sides(a.side.reason, b.side.reason);
  }
  if (!figures.reason.empty()) return figures;
  if (a.side.values.size() < 2 || b.side.values.size() < 2) {
    figures.reason = "one energy trial on a side; give --energy-trials 4";
    return figures;
  }
  const std::vector<double> our_medians = values_of(medians_of(base, name));
  const std::vector<double> their_medians = values_of(medians_of(now, name));
  if (our_medians.size() < 2 || their_medians.size() < 2) {
    figures.reason =
        of_sides(few_invocations(our_medians.size()), few_invocations(their_medians.size()));
    return figures;
  }
  const auto processes = [](const std::vector<double>& medians) {
    VariancePart part = variance_of_mean(logs_of(medians));
    part.variance *= static_cast<double>(medians.size());  // of one process, not of their mean
    return part;
  };
  const std::vector<double> our_logs = logs_of(a.side.values);
  const std::vector<double> their_logs = logs_of(b.side.values);
  const std::array parts = {variance_of_mean(our_logs), variance_of_mean(their_logs),
                            processes(our_medians), processes(their_medians)};
  figures.method = Method::kTrials;
  figures.difference = log_difference(mean(their_logs) - mean(our_logs), parts);
  return figures;
}

std::vector<double> stage_of(const Json& record, const std::string& stage) {
  std::vector<double> seconds;
  for (const Json& invocation : entry_of(record, "invocations")) {
    const Json& stages = entry_of(invocation, "stages");
    double sum = 0;
    bool any = false;
    for (const auto& [name, value] : stages.items()) {
      if (!value.is_number() || (stage != "total" && name != stage)) continue;
      sum += value.get<double>();
      any = true;
    }
    if (any) seconds.push_back(sum);
  }
  return seconds;
}

std::vector<double> resident_peaks(const Json& record) {
  std::vector<double> bytes;
  for (const Json& invocation : entry_of(record, "invocations")) {
    if (const auto value = number_in(invocation, "resident_peak")) bytes.push_back(*value);
  }
  return bytes;
}

void compare_bytes(Figures& figures, const Json& base, const Json& now, const std::string& part) {
  const auto bytes = [&](const Json& record, std::string& reason) {
    const Json& metric = entry_of(entry_of(entry_of(record, "memory"), "metrics"), part);
    auto value = number_in(metric, "value");
    if (value && !(*value >= 0 && std::isfinite(*value))) value.reset();
    if (!value) reason = text_in(metric, "reason");
    if (!value && reason.empty()) reason = "it was not measured";
    return value;
  };
  std::string ours;
  std::string theirs;
  figures.base = bytes(base, ours);
  figures.now = bytes(now, theirs);
  figures.base_n = figures.base ? 1 : 0;
  figures.now_n = figures.now ? 1 : 0;
  if (!figures.base || !figures.now) {
    figures.reason = of_sides(ours, theirs);
  } else {
    figures.method = Method::kExact;
  }
}

bool has_any(const Figures& figures) {
  return figures.base || figures.now;
}

}  // namespace

std::string_view method_name(Method method) {
  return kMethodNames[static_cast<std::size_t>(method)];
}

std::vector<std::string> phases_of_both(const Json& base, const Json& now) {
  std::vector<std::string> names;
  for (const Json* record : {&base, &now}) {
    for (const Json& phase : entry_of(*record, "phases")) {
      const std::string name = text_in(phase, "name");
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
  }
  return names;
}

std::vector<Figures> phase_figures(const Json& base, const Json& now, const std::string& phase,
                                   const std::vector<std::string>& metrics) {
  std::vector<Figures> list;
  const Json& ours = phase_of(base, phase);
  const Json& theirs = phase_of(now, phase);
  const std::string other_work =
      different_items(entry_of(ours, "items"), entry_of(theirs, "items"));
  const auto our_medians = values_of(medians_of(base, phase));
  const auto their_medians = values_of(medians_of(now, phase));
  for (const std::string& metric : metrics) {
    if (is_of_case(metric)) continue;
    if (metric == "energy") {
      if (auto figures = energy_figures(base, now, phase)) list.push_back(std::move(*figures));
      continue;
    }
    Figures figures = begin(metric, phase, "s");
    if (metric == "latency") {
      const std::string none = "no invocation measured it";
      compare_invocations(figures, side_of(our_medians, none), side_of(their_medians, none));
    } else {
      const Stated a = stated(metric_of(ours, metric), our_medians.size());
      const Stated b = stated(metric_of(theirs, metric), their_medians.size());
      compare_stated(figures, a, b);
      figures.unit = a.unit.empty() ? b.unit : a.unit;
    }
    if (!has_any(figures)) continue;
    // Rates are an item's: other numbers of items do not make them another quantity.
    if (!ours.is_null() && !theirs.is_null() && !other_work.empty() && !figures.higher_is_better) {
      figures.difference.reset();
      figures.method = Method::kNone;
      figures.reason = other_work;
    }
    list.push_back(std::move(figures));
  }
  return list;
}

std::vector<Figures> case_figures(const Json& base, const Json& now,
                                  const std::vector<std::string>& metrics) {
  std::vector<Figures> list;
  for (const std::string& metric : metrics) {
    if (!is_of_case(metric)) continue;
    const std::string part = metric.substr(metric.find('.') + 1);
    const bool bytes = metric.starts_with("memory.");
    Figures figures = begin(metric, "", bytes ? "B" : "s");
    const std::string none = "it was not measured";
    if (!bytes) {
      compare_invocations(figures, side_of(stage_of(base, part), none),
                          side_of(stage_of(now, part), none));
    } else if (part == "resident_peak") {
      compare_invocations(figures, side_of(resident_peaks(base), none),
                          side_of(resident_peaks(now), none));
    } else {
      compare_bytes(figures, base, now, part);
    }
    if (has_any(figures)) list.push_back(std::move(figures));
  }
  return list;
}

}  // namespace ridgeline::analysis
