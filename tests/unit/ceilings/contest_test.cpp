// Which of several ways wins, and what is dropped on the way.
#include "engines/native/ceilings/host/contest.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <thread>
#include <vector>

namespace ridgeline::native::ceilings {
namespace {

constexpr double kLong = 1e6;

// Plays `turns` repetitions in which entrant i achieves rates[i]; how often each had a turn.
std::map<std::size_t, int> play(Contest& contest, const std::vector<double>& rates, int turns) {
  std::map<std::size_t, int> seen;
  for (int turn = 0; turn < turns; ++turn) {
    const auto next = contest.next();
    if (!next) break;
    ++seen[*next];
    contest.add(rates[*next]);
  }
  return seen;
}

TEST(Contest, gives_the_time_to_the_best) {
  Contest contest(4, kLong);
  const auto seen = play(contest, {5, 9, 8, 7}, 100);
  EXPECT_EQ(contest.winner(), 1U);
  EXPECT_EQ(contest.best(), 9);
  EXPECT_GT(seen.at(1), 85);
  EXPECT_EQ(contest.samples(), seen.at(1) - 1) << "the first repetition is dropped";
  // 5 is below two thirds of 9 and leaves after one round; 7 after two, 8 after three.
  EXPECT_EQ(seen.at(0), 2);
  EXPECT_EQ(seen.at(3), 3);
  EXPECT_EQ(seen.at(2), 4);
}

TEST(Contest, drops_the_first_repetition_of_each_but_for_warm_ones) {
  Contest cold(1, kLong);
  ASSERT_TRUE(cold.next());
  cold.add(1000);
  EXPECT_FALSE(cold.decided());
  ASSERT_TRUE(cold.next());
  cold.add(10);
  EXPECT_EQ(cold.best(), 10);
  Contest warm(1, kLong, /*warm=*/true);
  ASSERT_TRUE(warm.next());
  warm.add(1000);
  EXPECT_EQ(warm.best(), 1000);
}

TEST(Contest, counts_one_repetition_even_without_time_and_says_what_is_missing) {
  Contest contest(3, 0);
  const auto seen = play(contest, {1, 2, 3}, 100);
  EXPECT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen.at(0), 2);
  EXPECT_EQ(contest.note(), "repetitions that fitted in the time: 1; 2 of 3 kernels had no turn");
}

TEST(Contest, ends_when_the_time_is_up) {
  Contest contest(1, 0.005);
  int turns = 0;
  while (contest.next() && turns < 1000) {
    ++turns;
    contest.add(1);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_LE(turns, 6);
  EXPECT_GE(contest.seconds(), 0.005);
}

TEST(Contest, median_is_of_the_winner_alone) {
  Contest contest(2, kLong, /*warm=*/true);
  const std::vector<double> first = {1, 5, 3, 9};
  std::size_t at = 0;
  for (int turn = 0; turn < 5; ++turn) {
    const auto next = contest.next();
    ASSERT_TRUE(next);
    contest.add(*next == 0 ? first[at++] : 0.1);
  }
  EXPECT_EQ(contest.median(), 4);
  EXPECT_EQ(contest.best(), 9);
}

TEST(Contest, medians_of_even_and_odd_numbers) {
  EXPECT_EQ(median_of(std::vector<double>{3}), 3);
  EXPECT_EQ(median_of(std::vector<double>{4, 1}), 2.5);
  EXPECT_EQ(median_of(std::vector<double>{9, 1, 2}), 2);
}

}  // namespace
}  // namespace ridgeline::native::ceilings
