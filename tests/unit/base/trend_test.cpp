// Drift: found when it is there, not found in correlated noise, and affordable.
#include "base/trend.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "unit/base/ar_noise.hpp"

namespace ridgeline {
namespace {

std::vector<double> line(std::size_t n, double start, double step) {
  std::vector<double> values;
  for (std::size_t i = 0; i < n; ++i) values.push_back(start + step * static_cast<double>(i));
  return values;
}

TEST(Statistics_TheilSen, is_the_slope_and_ignores_wild_values) {
  std::vector<double> values = line(21, 5, 0.25);
  values[3] = 1000;
  values[17] = -1000;
  EXPECT_NEAR(theil_sen_slope(values), 0.25, 1e-12);
  EXPECT_TRUE(std::isnan(theil_sen_slope(std::vector<double>{1})));
}

TEST(Statistics_TheilSen, of_a_long_series_stays_exact_and_affordable) {
  EXPECT_NEAR(theil_sen_slope(line(1'000'003, 5, 1e-3)), 1e-3, 1e-9);
}

TEST(Statistics_MannKendall, matches_a_worked_example) {
  // 5 ascending values: S = 10, variance 5·4·15/18 = 16.67, z = 9/4.0825 = 2.2045, p = 0.02749
  EXPECT_NEAR(mann_kendall_p(line(5, 1, 1)), 0.027486, 1e-5);
  EXPECT_NEAR(mann_kendall_p(line(5, 9, -1)), 0.027486, 1e-5);
  // Two ties (1 1 2 3): S = 5, variance (4·3·13 − 2·1·9)/18 = 7.667, z = 4/2.769, p = 0.14856
  EXPECT_NEAR(mann_kendall_p(std::vector<double>{1, 1, 2, 3}), 0.14856, 1e-4);
  EXPECT_EQ(mann_kendall_p(std::vector<double>(30, 2.0)), 1);
  // Variance times four: z halves.
  EXPECT_NEAR(mann_kendall_p(line(5, 1, 1), 4), 0.27033, 1e-4);
}

TEST(Statistics_Drift, of_five_percent_is_flagged) {
  test::Noise noise(31);
  for (std::size_t n : {100u, 1000u, 20'000u}) {
    int flagged = 0;
    for (int run = 0; run < 50; ++run) {
      std::vector<double> series = test::ar_series(noise, n, 0.5);
      for (std::size_t i = 0; i < n; ++i) {
        series[i] *= 1 + 0.05 * static_cast<double>(i) / static_cast<double>(n);
      }
      const auto drift = detect_drift(series);
      ASSERT_TRUE(drift.has_value());
      flagged += drift->flagged;
      EXPECT_NEAR(drift->relative_change, 0.05, n > 100 ? 0.012 : 0.035);
    }
    EXPECT_GE(flagged, n == 100 ? 47 : 50) << n;
  }
}

TEST(Statistics_Drift, that_is_a_step_down_is_flagged) {
  test::Noise noise(33);
  std::vector<double> series = test::ar_series(noise, 2000, 0.5);
  for (std::size_t i = 1000; i < series.size(); ++i) series[i] *= 0.9;
  const auto drift = detect_drift(series);
  ASSERT_TRUE(drift.has_value());
  EXPECT_TRUE(drift->flagged);
  EXPECT_LT(drift->relative_change, -0.02);
}

TEST(Statistics_Drift, is_not_seen_in_correlated_noise) {
  test::Noise noise(35);
  for (std::size_t n : {10u, 15u, 20u, 50u, 100u, 300u, 2000u}) {
    int flagged = 0;
    int significant = 0;
    constexpr int kRuns = 1000;
    for (int run = 0; run < kRuns; ++run) {
      const auto drift = detect_drift(test::ar_series(noise, n, 0.5));
      ASSERT_TRUE(drift.has_value());
      flagged += drift->flagged;
      significant += drift->p < kDriftP;
    }
    RecordProperty("flagged_n" + std::to_string(n), flagged);
    EXPECT_LT(flagged, kRuns * 2 / 100) << n;
    EXPECT_LT(significant, kRuns * 4 / 100) << n;
  }
}

TEST(Statistics_Drift, needs_ten_samples_and_survives_constant_ones) {
  EXPECT_FALSE(detect_drift(line(9, 1, 1)).has_value());
  const auto flat = detect_drift(std::vector<double>(20, 0.01));
  ASSERT_TRUE(flat.has_value());
  EXPECT_FALSE(flat->flagged);
  EXPECT_EQ(flat->relative_change, 0);
}

}  // namespace
}  // namespace ridgeline
