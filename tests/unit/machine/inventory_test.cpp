// The inventory of recorded machines, and of the one that runs the test.
#include "machine/inventory.hpp"

#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "support/recorded_tree.hpp"

namespace ridgeline::machine {
namespace {

using test::RecordedTree;
using List = std::vector<int>;

const Missing* find_missing(const Machine& machine, const std::string& field) {
  const auto it = std::find_if(machine.missing.begin(), machine.missing.end(),
                               [&](const Missing& entry) { return entry.field == field; });
  return it == machine.missing.end() ? nullptr : &*it;
}

bool has_isa(const Machine& machine, const std::string& name) {
  return std::count(machine.cpu.isa.begin(), machine.cpu.isa.end(), name) == 1;
}

TEST(Inventory_IntelServer, counts_sockets_cores_and_threads) {
  const RecordedTree tree("intel-2s-smt");
  const Machine machine = inventory(tree.root());
  EXPECT_EQ(machine.cpu.vendor, "Intel");
  EXPECT_EQ(machine.cpu.model, "Intel(R) Xeon(R) Gold 6430");
  EXPECT_EQ(machine.cpu.architecture, "x86_64");
  EXPECT_EQ(machine.cpu.sockets, 2);
  EXPECT_EQ(machine.cpu.physical_cores, 8);
  EXPECT_EQ(machine.cpu.logical.size(), 16u);
  EXPECT_EQ(machine.cpu.threads_per_core, 2);
  EXPECT_EQ(machine.cpu.smt, "on");
  EXPECT_EQ(machine.board, "Dell Inc. PowerEdge R760");
}

TEST(Inventory_IntelServer, groups_caches_and_nodes) {
  const RecordedTree tree("intel-2s-smt");
  const Machine machine = inventory(tree.root());
  ASSERT_EQ(machine.cpu.caches.size(), 4u);
  const Cache& data = machine.cpu.caches[0];
  EXPECT_EQ(data.type, "data");
  EXPECT_EQ(data.bytes, 48u << 10);
  EXPECT_EQ(data.shared_by, 2);
  EXPECT_EQ(data.count, 8);
  const Cache& last = machine.cpu.caches[3];
  EXPECT_EQ(last.level, 3);
  EXPECT_EQ(last.bytes, 60ull << 20);
  EXPECT_EQ(last.shared_by, 8);
  EXPECT_EQ(last.count, 2);
  ASSERT_EQ(machine.cpu.nodes.size(), 2u);
  EXPECT_EQ(machine.cpu.nodes[1].cpus, (List{4, 5, 6, 7, 12, 13, 14, 15}));
  EXPECT_EQ(machine.cpu.nodes[1].memory_bytes, 264070144ull << 10);
}

TEST(Inventory_IntelServer, reads_clocks_isa_and_memory) {
  const RecordedTree tree("intel-2s-smt");
  const Machine machine = inventory(tree.root());
  EXPECT_EQ(machine.cpu.base_hz, 2.1e9);
  EXPECT_EQ(machine.cpu.max_hz, 3.4e9);
  EXPECT_EQ(machine.cpu.governor, "powersave");
  EXPECT_EQ(machine.cpu.boost, true);
  EXPECT_TRUE(has_isa(machine, "amx_bf16"));
  EXPECT_TRUE(has_isa(machine, "avx512_vnni"));
  EXPECT_FALSE(has_isa(machine, "msr"));
  EXPECT_EQ(machine.memory.swap_used_bytes, (8388604ull - 7340028ull) << 10);
  EXPECT_EQ(machine.memory.transparent_hugepage, "madvise");
  EXPECT_FALSE(machine.memory.limit_bytes.has_value());
  EXPECT_EQ(machine.os.distribution, "Ubuntu 24.04.1 LTS");
  EXPECT_FALSE(machine.virtualization.is_virtual);
  EXPECT_FALSE(machine.virtualization.container.has_value());
}

TEST(Inventory_Accelerators, lists_each_device_once) {
  const RecordedTree tree("intel-2s-smt");
  const Machine machine = inventory(tree.root());
  // The console adapter, two GPUs and a processing accelerator; neither the GPU's sound function
  // nor its virtual function.
  ASSERT_EQ(machine.accelerators.size(), 4u);
  EXPECT_EQ(machine.accelerators[0].kind, "display");
  const Accelerator& gpu = machine.accelerators[1];
  EXPECT_EQ(gpu.pci_address, "0000:17:00.0");
  EXPECT_EQ(gpu.kind, "gpu");
  EXPECT_EQ(gpu.vendor, "NVIDIA");
  EXPECT_EQ(gpu.name, "NVIDIA H100 PCIe");
  EXPECT_EQ(gpu.driver, "nvidia");
  EXPECT_EQ(gpu.driver_version, "550.90.07");
  EXPECT_EQ(gpu.numa_node, 0);
  EXPECT_EQ(machine.accelerators[2].kind, "accelerator");
  EXPECT_EQ(machine.accelerators[2].driver, std::nullopt);
  ASSERT_NE(find_missing(machine, "accelerators[2].driver"), nullptr);
  EXPECT_EQ(find_missing(machine, "accelerators[2].driver")->enable, "lspci -nnk -s 0000:65:00.0");
  EXPECT_EQ(machine.accelerators[3].pci_address, "0000:b1:00.0");
  EXPECT_EQ(machine.accelerators[3].virtual_functions, 1);
}

TEST(Inventory_Vm, explains_what_a_virtual_machine_hides) {
  const RecordedTree tree("amd-vm");
  const Machine machine = inventory(tree.root());
  EXPECT_TRUE(machine.virtualization.is_virtual);
  EXPECT_EQ(machine.virtualization.hypervisor, "KVM");
  EXPECT_EQ(machine.virtualization.container, "docker");
  EXPECT_EQ(machine.cpu.smt, "not supported");
  EXPECT_FALSE(machine.cpu.governor.has_value());
  ASSERT_NE(find_missing(machine, "cpu.governor"), nullptr);
  EXPECT_EQ(find_missing(machine, "cpu.governor")->reason,
            "virtual machine: the hypervisor sets the clocks");
  EXPECT_FALSE(machine.cpu.max_hz.has_value());
  EXPECT_TRUE(machine.accelerators.empty());
}

TEST(Inventory_Cgroup, version_1_limits_count_below_the_mount_of_a_container) {
  const RecordedTree tree("amd-vm");
  const Machine machine = inventory(tree.root());
  EXPECT_EQ(machine.allowed.quota_cpus, 1.5);
  EXPECT_EQ(machine.allowed.effective_cpus, 1.5);
  EXPECT_EQ(machine.memory.limit_bytes, 8ull << 30);
}

TEST(Inventory_Cgroup, version_2_takes_the_smallest_of_the_parents) {
  const RecordedTree tree("intel-2s-smt");
  EXPECT_FALSE(inventory(tree.root()).allowed.quota_cpus.has_value());
  tree.write("sys/fs/cgroup/user.slice/cpu.max", "300000 100000\n");
  tree.write("sys/fs/cgroup/user.slice/user-1000.slice/cpu.max", "600000 100000\n");
  tree.write("sys/fs/cgroup/user.slice/user-1000.slice/memory.max", "1073741824\n");
  const Machine machine = inventory(tree.root());
  EXPECT_EQ(machine.allowed.quota_cpus, 3.0);
  EXPECT_EQ(machine.allowed.effective_cpus, 3.0);
  EXPECT_EQ(machine.memory.limit_bytes, 1ull << 30);
}

TEST(Inventory_Cgroup, stays_inside_the_mount_when_the_group_lies_outside) {
  const RecordedTree tree("intel-2s-smt");
  tree.write("proc/self/cgroup", "0::/../../other\n");
  tree.write("sys/other/cpu.max", "100000 100000\n");
  EXPECT_FALSE(inventory(tree.root()).allowed.quota_cpus.has_value());
}

TEST(Inventory_Arm, names_parts_and_marks_cores_of_two_speeds) {
  const RecordedTree tree("arm-board");
  const Machine machine = inventory(tree.root());
  EXPECT_EQ(machine.cpu.vendor, "ARM");
  EXPECT_EQ(machine.cpu.model, "Cortex-A55 + Cortex-A76");
  EXPECT_EQ(machine.cpu.architecture, "aarch64");
  EXPECT_EQ(machine.board, "Radxa ROCK 5B");
  EXPECT_EQ(machine.cpu.sockets, 1);
  EXPECT_EQ(machine.cpu.physical_cores, 8);
  EXPECT_EQ(machine.cpu.governor, "mixed");
  EXPECT_EQ(machine.cpu.max_hz, 2.4e9);
  EXPECT_TRUE(has_isa(machine, "asimddp"));
  EXPECT_EQ(machine.cpu.logical[3].capacity, 530);
  EXPECT_EQ(machine.allowed.cpus, (List{2, 3, 4, 5, 6, 7}));
  EXPECT_TRUE(machine.cpu.caches.empty());
  EXPECT_NE(find_missing(machine, "cpu.caches"), nullptr);
  EXPECT_NE(find_missing(machine, "cpu.numa_nodes"), nullptr);
  EXPECT_EQ(find_missing(machine, "cpu.base_hz")->enable, "");
}

TEST(Inventory_PhysicalCores, takes_one_cpu_of_each_core) {
  const RecordedTree tree("intel-2s-smt");
  EXPECT_EQ(physical_cores(inventory(tree.root())), (List{0, 1, 2, 3, 4, 5, 6, 7}));
}

TEST(Inventory_PhysicalCores, stays_within_the_allowed_cpus) {
  const RecordedTree tree("intel-2s-smt");
  tree.write("proc/self/status", "Cpus_allowed_list:\t2,8-10\n");
  // 10 is the sibling of 2; 8 and 9 stand for cores 0 and 1.
  EXPECT_EQ(physical_cores(inventory(tree.root())), (List{2, 8, 9}));
}

TEST(Inventory_PhysicalCores, keeps_whole_cpus_of_a_quota_on_one_node) {
  const RecordedTree tree("intel-2s-smt");
  // Odd CPUs on node 1, as many two-socket machines number them.
  tree.write("sys/devices/system/node/node0/cpulist", "0-14:2\n");
  tree.write("sys/devices/system/node/node1/cpulist", "1-15:2\n");
  tree.write("sys/fs/cgroup/user.slice/cpu.max", "350000 100000\n");
  EXPECT_EQ(physical_cores(inventory(tree.root())), (List{0, 2, 4}));
  tree.write("sys/fs/cgroup/user.slice/cpu.max", "50000 100000\n");
  EXPECT_EQ(physical_cores(inventory(tree.root())), (List{0}));
}

TEST(Inventory_Fallback, uses_cpuinfo_when_sysfs_has_no_topology) {
  const RecordedTree tree("intel-2s-smt");
  tree.remove("sys/devices/system/cpu");
  const Machine machine = inventory(tree.root());
  EXPECT_EQ(machine.cpu.physical_cores, 8);
  EXPECT_EQ(machine.cpu.sockets, 2);
  EXPECT_EQ(machine.cpu.logical.size(), 16u);
}

TEST(Inventory_Fallback, an_empty_tree_is_all_missing_and_no_crash) {
  const RecordedTree tree;
  const Machine machine = inventory(tree.root());
  EXPECT_TRUE(machine.cpu.logical.empty());
  EXPECT_TRUE(physical_cores(machine).empty());
  for (const char* field : {"cpu.model", "cpu.logical_cpus", "memory.total_bytes", "os.kernel",
                            "load_average", "accelerators"}) {
    ASSERT_NE(find_missing(machine, field), nullptr) << field;
    EXPECT_FALSE(find_missing(machine, field)->reason.empty()) << field;
  }
  EXPECT_TRUE(to_json(machine)["memory"]["total_bytes"].is_null());
}

TEST(Inventory_Fallback, survives_hostile_files) {
  const RecordedTree tree("amd-vm");
  tree.write("sys/devices/system/cpu/online", "0-99999999999999999999");
  tree.write("sys/fs/cgroup/cpu/cpu.cfs_period_us", "0");
  tree.write("proc/meminfo", "MemTotal: 999999999999999999 kB\nMemAvailable: -5 kB\n:::\n");
  tree.write("proc/loadavg", "x y z");
  tree.write("sys/bus/pci/devices/0000:00:09.0/class", "0x030000");
  tree.write("proc/self/mountinfo", "- - -\n cgroup - cgroup cgroup\n1 2 3 /  rw - cgroup c cpu\n");
  const Machine machine = inventory(tree.root());
  EXPECT_EQ(machine.cpu.logical.size(), 2u);  // from cpuinfo
  EXPECT_FALSE(machine.memory.total_bytes.has_value());
  EXPECT_FALSE(machine.memory.available_bytes.has_value());
  EXPECT_FALSE(machine.load.has_value());
  ASSERT_EQ(machine.accelerators.size(), 1u);
  EXPECT_FALSE(to_line(to_json(machine)).empty());
}

TEST(Inventory_Json, has_no_host_name_and_explains_every_null) {
  for (const char* name : {"intel-2s-smt", "amd-vm", "arm-board"}) {
    const RecordedTree tree(name);
    tree.write("proc/sys/kernel/hostname", "secret-host\n");
    tree.write("etc/hostname", "secret-host\n");
    const Machine machine = inventory(tree.root());
    const Json json = to_json(machine);
    EXPECT_EQ(to_line(json).find("secret-host"), std::string::npos);
    EXPECT_EQ(to_line(json).find("GPU-"), std::string::npos)
        << "a device UUID identifies a machine";
    for (const char* part : {"cpu", "os"}) {
      for (const auto& [key, value] : json[part].items()) {
        if (!value.is_null()) continue;
        EXPECT_NE(find_missing(machine, std::string(part) + "." + key), nullptr) << key;
      }
    }
  }
}

TEST(Inventory_Fingerprint, ignores_load_and_sees_hardware) {
  const RecordedTree tree("intel-2s-smt");
  const std::string before = fingerprint(inventory(tree.root()));
  EXPECT_EQ(before.size(), 16u);
  tree.write("proc/loadavg", "99 99 99 1/1 1\n");
  tree.write("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance\n");
  EXPECT_EQ(fingerprint(inventory(tree.root())), before);
  tree.write("proc/self/status", "Cpus_allowed_list:\t0-7\n");
  EXPECT_NE(fingerprint(inventory(tree.root())), before);
  const RecordedTree other("amd-vm");
  EXPECT_NE(fingerprint(inventory(other.root())), before);
}

TEST(Inventory_ThisMachine, is_plausible) {
  const Machine machine = inventory();
  cpu_set_t set;
  CPU_ZERO(&set);
  ASSERT_EQ(::sched_getaffinity(0, sizeof set, &set), 0);
  EXPECT_EQ(static_cast<int>(machine.allowed.cpus.size()), CPU_COUNT(&set));
  EXPECT_GE(machine.cpu.physical_cores, 1);
  EXPECT_LE(machine.cpu.physical_cores, static_cast<int>(machine.cpu.logical.size()));
  EXPECT_GE(machine.cpu.sockets, 1);
  ASSERT_FALSE(physical_cores(machine).empty());
  EXPECT_LE(physical_cores(machine).size(), machine.allowed.cpus.size());
  EXPECT_GT(machine.allowed.effective_cpus, 0);
  const auto pages = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES));
  EXPECT_EQ(machine.memory.total_bytes, pages * static_cast<std::uint64_t>(::getpagesize()));
  EXPECT_EQ(fingerprint(machine), fingerprint(inventory()));
}

}  // namespace
}  // namespace ridgeline::machine
