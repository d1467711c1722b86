// Holm's correction against published and hand-made figures.
#include "analysis/holm.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace ridgeline::analysis {
namespace {

void expect_near(const std::vector<double>& got, const std::vector<double>& want) {
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < want.size(); ++i) EXPECT_NEAR(got[i], want[i], 1e-12) << i;
}

TEST(Analysis_Holm, gives_the_figures_of_other_programs) {
  // R: p.adjust(c(0.01, 0.02, 0.03, 0.04, 0.05), "holm")
  expect_near(holm_adjusted(std::vector{0.01, 0.02, 0.03, 0.04, 0.05}),
              {0.05, 0.08, 0.09, 0.09, 0.09});
  // R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm"); the order of the values stays.
  expect_near(holm_adjusted(std::vector{0.01, 0.04, 0.03, 0.005}), {0.03, 0.06, 0.06, 0.02});
}

TEST(Analysis_Holm, of_one_changes_nothing) {
  expect_near(holm_adjusted(std::vector{0.03}), {0.03});
  expect_near(holm_adjusted({}), {});
}

TEST(Analysis_Holm, is_at_most_one_and_bears_nonsense) {
  expect_near(holm_adjusted(std::vector{0.9, std::nan(""), 0.6}), {1, 1, 1});
  expect_near(holm_adjusted(std::vector{0.0, 1.0}), {0, 1});
}

TEST(Analysis_Holm, goes_on_behind_a_rejection_with_a_smaller_factor) {
  // 0.012 × 4, then 0.016 × 3: both stand at 0.05; Bonferroni would have dropped the second.
  const auto adjusted = holm_adjusted(std::vector{0.012, 0.016, 0.5, 0.5});
  EXPECT_LE(adjusted[1], 0.05);
}

}  // namespace
}  // namespace ridgeline::analysis
