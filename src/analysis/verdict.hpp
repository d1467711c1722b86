// FASTER, SLOWER, SAME or UNDECIDED: what a difference of two sides says about a margin, and what
// it could have said.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string_view>

#include "analysis/log_difference.hpp"

namespace ridgeline::analysis {

/// Of what takes joules or bytes, FASTER reads as less and SLOWER as more.
enum class Verdict {
  kFaster,     ///< less than BASE, beyond the margin
  kSlower,     ///< more than BASE, beyond the margin
  kSame,       ///< as good as equal: any difference lies inside the margin
  kUndecided,  ///< the values do not tell
};

/// "FASTER", "SLOWER", "SAME", "UNDECIDED".
std::string_view verdict_name(Verdict verdict);

struct Rule {
  double margin = 0.01;      ///< smallest relative change that matters, above 0
  double confidence = 0.95;  ///< of intervals, and 1 − the chance of any false FASTER or SLOWER

  double alpha() const { return 1 - confidence; }
};

/// What the interval of cost(NEW) / cost(BASE) says by itself. On logarithms the margin reaches
/// from −log(1 + margin) to log(1 + margin), so that BASE and NEW changing places turns FASTER into
/// SLOWER and nothing else.
Verdict verdict_alone(const LogDifference& difference, const Rule& rule);

/// The two-sided p-value of "the change lies inside the margin": at most 1 − confidence exactly
/// when verdict_alone() is FASTER or SLOWER.
double p_value(const LogDifference& difference, double margin);

/// The verdict among several: FASTER and SLOWER stand when `p_holm`, the p-value adjusted for all
/// comparisons of the family, is small enough as well. SAME is not adjusted: both ends of the
/// interval inside the margin are two one-sided tests of equivalence.
Verdict verdict_among(const LogDifference& difference, double p_holm, const Rule& rule);

/// A verdict from two numbers that do not spread, such as tracked bytes.
Verdict verdict_exact(double base, double now, double margin);

/// The smallest slowdown (0.034: by 3.4 %) that a repetition with this spread and as many values
/// would call SLOWER with a probability of 80 %, at the level of the first of Holm's steps,
/// alpha / `family`. Nothing when it is beyond what a double holds.
std::optional<double> smallest_slowdown_found(const LogDifference& difference, const Rule& rule,
                                              std::int64_t family);

/// How many invocations would have been enough. Remembers what it computed: a run has many cases.
class InvocationsNeeded {
 public:
  InvocationsNeeded(const Rule& rule, std::int64_t family) : rule_(rule), family_(family) {}

  /// Invocations a side with which a slowdown by twice the margin, which is one margin beyond what
  /// counts as the same, is called SLOWER with a probability of 80 %. `spread` is the sd of the log
  /// medians on one side. Nothing above 10,000.
  std::optional<std::int64_t> operator()(double spread);

 private:
  double largest_spread(std::int64_t invocations);

  Rule rule_;
  std::int64_t family_;
  std::map<std::int64_t, double> largest_spread_;  // with which so many invocations are enough
};

}  // namespace ridgeline::analysis
