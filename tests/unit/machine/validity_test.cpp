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
  EXPECT_EQ(flag_of(flags, "load").severity, "info");
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

// Sixteen CPUs, two nodes, boost on; only the settings are read from the tree.
Machine server() {
  Machine machine;
  for (int cpu = 0; cpu < 16; ++cpu) machine.cpu.logical.push_back({cpu, 0, cpu, cpu % 2});
  machine.cpu.nodes = {{0, {}, {}}, {1, {}, {}}};
  machine.cpu.boost = true;
  return machine;
}

std::vector<Flag> flags_of(const RecordedTree& tree, const Machine& machine = server()) {
  return environment_flags(machine, 8, read_settings(machine, tree.root()));
}

TEST(Validity_Settings, boost_is_told_with_the_switch_of_its_driver) {
  const RecordedTree tree;
  EXPECT_EQ(flag_of(flags_of(tree), "boost").id, "") << "nothing could switch it";
  tree.write("sys/devices/system/cpu/intel_pstate/no_turbo", "0\n");
  const Flag flag = flag_of(flags_of(tree), "boost");
  EXPECT_EQ(flag.severity, "info");
  EXPECT_NE(flag.advice.find("echo 1 | sudo tee /sys/devices/system/cpu/intel_pstate/no_turbo"),
            std::string::npos)
      << flag.advice;
  tree.remove("sys/devices/system/cpu/intel_pstate");
  tree.write("sys/devices/system/cpu/cpufreq/boost", "1\n");
  EXPECT_NE(flag_of(flags_of(tree), "boost")
                .advice.find("echo 0 | sudo tee /sys/devices/system/cpu/cpufreq/boost"),
            std::string::npos);
  Machine off = server();
  off.cpu.boost = false;
  EXPECT_EQ(flag_of(flags_of(tree, off), "boost").id, "");
}

TEST(Validity_Settings, an_energy_preference_below_performance_is_told) {
  const RecordedTree tree;
  const auto set = [&](int cpu, const char* value) {
    tree.write("sys/devices/system/cpu/cpu" + std::to_string(cpu) +
                   "/cpufreq/energy_performance_preference",
               value);
  };
  const std::string id = "energy_preference";
  EXPECT_EQ(flag_of(flags_of(tree), id).id, "");
  for (int cpu = 0; cpu < 16; ++cpu) set(cpu, "performance\n");
  EXPECT_EQ(flag_of(flags_of(tree), id).id, "");
  set(3, "balance_power\n");
  EXPECT_NE(flag_of(flags_of(tree), id).detail.find("'mixed'"), std::string::npos);
  for (int cpu = 0; cpu < 16; ++cpu) set(cpu, "balance_power\n");
  EXPECT_EQ(flag_of(flags_of(tree), id).severity, "warn");
  for (int cpu = 0; cpu < 16; ++cpu) set(cpu, "balance_performance\n");
  EXPECT_EQ(flag_of(flags_of(tree), id).severity, "info");
}

TEST(Validity_Settings, numa_balancing_matters_where_there_are_nodes) {
  const RecordedTree tree;
  tree.write("proc/sys/kernel/numa_balancing", "2\n");
  EXPECT_EQ(flag_of(flags_of(tree), "numa_balancing").severity, "warn");
  tree.write("proc/sys/kernel/numa_balancing", "0\n");
  EXPECT_EQ(flag_of(flags_of(tree), "numa_balancing").id, "");
  tree.write("proc/sys/kernel/numa_balancing", "1\n");
  Machine one = server();
  one.cpu.nodes.pop_back();
  EXPECT_EQ(flag_of(flags_of(tree, one), "numa_balancing").id, "");
}

TEST(Validity_Settings, a_battery_counts_only_while_it_feeds_the_machine) {
  const RecordedTree tree;
  const std::string supplies = "sys/class/power_supply/";
  const auto on_battery = [&] { return read_settings(server(), tree.root()).on_battery; };
  EXPECT_EQ(on_battery(), std::nullopt);
  tree.write(supplies + "hidpp_battery_0/type", "Battery\n");
  tree.write(supplies + "hidpp_battery_0/scope", "Device\n");
  tree.write(supplies + "hidpp_battery_0/status", "Discharging\n");
  EXPECT_EQ(on_battery(), std::nullopt) << "a mouse";
  tree.write(supplies + "BAT0/type", "Battery\n");
  tree.write(supplies + "BAT0/status", "Full\n");
  EXPECT_EQ(on_battery(), false);
  tree.write(supplies + "BAT0/status", "Discharging\n");
  tree.write(supplies + "AC/type", "Mains\n");
  tree.write(supplies + "AC/online", "0\n");
  EXPECT_EQ(flag_of(flags_of(tree), "battery").severity, "warn");
  tree.write(supplies + "AC/online", "1\n");
  EXPECT_EQ(flag_of(flags_of(tree), "battery").id, "");
}

TEST(Validity_Settings, a_slow_profile_of_the_firmware_is_flagged) {
  const RecordedTree tree;
  tree.write("sys/firmware/acpi/platform_profile", "low-power\n");
  EXPECT_EQ(flag_of(flags_of(tree), "power_profile").severity, "warn");
  tree.write("sys/firmware/acpi/platform_profile", "balanced\n");
  EXPECT_EQ(flag_of(flags_of(tree), "power_profile").id, "");
}

TEST(Validity_Settings, isolated_cpus_are_told) {
  const RecordedTree tree;
  tree.write("sys/devices/system/cpu/isolated", "2-3\n");
  const Flag flag = flag_of(flags_of(tree), "isolated_cpus");
  EXPECT_EQ(flag.severity, "info");
  EXPECT_NE(flag.advice.find("--threads 1 --cores 2 "), std::string::npos) << flag.advice;
  tree.write("sys/devices/system/cpu/isolated", "\n");
  EXPECT_EQ(flag_of(flags_of(tree), "isolated_cpus").id, "");
}

TEST(Validity_Settings, are_null_where_nothing_is_told) {
  const RecordedTree tree;
  EXPECT_EQ(to_line(to_json(read_settings(server(), tree.root()))),
            R"({"energy_preference":null,"numa_balancing":null,"on_battery":null,)"
            R"("platform_profile":null,"isolated_cpus":null})");
  tree.write("sys/devices/system/cpu/isolated", "nonsense\n");
  EXPECT_TRUE(read_settings(server(), tree.root()).isolated_cpus.empty());
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
