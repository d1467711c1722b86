// Student's t against printed tables, closed forms and high-precision values.
#include "base/student_t.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <vector>

namespace ridgeline {
namespace {

struct TableRow {
  double df, t90, t95, t975, t99, t995;
};

TEST(Statistics_StudentT, matches_the_printed_table) {
  // NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2, upper critical values.
  const TableRow rows[] = {
      {1, 3.078, 6.314, 12.706, 31.821, 63.657}, {2, 1.886, 2.920, 4.303, 6.965, 9.925},
      {3, 1.638, 2.353, 3.182, 4.541, 5.841},    {4, 1.533, 2.132, 2.776, 3.747, 4.604},
      {5, 1.476, 2.015, 2.571, 3.365, 4.032},    {7, 1.415, 1.895, 2.365, 2.998, 3.499},
      {10, 1.372, 1.812, 2.228, 2.764, 3.169},   {20, 1.325, 1.725, 2.086, 2.528, 2.845},
      {30, 1.310, 1.697, 2.042, 2.457, 2.750},   {100, 1.290, 1.660, 1.984, 2.364, 2.626}};
  for (const TableRow& row : rows) {
    EXPECT_NEAR(student_t_quantile(0.90, row.df), row.t90, 5.01e-4) << row.df;
    EXPECT_NEAR(student_t_quantile(0.95, row.df), row.t95, 5.01e-4) << row.df;
    EXPECT_NEAR(student_t_quantile(0.975, row.df), row.t975, 5.01e-4) << row.df;
    EXPECT_NEAR(student_t_quantile(0.99, row.df), row.t99, 5.01e-4) << row.df;
    EXPECT_NEAR(student_t_quantile(0.995, row.df), row.t995, 5.01e-4) << row.df;
  }
}

TEST(Statistics_StudentT, matches_high_precision_values) {
  // Root of the 30-digit distribution function of mpmath 1.3.
  const struct {
    double p, df, t;
  } rows[] = {
      {0.975, 1, 12.706204736175},  {0.975, 2, 4.3026527297495},    {0.975, 3, 3.1824463052837},
      {0.975, 4, 2.7764451051978},  {0.975, 7, 2.3646242515928},    {0.975, 9.5, 2.2441374614923},
      {0.975, 30, 2.0422724563012}, {0.975, 1000, 1.9623390808264}, {0.975, 1e6, 1.9599663568141},
      {0.995, 5, 4.0321429835552},  {0.9995, 1, 636.61924876872},   {0.9995, 10, 4.5868938587026},
      {0.6, 3, 0.27667066233269},   {0.999, 2.5, 13.822193110866}};
  for (const auto& row : rows) {
    EXPECT_NEAR(student_t_quantile(row.p, row.df) / row.t, 1, 1e-9) << row.p << " " << row.df;
    EXPECT_NEAR(student_t_quantile(1 - row.p, row.df) / row.t, -1, 1e-9) << row.p << " " << row.df;
  }
}

TEST(Statistics_StudentT, has_the_closed_forms_of_one_and_two_degrees) {
  for (double p : {0.01, 0.2, 0.5, 0.7, 0.999}) {
    EXPECT_NEAR(student_t_quantile(p, 1), std::tan(std::numbers::pi * (p - 0.5)), 1e-8 * 400);
    const double alpha = 4 * p * (1 - p);
    EXPECT_NEAR(student_t_quantile(p, 2), 2 * (p - 0.5) * std::sqrt(2 / alpha), 1e-8);
  }
}

TEST(Statistics_StudentT, distribution_and_quantile_are_inverse) {
  for (double df : {0.5, 1.0, 3.0, 12.5, 400.0}) {
    for (double p : {0.001, 0.3, 0.5, 0.9, 0.9999}) {
      EXPECT_NEAR(student_t_cdf(student_t_quantile(p, df), df), p, 1e-11) << df << " " << p;
    }
  }
}

TEST(Statistics_StudentT, is_nan_outside_its_domain) {
  EXPECT_TRUE(std::isnan(student_t_quantile(0.975, 0)));
  EXPECT_TRUE(std::isnan(student_t_quantile(1, 3)));
  EXPECT_TRUE(std::isnan(student_t_quantile(std::nan(""), 3)));
  EXPECT_TRUE(std::isnan(incomplete_beta(0, 1, 0.5)));
}

TEST(Statistics_IncompleteBeta, matches_high_precision_values) {
  EXPECT_NEAR(incomplete_beta(2.5, 0.5, 0.3), 0.0189271240719457, 1e-14);
  EXPECT_NEAR(incomplete_beta(0.5, 0.5, 0.5), 0.5, 1e-14);
  EXPECT_NEAR(incomplete_beta(100, 3, 0.97), 0.406336180222592, 1e-12);
  EXPECT_NEAR(incomplete_beta(990, 11, 0.985), 0.116633744253525, 1e-11);
  EXPECT_NEAR(incomplete_beta(5000, 5000, 0.505), 0.841344746371037, 1e-10);
  EXPECT_NEAR(incomplete_beta(500000, 500001, 0.4995), 0.158897224534961, 1e-8);
  EXPECT_EQ(incomplete_beta(2, 3, 0), 0);
  EXPECT_EQ(incomplete_beta(2, 3, 1), 1);
}

TEST(Statistics_Binomial, sums_its_terms) {
  // n = 4, q = 0.3: 0.2401, 0.4116, 0.2646, 0.0756, 0.0081
  EXPECT_NEAR(binomial_cdf(0, 4, 0.3), 0.2401, 1e-14);
  EXPECT_NEAR(binomial_cdf(1, 4, 0.3), 0.6517, 1e-14);
  EXPECT_NEAR(binomial_cdf(3, 4, 0.3), 0.9919, 1e-14);
  EXPECT_EQ(binomial_cdf(4, 4, 0.3), 1);
  EXPECT_EQ(binomial_cdf(-1, 4, 0.3), 0);
}

TEST(Statistics_TInterval, matches_a_worked_example) {
  // mean 10, sd 1, n = 4: 10 ± 3.18244630528 / 2
  const std::vector<double> values{10 - 1.5 / std::sqrt(1.5), 10 - 0.5 / std::sqrt(1.5),
                                   10 + 0.5 / std::sqrt(1.5), 10 + 1.5 / std::sqrt(1.5)};
  ASSERT_NEAR(sample_sd(values), std::sqrt(5.0 / 1.5 / 3), 1e-12);
  const auto interval = t_interval(values);
  ASSERT_TRUE(interval.has_value());
  const double reach = 3.1824463052837 * sample_sd(values) / 2;
  EXPECT_NEAR(interval->low, 10 - reach, 1e-10);
  EXPECT_NEAR(interval->high, 10 + reach, 1e-10);
  EXPECT_FALSE(t_interval(std::vector<double>{1}).has_value());
}

}  // namespace
}  // namespace ridgeline
