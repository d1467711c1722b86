// Which percentiles n allows, and that order-statistic intervals cover what they promise.
#include "base/order_statistics.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "unit/base/ar_noise.hpp"

namespace ridgeline {
namespace {

TEST(Statistics_Percentiles, need_the_numbers_of_the_reference) {
  EXPECT_EQ(samples_needed_for_quantile(0.5), 6);
  EXPECT_EQ(samples_needed_for_quantile(0.9), 29);
  EXPECT_EQ(samples_needed_for_quantile(0.95), 59);
  EXPECT_EQ(samples_needed_for_quantile(0.99), 299);
  EXPECT_EQ(samples_needed_for_quantile(0.999), 2995);
  EXPECT_EQ(samples_needed_for_quantile(0.05), 59);
}

TEST(Statistics_Percentiles, are_refused_with_a_reason) {
  EXPECT_EQ(quantile_refusal(0.95, 20), "n=20, p95 needs 59");
  EXPECT_EQ(quantile_refusal(0.99, 298), "n=298, p99 needs 299");
  EXPECT_EQ(quantile_refusal(0.999, 300), "n=300, p99.9 needs 2995");
  EXPECT_EQ(quantile_refusal(0.99, 299), std::nullopt);
}

std::vector<double> one_to(int n) {
  std::vector<double> values;
  for (int i = 1; i <= n; ++i) values.push_back(i);
  return values;
}

TEST(Statistics_OrderInterval, has_the_ranks_of_the_tables) {
  // Median, 95 %: Conover, Practical Nonparametric Statistics (binomial): n = 6 → 1 and 6,
  // n = 10 → 2 and 9, n = 20 → 6 and 15, n = 25 → 8 and 18.
  const int expected[][3] = {{6, 1, 6}, {10, 2, 9}, {20, 6, 15}, {25, 8, 18}};
  for (const auto& row : expected) {
    const auto interval = quantile_interval_sorted(one_to(row[0]), 0.5);
    ASSERT_TRUE(interval.has_value()) << row[0];
    EXPECT_EQ(interval->low, row[1]) << row[0];
    EXPECT_EQ(interval->high, row[2]) << row[0];
  }
}

TEST(Statistics_OrderInterval, exists_exactly_where_the_percentile_is_allowed) {
  for (double q : {0.5, 0.9, 0.95, 0.99}) {
    const auto needed = static_cast<int>(samples_needed_for_quantile(q));
    EXPECT_FALSE(quantile_interval_sorted(one_to(needed - 1), q).has_value()) << q;
    const auto interval = quantile_interval_sorted(one_to(needed), q);
    ASSERT_TRUE(interval.has_value()) << q;
    EXPECT_EQ(interval->high, needed) << q;
  }
}

TEST(Statistics_OrderInterval, covers_as_promised_for_independent_draws) {
  test::Noise noise(11);
  for (const auto& [q, n] : {std::pair{0.5, 15}, std::pair{0.9, 40}, std::pair{0.95, 59}}) {
    int covered = 0;
    for (int run = 0; run < 2000; ++run) {
      std::vector<double> draws;
      for (int i = 0; i < n; ++i) draws.push_back(noise.uniform());
      std::sort(draws.begin(), draws.end());
      const auto interval = quantile_interval_sorted(draws, q);
      covered += interval->low <= q && q <= interval->high;
    }
    EXPECT_GE(covered, 1880) << q;  // 95 % less three standard errors
  }
}

}  // namespace
}  // namespace ridgeline
