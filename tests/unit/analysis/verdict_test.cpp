// Verdicts of known differences, and what is said about their power.
#include "analysis/verdict.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "base/power.hpp"
#include "base/student_t.hpp"

namespace ridgeline::analysis {
namespace {

const Rule kRule;

TEST(Analysis_Verdict, follows_the_interval_and_the_margin) {
  const double t = student_t_quantile(0.975, 8);
  const double margin = std::log1p(0.01);
  const double error = 0.004;
  struct Row {
    double center;
    Verdict verdict;
  };
  const Row rows[] = {{margin + t * error + 1e-6, Verdict::kSlower},
                      {margin + t * error - 1e-6, Verdict::kUndecided},
                      {-margin - t * error - 1e-6, Verdict::kFaster},
                      {-margin - t * error + 1e-6, Verdict::kUndecided},
                      {margin - t * error - 1e-6, Verdict::kSame},
                      {margin - t * error + 1e-6, Verdict::kUndecided},
                      {-margin + t * error + 1e-6, Verdict::kSame},
                      {-margin + t * error - 1e-6, Verdict::kUndecided}};
  for (const Row& row : rows) {
    const LogDifference difference{row.center, error, 8};
    EXPECT_EQ(verdict_name(verdict_alone(difference, kRule)), verdict_name(row.verdict))
        << row.center;
  }
}

TEST(Analysis_Verdict, has_a_p_value_that_says_what_the_interval_says) {
  for (const double center : {-0.08, -0.021, 0.0, 0.012, 0.02, 0.035, 0.2}) {
    for (const double error : {1e-6, 0.002, 0.01}) {
      for (const double freedom : {1.3, 4.0, 14.0}) {
        const LogDifference difference{center, error, freedom};
        const auto interval = ratio_interval(difference, 0.95);
        ASSERT_TRUE(interval);
        const bool beyond = interval->low > 1.01 || interval->high < 1 / 1.01;
        EXPECT_EQ(p_value(difference, 0.01) <= 0.05, beyond) << center << " " << error;
      }
    }
  }
  // Twice the tail of t beyond (0.05 − log 1.01) / 0.01 with 5 degrees.
  const double t = (0.05 - std::log1p(0.01)) / 0.01;
  EXPECT_NEAR(p_value({0.05, 0.01, 5}, 0.01), 2 * (1 - student_t_cdf(t, 5)), 1e-12);
}

TEST(Analysis_Verdict, turns_around_when_the_sides_change_places) {
  for (const double center : {0.0, 0.004, 0.03, 0.3}) {
    const Verdict there = verdict_alone({center, 0.003, 6}, kRule);
    const Verdict back = verdict_alone({-center, 0.003, 6}, kRule);
    if (there == Verdict::kSlower) {
      EXPECT_EQ(back, Verdict::kFaster);
    } else {
      EXPECT_EQ(back, there);
    }
  }
}

TEST(Analysis_Verdict, of_values_without_any_spread_is_exact) {
  EXPECT_EQ(verdict_alone({std::log(1.02), 0, 6}, kRule), Verdict::kSlower);
  EXPECT_EQ(verdict_alone({std::log(1.005), 0, 6}, kRule), Verdict::kSame);
  EXPECT_EQ(p_value({std::log(1.02), 0, 6}, 0.01), 0);
  EXPECT_EQ(p_value({0, 0, 6}, 0.01), 1);
  EXPECT_EQ(smallest_slowdown_found({0, 0, 6}, kRule, 3), 0.01);
}

TEST(Analysis_Verdict, among_several_needs_the_adjusted_value_too) {
  const LogDifference slower{0.03, 0.005, 8};
  EXPECT_EQ(verdict_among(slower, 0.04, kRule), Verdict::kSlower);
  EXPECT_EQ(verdict_among(slower, 0.06, kRule), Verdict::kUndecided);
  EXPECT_EQ(verdict_among(slower, std::nan(""), kRule), Verdict::kUndecided);
  EXPECT_EQ(verdict_among({0, 0.001, 8}, 1, kRule), Verdict::kSame) << "SAME is not adjusted";
}

TEST(Analysis_Verdict, of_bytes_looks_at_the_margin_alone) {
  EXPECT_EQ(verdict_exact(1000, 1010, 0.01), Verdict::kSame);
  EXPECT_EQ(verdict_exact(1000, 1011, 0.01), Verdict::kSlower);
  EXPECT_EQ(verdict_exact(1011, 1000, 0.01), Verdict::kFaster);
  EXPECT_EQ(verdict_exact(0, 0, 0.01), Verdict::kSame);
  EXPECT_EQ(verdict_exact(0, 1, 0.01), Verdict::kSlower);
}

TEST(Analysis_Verdict, finds_what_the_power_of_the_test_says) {
  // Equal sides with 5 invocations of 1 % spread: as many degrees as base/power.hpp counts.
  const LogDifference difference{0.0, 0.01 * std::sqrt(2.0 / 5), 8};
  const auto found = smallest_slowdown_found(difference, kRule, 1);
  ASSERT_TRUE(found);
  EXPECT_NEAR(*found, *smallest_detectable_difference(0.01, 5, 5), 1e-6);
  EXPECT_NEAR(comparison_power(*found, 0.01, 5, 5), 0.8, 1e-3);
  EXPECT_GT(*smallest_slowdown_found(difference, kRule, 20), *found) << "among 20 it is harder";
}

TEST(Analysis_Verdict, needs_the_first_number_with_enough_power) {
  for (const double spread : {0.002, 0.01, 0.03}) {
    const auto needed = InvocationsNeeded(kRule, 1)(spread);
    ASSERT_TRUE(needed);
    EXPECT_GE(comparison_power(0.02, spread, *needed, *needed), 0.8) << spread;
    if (*needed > 2) {
      EXPECT_LT(comparison_power(0.02, spread, *needed - 1, *needed - 1), 0.8);
    }
    EXPECT_GE(*InvocationsNeeded(kRule, 12)(spread), *needed);
  }
  EXPECT_EQ(InvocationsNeeded(kRule, 1)(0), 2);
  EXPECT_FALSE(InvocationsNeeded(kRule, 1)(3));
  EXPECT_FALSE(InvocationsNeeded(kRule, 1)(std::nan("")));
}

}  // namespace
}  // namespace ridgeline::analysis
