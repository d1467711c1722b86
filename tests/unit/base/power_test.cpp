// Power of the comparison: the three published figures, and a simulation.
#include "base/power.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/student_t.hpp"
#include "unit/base/ar_noise.hpp"

namespace ridgeline {
namespace {

TEST(Statistics_Power, has_the_figures_of_the_documentation) {
  EXPECT_NEAR(comparison_power(0.03, 0.01, 3, 3), 0.45, 0.01);
  EXPECT_NEAR(comparison_power(0.03, 0.01, 5, 5), 0.77, 0.015);
  EXPECT_NEAR(comparison_power(0.03, 0.01, 8, 8), 0.95, 0.015);
}

TEST(Statistics_Power, agrees_with_simulation) {
  test::Noise noise(41);
  constexpr int kRuns = 20'000;
  int seen = 0;
  const double t = student_t_quantile(0.975, 8);
  for (int run = 0; run < kRuns; ++run) {
    std::vector<double> a;
    std::vector<double> b;
    for (int i = 0; i < 5; ++i) {
      a.push_back(0.01 * noise.normal());  // logarithms of invocation medians
      b.push_back(std::log(1.025) + 0.01 * noise.normal());
    }
    const double sd_a = sample_sd(a);
    const double sd_b = sample_sd(b);
    const double error = std::sqrt((sd_a * sd_a + sd_b * sd_b) / 2 * (2.0 / 5));
    seen += mean(b) - mean(a) - t * error > std::log(1.01);
  }
  EXPECT_NEAR(static_cast<double>(seen) / kRuns, comparison_power(0.025, 0.01, 5, 5), 0.012);
}

TEST(Statistics_Power, gives_the_smallest_difference_shown_four_times_in_five) {
  const auto smallest = smallest_detectable_difference(0.01, 5, 5);
  ASSERT_TRUE(smallest.has_value());
  EXPECT_NEAR(comparison_power(*smallest, 0.01, 5, 5), 0.8, 1e-4);
  EXPECT_LT(*smallest_detectable_difference(0.01, 8, 8), *smallest);
  EXPECT_NEAR(*smallest_detectable_difference(0, 5, 5), kComparisonMargin, 1e-12);
  EXPECT_FALSE(smallest_detectable_difference(INFINITY, 5, 5).has_value());
  EXPECT_FALSE(smallest_detectable_difference(0.01, 1, 5).has_value());
  EXPECT_FALSE(smallest_detectable_difference(std::nan(""), 5, 5).has_value());
}

}  // namespace
}  // namespace ridgeline
