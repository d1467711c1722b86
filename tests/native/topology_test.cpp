// Cores and memory nodes read from a tree like /sys.
#include "engines/native/optimize/topology.hpp"
#include "base/cpu_list.hpp"

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sched.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <numeric>

#include "engines/native/ops/cpu/parallel.hpp"
#include "engines/native/optimize/knobs.hpp"

namespace ridgeline::native {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Tree : public ::testing::Test {
 protected:
  Tree() { std::filesystem::remove_all(root_); }
  ~Tree() override { std::filesystem::remove_all(root_); }

  void put(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(root_ + path).parent_path());
    std::ofstream(root_ + path) << text << '\n';
  }
  void core(int cpu, const std::string& siblings) {
    put(fmt::format("sys/devices/system/cpu/cpu{}/topology/thread_siblings_list", cpu), siblings);
  }

  const std::string root_ =
      fmt::format("{}ridgeline-topology-{}/", ::testing::TempDir(), ::getpid());
};

TEST_F(Tree, a_core_counts_once_however_its_cpus_are_numbered) {
  for (const int cpu : {0, 2}) core(cpu, "0,2");
  for (const int cpu : {1, 3}) core(cpu, "1,3");
  EXPECT_THAT(one_cpu_a_core({0, 1, 2, 3}, root_), ElementsAre(0, 1));
  // The lower sibling may not be used: the core is there all the same.
  EXPECT_THAT(one_cpu_a_core({2, 3}, root_), ElementsAre(2, 3));
  EXPECT_THAT(one_cpu_a_core({0, 2}, root_), ElementsAre(0));
  EXPECT_THAT(one_cpu_a_core({7, 8}, root_), ElementsAre(7, 8));
  core(8, "7-x");
  EXPECT_THAT(one_cpu_a_core({7, 8}, root_), ElementsAre(7, 8));
}

TEST_F(Tree, nodes_are_those_of_the_cpus_that_may_be_used) {
  EXPECT_THAT(online_nodes(root_), IsEmpty());
  EXPECT_THAT(nodes_of({0}, root_), IsEmpty());
  put("sys/devices/system/node/online", "0-2");
  put("sys/devices/system/node/node0/cpulist", "0-3");
  put("sys/devices/system/node/node1/cpulist", "4-7");
  put("sys/devices/system/node/node2/cpulist", "");  // memory without CPUs
  EXPECT_THAT(online_nodes(root_), ElementsAre(0, 1, 2));
  EXPECT_THAT(nodes_of({1, 2}, root_), ElementsAre(0));
  EXPECT_THAT(nodes_of({3, 4}, root_), ElementsAre(0, 1));
}

TEST(Team, does_every_part_once_and_reaches_every_thread) {
  const int before = at::get_num_threads();
  for (const int threads : {1, 2, 3}) {
    at::set_num_threads(threads);
    for (const std::int64_t count : {0, 1, 2, 7, 1000}) {
      for (const std::int64_t grain : {1, 3, 5000}) {
        std::vector<std::atomic<int>> seen(static_cast<std::size_t>(count));
        ops::cpu::parallel_parts(count, grain, [&](std::int64_t begin, std::int64_t end) {
          for (std::int64_t i = begin; i < end; ++i) ++seen[static_cast<std::size_t>(i)];
        });
        for (const auto& times : seen) EXPECT_EQ(times, 1);
      }
    }
    std::vector<std::atomic<int>> members(8);
    ops::cpu::run_on_team(
        [](void* context) {
          auto& all = *static_cast<std::vector<std::atomic<int>>*>(context);
          ++all[static_cast<std::size_t>(ops::cpu::team_member())];
        },
        &members);
    for (int i = 0; i < 8; ++i) {
      EXPECT_EQ(members[static_cast<std::size_t>(i)], i < threads ? 1 : 0) << threads << " " << i;
    }
  }
  at::set_num_threads(before);
}

Json outcome_of(const char* id, const char* value) {
  const Json asked = Json::array({{{"id", id}, {"value", value}}});
  const auto all = apply_knobs(KnobStage::kProcess, asked,
                               {.value = {}, .device = at::kCPU, .dtype = at::kFloat});
  if (!all) return all.error().message;
  for (const Json& outcome : *all) {
    if (outcome.at("id") == id) return outcome;
  }
  return nullptr;
}

TEST(ProcessKnobs, threads_are_one_a_core_unless_told_otherwise) {
  ::unsetenv("OMP_NUM_THREADS");
  ::unsetenv("MKL_NUM_THREADS");
  at::set_num_threads(7);
  const Json outcome = outcome_of("threads", "");
  EXPECT_EQ(at::get_num_threads(), static_cast<int>(one_cpu_a_core(allowed_cpus()).size()));
  ::setenv("OMP_NUM_THREADS", "3", 1);
  at::set_num_threads(3);
  outcome_of("pin", "off");
  EXPECT_EQ(at::get_num_threads(), 3);
  ::unsetenv("OMP_NUM_THREADS");
}

TEST(ProcessKnobs, pin_and_numa_say_what_they_did_or_why_not) {
  const std::vector<int> cores = one_cpu_a_core(allowed_cpus());
  const std::vector<int> before = allowed_cpus();
  const Json pinned = outcome_of("pin", "on");
  EXPECT_EQ(pinned.at("applied"), cores.size() > 1) << pinned;
  if (cores.size() > 1) {
    // The calling thread may go on running anywhere.
    EXPECT_EQ(allowed_cpus(), before);
    EXPECT_EQ(pinned.at("value").get<std::string>().empty(), false);
  } else {
    EXPECT_FALSE(pinned.at("reason").is_null());
  }
  const Json bound = outcome_of("numa", "bind");
  EXPECT_EQ(bound.at("applied").get<bool>(), bound.at("reason").is_null());
  if (online_nodes().size() == 1) {
    EXPECT_EQ(bound.at("reason"), "one NUMA node");
  }
  EXPECT_TRUE(outcome_of("pin", "maybe").is_string());
  EXPECT_TRUE(outcome_of("numa", "maybe").is_string());
}

}  // namespace
}  // namespace ridgeline::native
