// What two records say of the metrics that they are compared by.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/log_difference.hpp"
#include "analysis/run_comparison_names.hpp"
#include "base/json.hpp"

namespace ridgeline::analysis {

/// How the two sides were set beside each other.
enum class Method {
  kInvocations,  ///< Welch on the logarithms of one value an invocation
  kInterval,     ///< the same from the record's interval between invocations
  kTrials,       ///< Welch on energy trials, widened by how far latencies of processes spread
  kExact,        ///< two numbers that do not spread
  kNone,         ///< a side says nothing, or too little: see `reason`
};

/// "welch_invocations", "welch_interval", "welch_trials", "exact"; empty for kNone.
std::string_view method_name(Method method);

/// One metric of one case or phase on both sides.
struct Figures {
  std::string metric;  ///< as in the record: "latency", "energy_per_token.gross", "memory.peak"
  std::string phase;   ///< empty: of the whole case
  std::string unit;
  MetricGroup group = MetricGroup::kTime;
  bool higher_is_better = false;
  std::optional<double> base;  ///< geometric means of the values, or the metric itself
  std::optional<double> now;
  std::size_t base_n = 0;  ///< invocations, or energy trials, behind it
  std::size_t now_n = 0;
  Method method = Method::kNone;
  /// log of cost(NEW) / cost(BASE), where a larger cost is worse: of rates the reciprocal. Only of
  /// the methods by Welch.
  std::optional<LogDifference> difference;
  /// sd of the log medians of one side's invocations, of both sides together; where invocations are
  /// all there is.
  std::optional<double> spread;
  std::string reason;  ///< why the two cannot be told apart, or compared at all
};

/// The phases of both records, those of BASE first.
std::vector<std::string> phases_of_both(const Json& base, const Json& now);

/// The figures of a phase that either record has, in the order of `metrics`.
std::vector<Figures> phase_figures(const Json& base, const Json& now, const std::string& phase,
                                   const std::vector<std::string>& metrics);

/// The figures of the whole case (memory, load) that either record has.
std::vector<Figures> case_figures(const Json& base, const Json& now,
                                  const std::vector<std::string>& metrics);

}  // namespace ridgeline::analysis
