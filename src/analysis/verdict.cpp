// Tests against a margin on logarithms.
#include "analysis/verdict.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/power.hpp"
#include "base/student_t.hpp"

namespace ridgeline::analysis {
namespace {

constexpr double kPower = 0.8;
constexpr std::int64_t kMostInvocations = 10'000;
constexpr std::int64_t kGuessFrom = 20;

// In the order of the enum.
constexpr std::array<std::string_view, 4> kNames = {"FASTER", "SLOWER", "SAME", "UNDECIDED"};

double critical_t(const Rule& rule, std::int64_t family, double freedom) {
  const auto tests = static_cast<double>(std::max<std::int64_t>(1, family));
  return student_t_quantile(1 - rule.alpha() / (2 * tests), freedom);
}

}  // namespace

std::string_view verdict_name(Verdict verdict) {
  return kNames[static_cast<std::size_t>(verdict)];
}

double p_value(const LogDifference& difference, double margin) {
  const double beyond = std::abs(difference.center) - std::log1p(margin);
  if (!(beyond > 0)) return 1;
  if (difference.error == 0) return 0;
  // The lower tail keeps its digits where 1 − cdf would be 0.
  return std::min(1.0, 2 * student_t_cdf(-beyond / difference.error, difference.freedom));
}

Verdict verdict_alone(const LogDifference& difference, const Rule& rule) {
  if (p_value(difference, rule.margin) <= rule.alpha()) {
    return difference.center > 0 ? Verdict::kSlower : Verdict::kFaster;
  }
  const auto interval = ratio_interval(difference, rule.confidence);
  const bool inside =
      interval && interval->high <= 1 + rule.margin && interval->low >= 1 / (1 + rule.margin);
  return inside ? Verdict::kSame : Verdict::kUndecided;
}

Verdict verdict_among(const LogDifference& difference, double p_holm, const Rule& rule) {
  const Verdict alone = verdict_alone(difference, rule);
  const bool is_change = alone == Verdict::kFaster || alone == Verdict::kSlower;
  return is_change && !(p_holm <= rule.alpha()) ? Verdict::kUndecided : alone;
}

Verdict verdict_exact(double base, double now, double margin) {
  if (now > base * (1 + margin)) return Verdict::kSlower;
  if (base > now * (1 + margin)) return Verdict::kFaster;
  return Verdict::kSame;
}

std::optional<double> smallest_slowdown_found(const LogDifference& difference, const Rule& rule,
                                              std::int64_t family) {
  if (difference.error == 0) return rule.margin;
  const double critical = critical_t(rule, family, difference.freedom);
  const double shift = shift_for_power(critical, difference.freedom, kPower);
  const double found = std::expm1(std::log1p(rule.margin) + shift * difference.error);
  return std::isfinite(found) ? std::optional(found) : std::nullopt;
}

double InvocationsNeeded::largest_spread(std::int64_t invocations) {
  const auto [place, is_new] = largest_spread_.try_emplace(invocations, 0.0);
  if (!is_new) return place->second;
  const auto n = static_cast<double>(invocations);
  const double freedom = 2 * n - 2;
  const double beyond = std::log1p(2 * rule_.margin) - std::log1p(rule_.margin);
  const double shift = shift_for_power(critical_t(rule_, family_, freedom), freedom, kPower);
  return place->second = beyond / (shift * std::sqrt(2 / n));
}

std::optional<std::int64_t> InvocationsNeeded::operator()(double spread) {
  if (!(spread <= largest_spread(kMostInvocations))) return std::nullopt;
  // An error shrinks with the root of the number: a guess, and then a bracket around it.
  const double ratio = spread / largest_spread(kGuessFrom);
  const auto guess = static_cast<std::int64_t>(static_cast<double>(kGuessFrom) * ratio * ratio);
  std::int64_t high = std::clamp<std::int64_t>(guess, 2, kMostInvocations);
  std::int64_t low = high;
  std::int64_t step = 1;
  while (spread > largest_spread(high)) {
    low = high;
    high = std::min(high + step, kMostInvocations);
    step *= 2;
  }
  // One process shows no spread, so 1 is never enough.
  while (low > 1 && spread <= largest_spread(low)) {
    high = low;
    low = std::max<std::int64_t>(1, low - step);
    step *= 2;
  }
  while (high - low > 1) {
    const std::int64_t middle = low + (high - low) / 2;
    (spread > largest_spread(middle) ? low : high) = middle;
  }
  return high;
}

}  // namespace ridgeline::analysis
