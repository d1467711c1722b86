#include "base/spin_barrier.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

namespace ridgeline {
namespace {

TEST(SpinBarrier, shows_to_all_what_each_did_before_also_with_more_threads_than_cpus) {
  constexpr int kRounds = 50;
  const int threads = 2 * std::max(2, static_cast<int>(std::thread::hardware_concurrency()));
  SpinBarrier barrier;
  std::vector<int> counts(
      static_cast<std::size_t>(threads));  // plain ints: the barrier orders them
  std::atomic<int> wrong{0};
  std::vector<std::thread> team;
  for (int thread = 0; thread < threads; ++thread) {
    team.emplace_back([&, thread] {
      for (int round = 1; round <= kRounds; ++round) {
        counts[static_cast<std::size_t>(thread)] = round;
        barrier.wait(threads);
        for (const int count : counts) wrong += count != round;
        barrier.wait(threads);
      }
    });
  }
  for (std::thread& member : team) member.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace ridgeline
