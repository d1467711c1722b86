// What fits, and the search for the largest that does.
#include "study/predict_memory.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace ridgeline::study {
namespace {

constexpr std::int64_t kMost = 1 << 20;

TEST(LargestSize, finds_the_last_one_of_a_line_in_a_few_questions) {
  int questions = 0;
  const auto line = [&](std::int64_t n) -> Result<double> {
    ++questions;
    return 1000.0 + 7.0 * static_cast<double>(n);
  };
  const Largest largest = largest_size(line, 8000.5, kMost);
  EXPECT_EQ(largest.value, 1000);
  EXPECT_EQ(largest.limited_by, "memory");
  EXPECT_LE(questions, 6);
}

TEST(LargestSize, finds_it_when_the_peak_bends) {
  for (const double usable : {1e4, 1e7, 3.3e9, 1e12}) {
    const auto square = [](std::int64_t n) -> Result<double> {
      return 50 + static_cast<double>(n) * static_cast<double>(n);
    };
    const auto right = static_cast<std::int64_t>(std::floor(std::sqrt(usable - 50)));
    EXPECT_EQ(largest_size(square, usable, kMost).value, std::min(right, kMost)) << usable;
    const auto root = [](std::int64_t n) -> Result<double> {
      return 50 + 1000 * std::sqrt(static_cast<double>(n));
    };
    const double reach = std::floor(std::pow((usable - 50) / 1000, 2));
    EXPECT_EQ(largest_size(root, usable, kMost).value,
              reach < kMost ? static_cast<std::int64_t>(reach) : kMost)
        << usable;
  }
}

TEST(LargestSize, stops_where_the_model_refuses) {
  const auto refuses = [](std::int64_t n) -> Result<double> {
    if (n > 511) return bad_input("longer than the model's positions");
    return static_cast<double>(n);
  };
  const Largest largest = largest_size(refuses, 1e9, kMost);
  EXPECT_EQ(largest.value, 511);
  EXPECT_EQ(largest.limited_by, "model");
}

TEST(LargestSize, says_when_nothing_fits_and_when_everything_does) {
  const auto flat = [](std::int64_t) -> Result<double> { return 10.0; };
  const Largest none = largest_size(flat, 9, kMost);
  EXPECT_FALSE(none.value.has_value());
  EXPECT_NE(none.reason, "");
  const Largest all = largest_size(flat, 11, kMost);
  EXPECT_EQ(all.value, kMost);
  EXPECT_EQ(all.limited_by, "");
}

TEST(Remembered, asks_each_size_once) {
  int questions = 0;
  const PeakOfSize peak = remembered([&](std::int64_t n) -> Result<double> {
    ++questions;
    return static_cast<double>(n);
  });
  EXPECT_EQ(*peak(3), 3);
  EXPECT_EQ(*peak(3), 3);
  EXPECT_EQ(questions, 1);
}

TEST(Usable, keeps_a_reserve_and_is_never_negative) {
  EXPECT_DOUBLE_EQ(usable_bytes(100e9), 95e9 - 1024.0 * 1024 * 1024);
  EXPECT_EQ(usable_bytes(1e6), 0);
}

TEST(Peak, is_that_of_the_measured_phase_that_needs_most) {
  ModelWork work;
  const auto add = [&](double peak, bool measured) {
    PhaseWork phase;
    phase.measured = measured;
    phase.memory.peak = peak;
    work.phases.push_back(phase);
  };
  add(9, false);
  add(5, true);
  add(7, true);
  EXPECT_EQ(peak_of(work), 7);
}

}  // namespace
}  // namespace ridgeline::study
