// Intervals of autocorrelated series: coverage by simulation, cost, and degenerate series.
#include "base/series.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <vector>

#include "unit/base/ar_noise.hpp"

namespace ridgeline {
namespace {

TEST(Statistics_Autocorrelation, is_found_in_ar_noise) {
  test::Noise noise(3);
  const std::vector<double> series = test::ar_series(noise, 20'000, 0.5);
  EXPECT_NEAR(lag1_autocorrelation(series), 0.5, 0.03);
  EXPECT_NEAR(autocorrelation_time(series), 3.0, 0.4);  // (1 + ρ)/(1 − ρ)
  const std::vector<double> white = test::ar_series(noise, 20'000, 0);
  EXPECT_NEAR(autocorrelation_time(white), 1.0, 0.25);
}

TEST(Statistics_Autocorrelation, of_constant_series_is_none) {
  const std::vector<double> flat(50, 2.5);
  EXPECT_EQ(lag1_autocorrelation(flat), 0);
  EXPECT_EQ(autocorrelation_time(flat), 1);
}

TEST(Statistics_SeriesQuantile, covers_the_median_of_ar_noise) {
  test::Noise noise(5);
  for (int n : {20, 60, 400}) {
    int covered = 0;
    int shown = 0;
    constexpr int kRuns = 1000;
    for (int run = 0; run < kRuns; ++run) {
      const auto result = series_quantile(test::ar_series(noise, n, 0.5), 0.5);
      if (!result) continue;
      ++shown;
      covered += result->interval.low <= 1 && 1 <= result->interval.high;
    }
    RecordProperty("coverage_n" + std::to_string(n), covered * 100 / std::max(shown, 1));
    EXPECT_GE(shown, kRuns * 6 / 10) << n;
    EXPECT_GE(covered, shown * 92 / 100) << n;
  }
}

TEST(Statistics_SeriesQuantile, of_constant_series_has_no_width) {
  const auto result = series_quantile(std::vector<double>(20, 0.01), 0.5);
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->value, 0.01);
  EXPECT_EQ(result->interval.low, 0.01);
  EXPECT_EQ(result->interval.high, 0.01);
}

TEST(Statistics_SeriesQuantile, is_absent_when_too_few_samples_are_independent) {
  EXPECT_FALSE(series_quantile(std::vector<double>{1, 2, 3}, 0.5).has_value());
  std::vector<double> ramp;
  for (int i = 0; i < 20; ++i) ramp.push_back(i);  // one long excursion: about one sample
  EXPECT_FALSE(series_quantile(ramp, 0.5).has_value());
}

TEST(Statistics_SeriesQuantile, of_a_million_samples_is_affordable) {
  test::Noise noise(9);
  std::vector<double> walk;  // the worst case: correlation at every lag
  double level = 100;
  for (int i = 0; i < 1'000'000; ++i) walk.push_back(level += noise.uniform() - 0.5);
  const auto begin = std::chrono::steady_clock::now();
  (void)series_quantile(walk, 0.5);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
}

}  // namespace
}  // namespace ridgeline
