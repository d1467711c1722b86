// Environment checks on recorded machines.
#include "machine/validity.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "machine/inventory.hpp"
#include "support/recorded_tree.hpp"

namespace ridgeline::machine {
namespace {

using test::RecordedTree;

std::vector<std::string> ids(const std::vector<Flag>& flags) {
  std::vector<std::string> names;
  for (const Flag& flag : flags) names.push_back(flag.id);
  return names;
}

Flag flag_of(const std::vector<Flag>& flags, const std::string& id) {
  const auto it =
      std::find_if(flags.begin(), flags.end(), [&](const Flag& flag) { return flag.id == id; });
  return it == flags.end() ? Flag{} : *it;
}

using Ids = std::vector<std::string>;

TEST(Validity_Flags, name_what_disturbs_a_server) {
  const RecordedTree tree("intel-2s-smt");
  const auto flags = environment_flags(inventory(tree.root()), 8);
  EXPECT_EQ(ids(flags), (Ids{"governor", "load", "swap", "huge_pages"}));
  EXPECT_EQ(flag_of(flags, "governor").advice, "sudo cpupower frequency-set -g performance");
  EXPECT_EQ(flag_of(flags, "load").severity, "warn");
}

TEST(Validity_Flags, are_empty_on_a_quiet_well_set_machine) {
  const RecordedTree tree("intel-2s-smt");
  for (int cpu = 0; cpu < 16; ++cpu) {
    tree.write("sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/cpufreq/scaling_governor",
               "performance\n");
  }
  tree.write("proc/loadavg", "8.00 0 0 1/1 1\n");  // exactly half of 16 is still quiet
  tree.write("proc/meminfo", "MemTotal: 1000 kB\nMemAvailable: 100 kB\nSwapTotal: 0 kB\n");
  tree.write("sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never\n");
  EXPECT_EQ(ids(environment_flags(inventory(tree.root()), 8)), Ids{});
}

TEST(Validity_Flags, count_threads_against_cores_and_cpus) {
  const RecordedTree tree("intel-2s-smt");
  const Machine machine = inventory(tree.root());
  EXPECT_EQ(flag_of(environment_flags(machine, 9), "smt").advice, "--threads 8");
  EXPECT_EQ(flag_of(environment_flags(machine, 17), "oversubscribed").advice, "--threads 8");
  EXPECT_EQ(flag_of(environment_flags(machine, 8), "smt").id, "");
  EXPECT_EQ(flag_of(environment_flags(machine), "smt").id, "");
}

TEST(Validity_Flags, tell_virtual_machine_container_and_quota) {
  const RecordedTree tree("amd-vm");
  const auto flags = environment_flags(inventory(tree.root()), 2);
  EXPECT_EQ(ids(flags),
            (Ids{"cgroup_quota", "oversubscribed", "virtual_machine", "container", "huge_pages"}));
  EXPECT_NE(flag_of(flags, "cgroup_quota").detail.find("1.5 CPUs"), std::string::npos);
  EXPECT_EQ(flag_of(flags, "virtual_machine").severity, "info");
}

TEST(Validity_Flags, a_whole_quota_of_all_cpus_is_fine) {
  const RecordedTree tree("amd-vm");
  tree.write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "200000\n");
  EXPECT_EQ(flag_of(environment_flags(inventory(tree.root()), 2), "cgroup_quota").id, "");
}

TEST(Validity_Flags, advise_the_fast_cores_that_are_allowed) {
  const RecordedTree tree("arm-board");
  const auto flags = environment_flags(inventory(tree.root()), 6);
  EXPECT_EQ(flag_of(flags, "mixed_cores").advice, "--cores 4-7");
  EXPECT_EQ(flag_of(flags, "low_memory").severity, "warn");
  tree.write("proc/self/status", "Cpus_allowed_list:\t4-7\n");
  EXPECT_EQ(flag_of(environment_flags(inventory(tree.root()), 4), "mixed_cores").id, "");
}

TEST(Validity_Flags, say_nothing_about_what_could_not_be_read) {
  const RecordedTree tree;
  EXPECT_EQ(ids(environment_flags(inventory(tree.root()), 4)), Ids{});
}

TEST(Validity_Json, has_the_form_of_a_record) {
  const Json json = to_json(std::vector<Flag>{{"load", "warn", "busy", "wait"}});
  EXPECT_EQ(to_line(json), R"([{"id":"load","severity":"warn","detail":"busy","advice":"wait"}])");
}

}  // namespace
}  // namespace ridgeline::machine
