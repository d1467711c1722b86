// Threads on CPUs of their own that start together.
#include "engines/native/ceilings/host/team.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>

#include <algorithm>
#include <atomic>

namespace ridgeline::native::ceilings {
namespace {

using testing::HasSubstr;

std::vector<int> all_cpus() {
  return place_threads(0, "")->cpus;
}

// A CPU that this process may not use; -1 where there is none below the system's limit.
int forbidden_cpu() {
  const auto allowed = all_cpus();
  for (int cpu = CPU_SETSIZE - 1; cpu >= 0; --cpu) {
    if (!std::binary_search(allowed.begin(), allowed.end(), cpu)) return cpu;
  }
  return -1;
}

std::string refusal(int threads, std::string_view cores) {
  const auto placed = place_threads(threads, cores);
  return placed ? "" : placed.error().line();
}

TEST(Team_place_threads, takes_all_cpus_or_the_first_ones) {
  const auto cpus = all_cpus();
  ASSERT_FALSE(cpus.empty());
  EXPECT_EQ(place_threads(1, "")->cpus, std::vector<int>{cpus.front()});
  const std::string last = std::to_string(cpus.back());
  EXPECT_EQ(place_threads(0, last)->cpus, std::vector<int>{cpus.back()});
  EXPECT_EQ(place_threads(0, last + "," + last)->cpus, std::vector<int>{cpus.back()});
}

TEST(Team_place_threads, refuses_what_is_no_list_or_not_there) {
  for (const char* text : {"a", "1-", "-1", "3-1", ",", "0-999999999", "0 1", "0;1", "0-1-2"}) {
    EXPECT_THAT(refusal(0, text), HasSubstr("is not a list of CPUs")) << text;
  }
  EXPECT_THAT(refusal(0, "0,"), HasSubstr("ends in a comma"));
  if (forbidden_cpu() >= 0) {
    EXPECT_THAT(refusal(0, std::to_string(forbidden_cpu())),
                HasSubstr("may not be used by this process"));
  }
  EXPECT_THAT(refusal(static_cast<int>(all_cpus().size()) + 1, ""),
              HasSubstr("needs a CPU for each"));
  EXPECT_THAT(refusal(-1, ""), HasSubstr("threads -1"));
}

TEST(Team_run, runs_each_member_once_on_its_own_cpu) {
  const Placement placement{all_cpus()};
  std::vector<int> cpus(placement.cpus.size(), -1);
  const auto done = run_team(
      placement, [&](int thread) { cpus[static_cast<std::size_t>(thread)] = ::sched_getcpu(); });
  ASSERT_TRUE(done);
  EXPECT_EQ(cpus, placement.cpus);
}

TEST(Team_run, runs_nobody_when_a_thread_cannot_be_bound) {
  if (forbidden_cpu() < 0) GTEST_SKIP() << "every CPU may be used";
  Placement placement{all_cpus()};
  placement.cpus.push_back(forbidden_cpu());
  std::atomic<int> ran{0};
  const auto done = run_team(placement, [&](int) { ++ran; });
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().line(), HasSubstr("refuses to bind"));
  EXPECT_EQ(ran, 0);
}

}  // namespace
}  // namespace ridgeline::native::ceilings
