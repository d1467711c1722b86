// t intervals on logarithms.
#include "analysis/ratio.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "analysis/log_difference.hpp"
#include "base/student_t.hpp"

namespace ridgeline::analysis {
namespace {

constexpr double kConfidence = 0.95;
constexpr double kPower = 0.8;

// In the order of the enum.
constexpr std::array<std::string_view, 3> kMethodNames = {"paired_t", "welch_t", "single"};

void add_interval(Ratio& ratio, const LogDifference& difference) {
  // Few values far apart give bounds beyond what a double holds: they say nothing.
  ratio.ci95 = ratio_interval(difference, kConfidence);
  if (!ratio.ci95) return;
  const double t = student_t_quantile((1 + kConfidence) / 2, difference.freedom) +
                   student_t_quantile(kPower, difference.freedom);
  const double found = std::expm1(t * difference.error);
  if (std::isfinite(found)) ratio.detectable = found;
}

}  // namespace

std::string_view method_name(RatioMethod method) {
  return kMethodNames[static_cast<std::size_t>(method)];
}

std::optional<Ratio> paired_ratio(std::span<const std::pair<double, double>> pairs) {
  if (pairs.empty()) return std::nullopt;
  std::vector<double> logs;
  logs.reserve(pairs.size());
  for (const auto& [a, b] : pairs) {
    if (!has_logarithm(a) || !has_logarithm(b)) return std::nullopt;
    logs.push_back(std::log(a) - std::log(b));
  }
  const double center = mean(logs);
  Ratio ratio;
  ratio.value = std::exp(center);
  ratio.values_a = ratio.values_b = pairs.size();
  if (logs.size() < 2) return ratio;
  ratio.method = RatioMethod::kPaired;
  const std::array parts = {variance_of_mean(logs)};
  add_interval(ratio, log_difference(center, parts));
  return ratio;
}

std::optional<Ratio> independent_ratio(std::span<const double> a, std::span<const double> b) {
  if (a.empty() || b.empty()) return std::nullopt;
  if (!std::all_of(a.begin(), a.end(), has_logarithm)) return std::nullopt;
  if (!std::all_of(b.begin(), b.end(), has_logarithm)) return std::nullopt;
  const std::vector<double> logs_a = logs_of(a);
  const std::vector<double> logs_b = logs_of(b);
  const double center = mean(logs_a) - mean(logs_b);
  Ratio ratio;
  ratio.value = std::exp(center);
  ratio.values_a = a.size();
  ratio.values_b = b.size();
  if (a.size() < 2 || b.size() < 2) return ratio;
  ratio.method = RatioMethod::kWelch;
  const std::array parts = {variance_of_mean(logs_a), variance_of_mean(logs_b)};
  add_interval(ratio, log_difference(center, parts));
  return ratio;
}

}  // namespace ridgeline::analysis
