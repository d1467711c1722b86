// Student's t distribution, and the incomplete beta function it and the binomial stand on.
#pragma once

#include <optional>
#include <span>

#include "base/statistics.hpp"

namespace ridgeline {

/// The regularised incomplete beta function I_x(a, b) for a, b > 0 and 0 ≤ x ≤ 1 (continued
/// fraction of Abramowitz and Stegun 26.5.8, evaluated by Lentz's method); relative error below
/// 1e-11 for a + b up to 1e4 and 1e-8 up to 1e6. NaN outside its domain.
double incomplete_beta(double a, double b, double x);

/// P(X ≤ k) for X binomial with n trials of probability q.
double binomial_cdf(double k, double n, double q);

/// P(T ≤ t) for `df` > 0 degrees of freedom (real numbers are fine).
double student_t_cdf(double t, double df);

/// The t with P(T ≤ t) = p, 0 < p < 1, to a relative error of 1e-10; NaN outside the domain.
double student_t_quantile(double p, double df);

/// P(Z ≤ z) of the standard normal distribution.
double normal_cdf(double z);

/// mean ± t·sd/√n with n − 1 degrees of freedom: covers the mean of the population the values are
/// independent draws from. Nothing below two values.
std::optional<Interval> t_interval(std::span<const double> values, double confidence = 0.95);

}  // namespace ridgeline
