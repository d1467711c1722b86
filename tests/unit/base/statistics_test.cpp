// Descriptive statistics against values worked out by hand.
#include "base/statistics.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace ridgeline {
namespace {

using Values = std::vector<double>;

TEST(Statistics_Median, ignores_order) {
  EXPECT_EQ(median(Values{9, 1, 5}), 5);
  EXPECT_EQ(median(Values{4, 1, 3, 2}), 2.5);
  EXPECT_EQ(median(Values{7}), 7);
}

TEST(Statistics_Median, is_nan_of_nothing) {
  EXPECT_TRUE(std::isnan(median(Values{})));
  EXPECT_TRUE(std::isnan(mean(Values{})));
  EXPECT_TRUE(std::isnan(sample_sd(Values{3})));
  EXPECT_TRUE(std::isnan(quantile_sorted(Values{}, 0.5)));
}

TEST(Statistics_Median, leaves_the_input_alone) {
  const Values values{3, 1, 2};
  EXPECT_EQ(median(values), 2);
  EXPECT_EQ(values, (Values{3, 1, 2}));
}

TEST(Statistics_Spread, matches_hand_computed_values) {
  const Values values{2, 4, 4, 4, 5, 5, 7, 9};
  EXPECT_DOUBLE_EQ(mean(values), 5);
  EXPECT_DOUBLE_EQ(sample_sd(values), std::sqrt(32.0 / 7));
  EXPECT_DOUBLE_EQ(median_absolute_deviation(Values{1, 1, 2, 2, 4, 6, 9}), 1);
}

TEST(Statistics_Quantile, is_type_7) {
  // numpy.quantile([1, 2, 4, 8, 16], [.1, .25, .5, .9]) = 1.4, 2, 4, 12.8
  const Values values{1, 2, 4, 8, 16};
  EXPECT_DOUBLE_EQ(quantile_sorted(values, 0.1), 1.4);
  EXPECT_DOUBLE_EQ(quantile_sorted(values, 0.25), 2);
  EXPECT_DOUBLE_EQ(quantile_sorted(values, 0.5), 4);
  EXPECT_DOUBLE_EQ(quantile_sorted(values, 0.9), 12.8);
  EXPECT_DOUBLE_EQ(quantile_sorted(values, 0), 1);
  EXPECT_DOUBLE_EQ(quantile_sorted(values, 1), 16);
}

TEST(Statistics_BlockMedians, split_the_series_evenly) {
  EXPECT_EQ(block_medians(Values{1, 2, 3, 10, 20}, 2), (Values{1.5, 10}));
  EXPECT_EQ(block_medians(Values{4, 7}, 2), (Values{4, 7}));
}

TEST(Statistics_Outliers, are_counted_by_the_fences_of_tukey) {
  const Values values{-1.5, 1, 2, 2, 3, 3, 4, 4, 5, 7, 11};
  ASSERT_DOUBLE_EQ(quantile_sorted(values, 0.25), 2);
  ASSERT_DOUBLE_EQ(quantile_sorted(values, 0.75), 4.5);
  // Range 2.5: fences at −1.75 and 8.25, −5.5 and 12.
  const OutlierCount count = tukey_outliers_sorted(values);
  EXPECT_EQ(count.low, 0);
  EXPECT_EQ(count.high, 1);
  EXPECT_EQ(count.severe, 0);
  const OutlierCount far = tukey_outliers_sorted(Values{-9, 2, 2, 3, 3, 4, 4, 99});
  EXPECT_EQ(far.low, 1);
  EXPECT_EQ(far.high, 1);
  EXPECT_EQ(far.severe, 2);
}

}  // namespace
}  // namespace ridgeline
