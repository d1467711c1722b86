// Student's t distribution by the incomplete beta function.
#include "base/student_t.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace ridgeline {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kTiny = 1e-300;
constexpr int kMaxSteps = 100'000;  // about √max(a, b) are needed

/// ln Γ(x) for x > 0: Stirling's series (Abramowitz and Stegun 6.1.41) after shifting x above 15.
/// std::lgamma is not used because it writes the global `signgam`: a data race between threads.
double log_gamma(double x) {
  double shift = 0;
  while (x < 15) {
    shift += std::log(x);
    x += 1;
  }
  const double r = 1 / (x * x);
  const double series =
      (1.0 / 12 - r * (1.0 / 360 - r * (1.0 / 1260 - r * (1.0 / 1680 - r / 1188)))) / x;
  return (x - 0.5) * std::log(x) - x + 0.5 * std::log(2 * std::numbers::pi) + series - shift;
}

/// The continued fraction of I_x(a, b); converges fast for x < (a + 1)/(a + b + 2).
double beta_fraction(double a, double b, double x) {
  const auto guarded = [](double v) { return std::abs(v) < kTiny ? kTiny : v; };
  double c = 1;
  double d = 1 / guarded(1 - (a + b) * x / (a + 1));
  double value = d;
  for (int m = 1; m <= kMaxSteps; ++m) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / guarded(1 + even * d);
    c = guarded(1 + even / c);
    value *= d * c;
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / guarded(1 + odd * d);
    c = guarded(1 + odd / c);
    const double step = d * c;
    value *= step;
    if (std::abs(step - 1) < 1e-15) break;
  }
  return value;
}

/// I_x(a, b) with y = 1 − x given apart, so that neither loses digits near 0 or 1.
double incomplete_beta_xy(double a, double b, double x, double y) {
  if (x <= 0) return 0;
  if (y <= 0) return 1;
  const double front =
      std::exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * std::log(x) + b * std::log(y));
  if (x < (a + 1) / (a + b + 2)) return front * beta_fraction(a, b, x) / a;
  return 1 - front * beta_fraction(b, a, y) / b;
}

/// P(T > t) for t ≥ 0.
double upper_tail(double t, double df) {
  const double square = t * t;
  return 0.5 * incomplete_beta_xy(df / 2, 0.5, df / (df + square), square / (df + square));
}

double density(double t, double df) {
  return std::exp(log_gamma((df + 1) / 2) - log_gamma(df / 2) -
                  (df + 1) / 2 * std::log1p(t * t / df)) /
         std::sqrt(df * std::numbers::pi);
}

}  // namespace

double incomplete_beta(double a, double b, double x) {
  if (!(a > 0 && b > 0 && x >= 0 && x <= 1)) return kNan;
  return incomplete_beta_xy(a, b, x, 1 - x);
}

double binomial_cdf(double k, double n, double q) {
  if (k < 0) return 0;
  const double whole = std::floor(k);
  if (whole >= n) return 1;
  return incomplete_beta_xy(n - whole, whole + 1, 1 - q, q);
}

double student_t_cdf(double t, double df) {
  if (!(df > 0) || std::isnan(t)) return kNan;
  if (std::isinf(t)) return t > 0 ? 1 : 0;
  return t >= 0 ? 1 - upper_tail(t, df) : upper_tail(-t, df);
}

double student_t_quantile(double p, double df) {
  if (!(df > 0 && p > 0 && p < 1)) return kNan;
  const double tail = p < 0.5 ? p : 1 - p;
  const double sign = p < 0.5 ? -1 : 1;
  if (tail == 0.5) return 0;
  double low = 0;
  double high = 1;
  while (upper_tail(high, df) > tail) {
    low = high;
    high *= 2;
    if (!std::isfinite(high * high)) return sign * high;
  }
  // Newton inside a bracket; a step that leaves the bracket is replaced by halving it.
  double t = low + (high - low) / 2;
  for (int i = 0; i < 200 && high - low > 1e-13 * high; ++i) {
    const double excess = upper_tail(t, df) - tail;
    (excess > 0 ? low : high) = t;
    double next = t + excess / density(t, df);
    if (!(next > low && next < high)) next = low + (high - low) / 2;
    if (std::abs(next - t) <= 1e-13 * t) return sign * next;
    t = next;
  }
  return sign * t;
}

double normal_cdf(double z) {
  return 0.5 * std::erfc(-z / std::numbers::sqrt2);
}

std::optional<Interval> t_interval(std::span<const double> values, double confidence) {
  if (values.size() < 2) return std::nullopt;
  const double n = static_cast<double>(values.size());
  const double center = mean(values);
  const double reach =
      student_t_quantile(0.5 + confidence / 2, n - 1) * sample_sd(values) / std::sqrt(n);
  return Interval{center - reach, center + reach};
}

}  // namespace ridgeline
