// Who used the processors between two looks at /proc.
#include "machine/processes.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/clock.hpp"
#include "support/recorded_tree.hpp"

namespace ridgeline::machine {
namespace {

constexpr int kOwn = 100;

// A machine of two CPUs at a hundred ticks a second.
ProcessSnapshot look(double seconds, CpuTicks all, std::vector<ProcessTime> processes) {
  ProcessSnapshot snapshot;
  snapshot.ns = static_cast<std::int64_t>(seconds * kNsPerSecond);
  snapshot.cpus = 2;
  snapshot.all = all;
  snapshot.processes = std::move(processes);
  return snapshot;
}

TEST(Processes_Use, is_shared_out_among_processes) {
  const auto before =
      look(10, {1000, 5000, 0},
           {{1, 0, "init", 1, 50}, {7, 1, "python3", 5, 400}, {kOwn, 1, "us", 9, 3}});
  const auto after =
      look(11, {1120, 5080, 0},
           {{1, 0, "init", 1, 50}, {7, 1, "python3", 5, 490}, {kOwn, 1, "us", 9, 13}});
  const auto use = cpu_use(before, after, kOwn);
  ASSERT_TRUE(use) << use.error().line();
  EXPECT_DOUBLE_EQ(use->seconds, 1);
  EXPECT_DOUBLE_EQ(use->share, 0.6);
  EXPECT_DOUBLE_EQ(use->own, 0.1);
  EXPECT_DOUBLE_EQ(use->others, 1.1);
  EXPECT_NEAR(use->unseen, 0.2, 1e-12);
  EXPECT_DOUBLE_EQ(use->steal, 0);
  ASSERT_EQ(use->top.size(), 1u);
  EXPECT_EQ(use->top[0].pid, 7);
  EXPECT_EQ(describe(*use), "python3 0.90, 0.20 not visible from here");
}

TEST(Processes_Use, our_children_are_ours_and_their_children_too) {
  const std::vector<ProcessTime> before = {{kOwn, 1, "us", 1, 0},
                                           {200, kOwn, "engine", 2, 0},
                                           {201, 200, "helper", 3, 0},
                                           {300, 1, "other", 4, 0}};
  std::vector<ProcessTime> after = before;
  for (ProcessTime& process : after) process.ticks += 25;
  const auto use = cpu_use(look(0, {}, before), look(1, {100, 100, 0}, after), kOwn);
  EXPECT_DOUBLE_EQ(use->own, 0.75);
  EXPECT_DOUBLE_EQ(use->others, 0.25);
  EXPECT_EQ(describe(*use), "other 0.25");
}

TEST(Processes_Use, survives_parents_in_a_ring) {
  const std::vector<ProcessTime> ring = {{1, 2, "a", 1, 10}, {2, 1, "b", 1, 10}, {3, 3, "c", 1, 1}};
  EXPECT_TRUE(cpu_use(look(0, {}, ring), look(1, {10, 10, 0}, ring), 3));
}

TEST(Processes_Use, adds_up_processes_of_one_name_and_keeps_the_busiest_three) {
  const std::vector<ProcessTime> after = {{1, 0, "cc1plus", 1, 60},
                                          {2, 0, "cc1plus", 1, 90},
                                          {3, 0, "ld", 1, 30},
                                          {4, 0, "make", 1, 2},
                                          {5, 0, "sshd", 1, 1}};
  const auto use = cpu_use(look(0, {}, {}), look(1, {183, 17, 0}, after), kOwn);
  ASSERT_EQ(use->top.size(), kTopProcesses);
  EXPECT_EQ(use->top[0].pid, 2);
  EXPECT_EQ(use->top[0].count, 2);
  EXPECT_EQ(describe(*use), "cc1plus ×2 1.50, ld 0.30, make 0.02");
}

TEST(Processes_Use, a_pid_that_is_used_again_is_another_process) {
  const auto use = cpu_use(look(0, {}, {{5, 1, "old", 10, 900}}),
                           look(1, {40, 160, 0}, {{5, 1, "new", 777, 40}}), kOwn);
  EXPECT_EQ(describe(*use), "new 0.40");
}

TEST(Processes_Use, counts_what_ended_or_is_hidden_as_unseen) {
  const auto use = cpu_use(look(0, {}, {{5, 1, "gone", 1, 10}}), look(1, {150, 50, 0}, {}), kOwn);
  EXPECT_DOUBLE_EQ(use->others, 1.5);
  EXPECT_DOUBLE_EQ(use->unseen, 1.5);
  EXPECT_EQ(describe(*use), "1.50 not visible from here");
}

TEST(Processes_Use, keeps_stolen_time_apart) {
  const auto use = cpu_use(look(0, {}, {}), look(1, {0, 150, 50}, {}), kOwn);
  EXPECT_DOUBLE_EQ(use->steal, 0.5);
  EXPECT_DOUBLE_EQ(use->others, 0);
  EXPECT_DOUBLE_EQ(use->share, 0);
}

TEST(Processes_Use, counters_that_go_back_count_as_nothing) {
  const auto use = cpu_use(look(0, {100, 500, 9}, {{5, 1, "a", 1, 10}}),
                           look(1, {90, 600, 3}, {{5, 1, "a", 1, 4}}), kOwn);
  EXPECT_DOUBLE_EQ(use->others, 0);
  EXPECT_DOUBLE_EQ(use->steal, 0);
}

TEST(Processes_Use, is_unknown_when_nothing_moves) {
  EXPECT_FALSE(cpu_use(look(0, {5, 5, 0}, {}), look(1, {5, 5, 0}, {}), kOwn));
  EXPECT_FALSE(cpu_use(look(1, {0, 0, 0}, {}), look(1, {5, 5, 0}, {}), kOwn));
  EXPECT_FALSE(cpu_use(look(2, {0, 0, 0}, {}), look(1, {5, 5, 0}, {}), kOwn));
}

std::string stat_line(int pid, const std::string& name, int parent, int user, int system) {
  return fmt::format("{} ({}) S {} 1 1 0 -1 4194304 0 0 0 0 {} {} 5 6 20 0 1 0 4711 0 0\n", pid,
                     name, parent, user, system);
}

TEST(Processes_Snapshot, reads_the_files_of_the_kernel) {
  const test::RecordedTree tree;
  tree.write("proc/stat",
             "cpu  10 2 30 400 50 1 7 9 3 3\ncpu0 5 1 15 200 25 0 3 4 1 1\n"
             "cpu1 5 1 15 200 25 1 4 5 2 2\nintr 1 2 3\n");
  tree.write("proc/42/stat", stat_line(42, "a (b) c", 7, 11, 22));
  tree.write("proc/43/stat", stat_line(43, "x\n\x1b[31m\xc3", 1, 1, 0));
  tree.write("proc/self/stat", stat_line(9, "no", 1, 1, 1));
  const auto snapshot = take_process_snapshot(tree.root());
  ASSERT_TRUE(snapshot) << snapshot.error().line();
  EXPECT_EQ(snapshot->cpus, 2);
  EXPECT_EQ(snapshot->all.busy, 50u);
  EXPECT_EQ(snapshot->all.idle, 450u);
  EXPECT_EQ(snapshot->all.steal, 9u);
  ASSERT_EQ(snapshot->processes.size(), 2u);
  EXPECT_EQ(snapshot->processes[0].name, "a (b) c");
  EXPECT_EQ(snapshot->processes[0].parent, 7);
  EXPECT_EQ(snapshot->processes[0].ticks, 33u);
  EXPECT_EQ(snapshot->processes[0].start, 4711u);
  EXPECT_EQ(snapshot->processes[1].name, "x??[31m?");
}

TEST(Processes_Snapshot, survives_files_that_are_cut_short_or_nonsense) {
  const test::RecordedTree tree;
  tree.write("proc/stat", "cpu\ncpu0\n");
  for (const char* text : {"1", "1 (", "1 ) (", "1 (a) S 1", "1 (a) S -5 x", ")))((("}) {
    tree.write("proc/1/stat", text);
    const auto snapshot = take_process_snapshot(tree.root());
    ASSERT_TRUE(snapshot);
    EXPECT_TRUE(snapshot->processes.empty()) << text;
  }
  tree.write("proc/1/stat", stat_line(1, "a", 0, -7, 0) + std::string(1000, ' '));
  EXPECT_EQ(take_process_snapshot(tree.root())->processes.at(0).ticks, 0u);
}

TEST(Processes_Snapshot, says_why_there_is_none) {
  const test::RecordedTree tree;
  const auto snapshot = take_process_snapshot(tree.root());
  ASSERT_FALSE(snapshot);
  EXPECT_EQ(snapshot.error().message, "/proc/stat is not there");
}

TEST(Processes_Snapshot, of_this_machine_has_this_process) {
  const auto snapshot = take_process_snapshot();
  ASSERT_TRUE(snapshot) << snapshot.error().line();
  bool found = false;
  for (const ProcessTime& process : snapshot->processes) {
    found = found || (process.pid == ::getpid() && process.parent == ::getppid());
  }
  EXPECT_TRUE(found);
}

}  // namespace
}  // namespace ridgeline::machine
