// t intervals on logarithms.
#include "analysis/ratio.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "base/student_t.hpp"

namespace ridgeline::analysis {
namespace {

constexpr double kUpper = 0.975;  // of a two-sided 95 % interval
constexpr double kPower = 0.8;

// In the order of the enum.
constexpr std::array<std::string_view, 3> kMethodNames = {"paired_t", "welch_t", "single"};

bool has_logarithm(double value) {
  return std::isfinite(value) && value > 0;
}

void add_interval(Ratio& ratio, double log_mean, double error, double freedom) {
  const double t = student_t_quantile(kUpper, freedom);
  const Interval interval{std::exp(log_mean - t * error), std::exp(log_mean + t * error)};
  // Few values far apart give bounds beyond what a double holds: they say nothing.
  if (!std::isfinite(interval.low) || !std::isfinite(interval.high)) return;
  ratio.ci95 = interval;
  const double found = std::expm1((t + student_t_quantile(kPower, freedom)) * error);
  if (std::isfinite(found)) ratio.detectable = found;
}

std::vector<double> logs_of(std::span<const double> values) {
  std::vector<double> logs;
  logs.reserve(values.size());
  for (const double value : values) logs.push_back(std::log(value));
  return logs;
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
  const auto n = static_cast<double>(logs.size());
  add_interval(ratio, center, sample_sd(logs) / std::sqrt(n), n - 1);
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
  const auto part = [](const std::vector<double>& logs) {
    const double sd = sample_sd(logs);
    return sd * sd / static_cast<double>(logs.size());
  };
  const double va = part(logs_a);
  const double vb = part(logs_b);
  const double sum = va + vb;
  const auto na = static_cast<double>(a.size());
  const auto nb = static_cast<double>(b.size());
  // Without any spread every number of degrees gives the same interval, of no width.
  const double freedom =
      sum > 0 ? sum * sum / (va * va / (na - 1) + vb * vb / (nb - 1)) : na + nb - 2;
  add_interval(ratio, center, std::sqrt(sum), freedom);
  return ratio;
}

}  // namespace ridgeline::analysis
