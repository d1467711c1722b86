// Ratios with a known truth: exact cases, figures by hand, and how often intervals cover.
#include "analysis/ratio.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "base/student_t.hpp"
#include "unit/base/ar_noise.hpp"

namespace ridgeline::analysis {
namespace {

using Pairs = std::vector<std::pair<double, double>>;

TEST(Analysis_Ratio, of_exact_pairs_is_exact) {
  const auto ratio = paired_ratio(Pairs{{0.004, 0.002}, {0.006, 0.003}, {0.005, 0.0025}});
  ASSERT_TRUE(ratio);
  EXPECT_NEAR(ratio->value, 2, 1e-12);
  EXPECT_EQ(ratio->method, RatioMethod::kPaired);
  ASSERT_TRUE(ratio->ci95);
  EXPECT_NEAR(ratio->ci95->low, 2, 1e-9);
  EXPECT_NEAR(ratio->ci95->high, 2, 1e-9);
  EXPECT_NEAR(*ratio->detectable, 0, 1e-9);
  EXPECT_EQ(ratio->values_a, 3u);
}

TEST(Analysis_Ratio, of_pairs_is_the_geometric_mean_with_a_t_interval_on_logarithms) {
  // Ratios 2, 4 and 8: mean log ratio 2 ln 2, sd ln 2, t(0.975; 2) = 4.302653.
  const auto ratio = paired_ratio(Pairs{{2, 1}, {4, 1}, {8, 1}});
  ASSERT_TRUE(ratio && ratio->ci95);
  EXPECT_NEAR(ratio->value, 4, 1e-12);
  const double half = 4.302653 * std::log(2.0) / std::sqrt(3.0);
  EXPECT_NEAR(ratio->ci95->low, 4 * std::exp(-half), 1e-6);
  EXPECT_NEAR(ratio->ci95->high, 4 * std::exp(half), 1e-4);
  // t(0.8; 2) = 1.060660.
  const double found = std::expm1((4.302653 + 1.060660) * std::log(2.0) / std::sqrt(3.0));
  EXPECT_NEAR(*ratio->detectable, found, 1e-5);
}

TEST(Analysis_Ratio, of_independent_sides_is_by_welch) {
  // Logs of a: 0, 1, 2 (mean 1, variance 1); of b: 0, 2 (mean 1, variance 2).
  const std::vector<double> a = {1, std::exp(1.0), std::exp(2.0)};
  const std::vector<double> b = {1, std::exp(2.0)};
  const auto ratio = independent_ratio(a, b);
  ASSERT_TRUE(ratio && ratio->ci95);
  EXPECT_NEAR(ratio->value, 1, 1e-12);
  EXPECT_EQ(ratio->method, RatioMethod::kWelch);
  const double va = 1.0 / 3;
  const double vb = 1.0;
  const double freedom = (va + vb) * (va + vb) / (va * va / 2 + vb * vb / 1);
  const double half = student_t_quantile(0.975, freedom) * std::sqrt(va + vb);
  EXPECT_NEAR(std::log(ratio->ci95->high), half, 1e-9);
  EXPECT_NEAR(std::log(ratio->ci95->low), -half, 1e-9);
  EXPECT_EQ(ratio->values_a, 3u);
  EXPECT_EQ(ratio->values_b, 2u);
}

TEST(Analysis_Ratio, of_two_values_has_no_interval) {
  for (const auto& ratio : {paired_ratio(Pairs{{3, 2}}),
                            independent_ratio(std::vector<double>{3}, std::vector<double>{2}),
                            independent_ratio(std::vector<double>{3, 3}, std::vector<double>{2})}) {
    ASSERT_TRUE(ratio);
    EXPECT_NEAR(ratio->value, 1.5, 1e-12);
    EXPECT_EQ(ratio->method, RatioMethod::kSingle);
    EXPECT_FALSE(ratio->ci95);
    EXPECT_FALSE(ratio->detectable);
  }
}

TEST(Analysis_Ratio, of_equal_values_on_both_sides_has_an_interval_of_no_width) {
  const std::vector<double> a(4, 0.006);
  const std::vector<double> b(3, 0.002);
  const auto ratio = independent_ratio(a, b);
  ASSERT_TRUE(ratio && ratio->ci95);
  EXPECT_NEAR(ratio->ci95->low, 3, 1e-9);
  EXPECT_NEAR(ratio->ci95->high, 3, 1e-9);
}

TEST(Analysis_Ratio, is_not_made_of_what_has_no_logarithm) {
  for (const double bad : {0.0, -1.0, std::nan(""), std::numeric_limits<double>::infinity()}) {
    EXPECT_FALSE(paired_ratio(Pairs{{1, 1}, {bad, 1}}));
    EXPECT_FALSE(paired_ratio(Pairs{{1, 1}, {1, bad}}));
    EXPECT_FALSE(independent_ratio(std::vector<double>{1, bad}, std::vector<double>{1, 1}));
    EXPECT_FALSE(independent_ratio(std::vector<double>{1, 1}, std::vector<double>{1, bad}));
  }
  EXPECT_FALSE(paired_ratio(Pairs{}));
  EXPECT_FALSE(independent_ratio({}, std::vector<double>{1}));
}

TEST(Analysis_Ratio, drops_an_interval_that_no_double_holds) {
  const auto ratio = paired_ratio(Pairs{{1e-300, 1e300}, {1e300, 1e-300}});
  ASSERT_TRUE(ratio);
  EXPECT_FALSE(ratio->ci95);
}

// Processes whose levels spread lognormally, and a drift that both sides of a pair share.
struct Truth {
  double ratio = 1.25;
  double spread = 0.03;
  double shared = 0;  ///< spread of what both sides of a pair see
};

struct Coverage {
  double paired = 0;
  double welch = 0;
  double paired_width = 0;
  double welch_width = 0;
};

Coverage simulate(const Truth& truth, int pairs_count, std::uint64_t seed) {
  constexpr int kRuns = 4000;
  test::Noise noise(seed);
  Coverage coverage;
  for (int run = 0; run < kRuns; ++run) {
    Pairs pairs;
    std::vector<double> a;
    std::vector<double> b;
    for (int i = 0; i < pairs_count; ++i) {
      const double both = truth.shared * noise.normal();
      a.push_back(truth.ratio * std::exp(both + truth.spread * noise.normal()));
      b.push_back(std::exp(both + 0.5 * truth.spread * noise.normal()));
      pairs.emplace_back(a.back(), b.back());
    }
    const auto covers = [&](const std::optional<Ratio>& ratio) {
      return ratio && ratio->ci95->low <= truth.ratio && truth.ratio <= ratio->ci95->high;
    };
    const auto paired = paired_ratio(pairs);
    const auto welch = independent_ratio(a, b);
    coverage.paired += covers(paired) ? 1.0 / kRuns : 0;
    coverage.welch += covers(welch) ? 1.0 / kRuns : 0;
    coverage.paired_width += (paired->ci95->high - paired->ci95->low) / kRuns;
    coverage.welch_width += (welch->ci95->high - welch->ci95->low) / kRuns;
  }
  return coverage;
}

// 4,000 runs: a coverage of 95 % shows as 95 ± 0.7 (two standard deviations).
TEST(Analysis_Ratio, intervals_cover_as_often_as_they_say) {
  for (const int pairs : {2, 3, 5, 8}) {
    const Coverage coverage = simulate({}, pairs, 100 + static_cast<std::uint64_t>(pairs));
    EXPECT_NEAR(coverage.paired, 0.95, 0.012) << pairs;
    // Welch's degrees of freedom are an estimate: on the safe side with few values.
    EXPECT_GT(coverage.welch, 0.938) << pairs;
  }
}

TEST(Analysis_Ratio, pairing_takes_out_what_both_sides_saw) {
  const Coverage coverage = simulate({.ratio = 0.8, .spread = 0.01, .shared = 0.1}, 5, 7);
  EXPECT_NEAR(coverage.paired, 0.95, 0.012);
  EXPECT_LT(coverage.paired_width, 0.2 * coverage.welch_width);
}

}  // namespace
}  // namespace ridgeline::analysis
