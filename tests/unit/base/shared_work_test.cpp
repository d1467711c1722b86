#include "base/shared_work.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace ridgeline {
namespace {

TEST(SharedWork, has_parts_that_follow_each_other_and_are_all) {
  for (const std::int64_t count : {0, 1, 6, 7, 100}) {
    std::int64_t next = 0;
    for (int owner = 0; owner < 7; ++owner) {
      const Part part = part_of(count, owner, 7);
      EXPECT_EQ(part.begin, next);
      next += part.size;
    }
    EXPECT_EQ(next, count);
  }
}

TEST(SharedWork, takes_every_unit_once_and_those_of_members_that_never_come) {
  constexpr std::int64_t kItems = 1000;
  constexpr int kMembers = 5;
  std::vector<Share> shares(kMembers);
  std::vector<std::atomic<int>> taken(kItems);
  std::vector<std::thread> threads;
  for (const int number : {0, 2, 3}) {
    threads.emplace_back([&, number] {
      take_units(
          shares.data(), {number, kMembers}, 3,
          [&](int owner) { return part_of(kItems, owner, kMembers).size; },
          [&](int owner, std::int64_t begin, std::int64_t end) {
            for (std::int64_t i = begin; i < end; ++i) {
              ++taken[static_cast<std::size_t>(part_of(kItems, owner, kMembers).begin + i)];
            }
          });
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::atomic<int>& times : taken) EXPECT_EQ(times, 1);
}

// The slowest member of a stage decides how long it takes: what it claims must be little.
TEST(SharedWork, claims_own_units_in_order_and_leaves_most_to_helpers) {
  constexpr int kMembers = 4;
  constexpr std::int64_t kUnits = 1000;
  std::vector<Share> shares(kMembers);
  std::vector<std::pair<int, Part>> claims;
  take_units(
      shares.data(), {1, kMembers}, 10, [](int) { return kUnits; },
      [&](int owner, std::int64_t begin, std::int64_t end) {
        claims.push_back({owner, {begin, end - begin}});
      });
  int owner = 1;
  std::int64_t next = 0;
  for (const auto& [whose, part] : claims) {
    if (next == kUnits) {
      owner = (owner + 1) % kMembers;
      next = 0;
    }
    EXPECT_EQ(whose, owner);
    EXPECT_EQ(part.begin, next);
    EXPECT_LE(part.size, kUnits / 4);
    EXPECT_TRUE(part.size >= 10 || part.begin + part.size == kUnits);
    next += part.size;
  }
  EXPECT_EQ(owner, 0);
  EXPECT_EQ(next, kUnits);
}

}  // namespace
}  // namespace ridgeline
