// Power of the comparison of two sets of invocations by a t interval.
#include "base/power.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/student_t.hpp"

namespace ridgeline {
namespace {

constexpr double kShiftTolerance = 1e-6;
constexpr double kPowerTolerance = 1e-9;
constexpr int kMostSteps = 100;
constexpr int kSteps = 200;  // errs by 1e-4 with two degrees of freedom, 1e-8 from four on

/// P(T > c) for non-central t with `df` degrees of freedom and shift `shift`: the mean of
/// Φ(shift − c·u) over u = √(χ²/df), by the midpoint rule over the bulk of u's density.
double noncentral_upper_tail(double c, double df, double shift) {
  const double top = 1 + 12 / std::sqrt(2 * df);  // about twelve sd above the mean
  const auto log_density = [df](double u) { return (df - 1) * std::log(u) - df * u * u / 2; };
  const double mode = df > 1 ? std::sqrt((df - 1) / df) : 1e-3;
  const double scale = log_density(mode);
  double weight = 0;
  double sum = 0;
  for (int i = 1; i <= kSteps; ++i) {
    const double u = top * (i - 0.5) / kSteps;
    const double density = std::exp(log_density(u) - scale);
    weight += density;
    sum += density * normal_cdf(shift - c * u);
  }
  return sum / weight;
}

double standard_error(double spread, std::int64_t a, std::int64_t b) {
  return spread * std::sqrt(1 / static_cast<double>(a) + 1 / static_cast<double>(b));
}

}  // namespace

double comparison_power(double effect, double spread, std::int64_t a, std::int64_t b,
                        double margin) {
  if (a < 1 || b < 1 || a + b < 3 || !(spread >= 0)) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  const double beyond = std::log1p(std::abs(effect)) - std::log1p(margin);
  if (spread == 0) return beyond > 0 ? 1 : 0;
  const double df = static_cast<double>(a + b - 2);
  const double error = standard_error(spread, a, b);
  return noncentral_upper_tail(student_t_quantile(0.975, df), df, beyond / error);
}

double shift_for_power(double critical, double df, double power) {
  const auto lacks = [&](double shift) {
    return power - noncentral_upper_tail(critical, df, shift);
  };
  double low = 0;
  double lacks_low = lacks(low);
  double high = critical + 1;  // at `critical` the power is about a half
  double lacks_high = lacks(high);
  while (lacks_high > 0) {
    low = high;
    lacks_low = lacks_high;
    high *= 2;
    lacks_high = lacks(high);
  }
  // Regula falsi with the Illinois rule: an end that stays twice counts for half. The bound on the
  // steps is for the flat tails of few degrees.
  int stays = 0;
  for (int step = 0; step < kMostSteps && high - low > kShiftTolerance * high; ++step) {
    const double middle = low + (high - low) * lacks_low / (lacks_low - lacks_high);
    const double lacks_middle = lacks(middle);
    if (std::abs(lacks_middle) < kPowerTolerance) return middle;
    if (lacks_middle > 0) {
      low = middle;
      lacks_low = lacks_middle;
      if (stays > 0) lacks_high /= 2;
      stays = 1;
    } else {
      high = middle;
      lacks_high = lacks_middle;
      if (stays < 0) lacks_low /= 2;
      stays = -1;
    }
  }
  return high;
}

std::optional<double> smallest_detectable_difference(double spread, std::int64_t a, std::int64_t b,
                                                     double margin, double power) {
  if (a < 2 || b < 2 || !(spread >= 0) || !(power > 0 && power < 1)) return std::nullopt;
  // In units of the standard error the answer depends on the degrees of freedom alone.
  const double df = static_cast<double>(a + b - 2);
  const double critical = student_t_quantile(0.975, df);
  const double shift = shift_for_power(critical, df, power);
  const double difference = std::expm1(std::log1p(margin) + shift * standard_error(spread, a, b));
  return std::isfinite(difference) ? std::optional(difference) : std::nullopt;
}

}  // namespace ridgeline
