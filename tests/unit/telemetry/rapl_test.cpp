// RAPL from powercap trees: zones, wraps, permissions.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "support/recorded_tree.hpp"
#include "support/source_conformance.hpp"
#include "telemetry/sources.hpp"

namespace ridgeline::telemetry {
namespace {

using test::absence_of;
using test::domain_of;
using test::ids_of;
using test::RecordedTree;
using test::value_of;

constexpr const char* kPackage0 = "sys/class/powercap/intel-rapl:0/energy_uj";

std::unique_ptr<Source> open(const RecordedTree& tree) {
  Environment environment;
  environment.root = tree.root();
  return open_rapl(environment);
}

void write_zone(const RecordedTree& tree, const std::string& zone, const std::string& name,
                const std::string& energy) {
  const std::string folder = "sys/class/powercap/" + zone + "/";
  tree.write(folder + "name", name + "\n");
  tree.write(folder + "energy_uj", energy + "\n");
  tree.write(folder + "max_energy_range_uj", "262143328850\n");
}

void write_cpu(const RecordedTree& tree, const std::string& vendor, const std::string& flags = "") {
  tree.write("proc/cpuinfo",
             "processor\t: 0\nvendor_id\t: " + vendor + "\nflags\t\t: fpu " + flags + "\n");
}

// Two sockets of a server.
void write_server(const RecordedTree& tree) {
  write_cpu(tree, "GenuineIntel");
  write_zone(tree, "intel-rapl:0", "package-0", "262143328849");
  write_zone(tree, "intel-rapl:0:0", "dram", "5000000");
  write_zone(tree, "intel-rapl:1", "package-1", "2000000");
  write_zone(tree, "intel-rapl:1:0", "dram", "7000000");
}

TEST(Rapl_Zones, two_sockets_with_memory) {
  const RecordedTree tree;
  write_server(tree);
  const auto source = open(tree);
  EXPECT_EQ(ids_of(*source),
            (std::vector<std::string>{"package-0", "dram-0", "package-1", "dram-1"}));
  EXPECT_DOUBLE_EQ(value_of(*source, "package-1"), 2);
  EXPECT_DOUBLE_EQ(value_of(*source, "dram-1"), 7);
  const Domain& package = domain_of(*source, "package-0");
  EXPECT_EQ(package.kind, Kind::kEnergy);
  EXPECT_EQ(package.scope, "package");
  EXPECT_EQ(package.provenance, "counter");
  EXPECT_EQ(package.update_period, 1e-3);
  EXPECT_TRUE(source->probe().absences.empty());
  test::expect_conforms([&] { return open(tree); });
}

TEST(Rapl_Wrap, comes_one_unit_after_the_greatest_value) {
  const RecordedTree tree;
  write_server(tree);
  const auto source = open(tree);
  // Units of 2^-14 J: the register of 32 bits holds 2^18 J.
  const Domain& package = domain_of(*source, "package-0");
  EXPECT_NEAR(package.wraps_at.value_or(0), 262143.328850 + 61.035e-6, 1e-6);
  EXPECT_NEAR(package.resolution, 61.035e-6, 1e-8);
  const double before = value_of(*source, "package-0");
  tree.write(kPackage0, "61000\n");
  const double after = value_of(*source, "package-0");
  EXPECT_NEAR(after - before + *package.wraps_at, 0.061 + 62.035e-6, 1e-6);
}

TEST(Rapl_Read, reset_and_damage_are_shown_as_they_are) {
  const RecordedTree tree;
  write_server(tree);
  const auto source = open(tree);
  for (const char* damage :
       {"", "\n", "abc\n", "12x\n", "1e6\n", "-\n", "99999999999999999999999\n"}) {
    tree.write(kPackage0, damage);
    EXPECT_TRUE(std::isnan(value_of(*source, "package-0"))) << damage;
  }
  tree.write(kPackage0, "0\n");
  EXPECT_EQ(value_of(*source, "package-0"), 0);
  EXPECT_DOUBLE_EQ(value_of(*source, "package-1"), 2);
}

TEST(Rapl_Zones, laptop_with_platform_and_mmio_double) {
  const RecordedTree tree;
  write_cpu(tree, "GenuineIntel", "sgx");
  write_zone(tree, "intel-rapl:0", "package-0", "1000000");
  write_zone(tree, "intel-rapl:0:0", "core", "400000");
  write_zone(tree, "intel-rapl:0:1", "uncore", "100000");
  write_zone(tree, "intel-rapl:1", "psys", "3000000");
  write_zone(tree, "intel-rapl-mmio:0", "package-0", "999999");
  const auto source = open(tree);
  EXPECT_EQ(ids_of(*source),
            (std::vector<std::string>{"package-0", "core-0", "uncore-0", "psys-0"}));
  EXPECT_DOUBLE_EQ(value_of(*source, "package-0"), 1);
  EXPECT_NE(domain_of(*source, "package-0").note.find("SGX"), std::string::npos);
  const Absence dram = absence_of(*source, Kind::kEnergy);
  EXPECT_EQ(dram.scope, "dram");
  EXPECT_EQ(dram.reason, "the RAPL of this processor has no dram domain");
}

TEST(Rapl_Zones, mmio_alone_is_read) {
  const RecordedTree tree;
  write_cpu(tree, "GenuineIntel");
  write_zone(tree, "intel-rapl-mmio:0", "package-0", "999999");
  EXPECT_EQ(ids_of(*open(tree)), std::vector<std::string>{"package-0"});
}

TEST(Rapl_Zones, dies_of_intel_count_apart) {
  const RecordedTree tree;
  write_cpu(tree, "GenuineIntel");
  write_zone(tree, "intel-rapl:0", "package-0-die-0", "1000000");
  write_zone(tree, "intel-rapl:1", "package-0-die-1", "2000000");
  write_zone(tree, "intel-rapl:1:0", "dram", "500000");
  EXPECT_EQ(ids_of(*open(tree)),
            (std::vector<std::string>{"package-0-die-0", "package-0-die-1", "dram-0-die-1"}));
}

TEST(Rapl_Zones, dies_of_amd_repeat_one_counter) {
  const RecordedTree tree;
  write_cpu(tree, "AuthenticAMD");
  write_zone(tree, "intel-rapl:0", "package-0-die-0", "1000000");
  write_zone(tree, "intel-rapl:0:0", "core", "30000");
  write_zone(tree, "intel-rapl:1", "package-0-die-1", "1000000");
  write_zone(tree, "intel-rapl:1:0", "core", "40000");
  const auto source = open(tree);
  EXPECT_EQ(ids_of(*source), (std::vector<std::string>{"package-0", "core-0"}));
  EXPECT_NE(domain_of(*source, "core-0").note.find("first core"), std::string::npos);
}

TEST(Rapl_Zones, ten_packages_stand_in_their_order_and_strange_names_are_left_out) {
  const RecordedTree tree;
  write_cpu(tree, "GenuineIntel");
  for (const char* number : {"0", "2", "10"}) {
    write_zone(tree, std::string("intel-rapl:") + number, std::string("package-") + number, "1");
  }
  write_zone(tree, "intel-rapl:2:0", "something", "1");
  write_zone(tree, "intel-rapl:x", "package-7", "1");
  write_zone(tree, "intel-rapl:3:0", "core", "1");  // of a package that is not there
  EXPECT_EQ(ids_of(*open(tree)),
            (std::vector<std::string>{"package-0", "package-2", "package-10"}));
}

TEST(Rapl_Permission, files_of_root_get_the_command) {
  const RecordedTree tree;
  write_server(tree);
  std::filesystem::permissions(tree.root(), std::filesystem::perms(0755));
  for (const char* zone : {"0", "0:0", "1", "1:0"}) {
    const std::string path = std::string("/sys/class/powercap/intel-rapl:") + zone + "/energy_uj";
    ::chmod((tree.root() + path).c_str(), 0);
  }
  const test::Unprivileged nobody(tree.root() + "/" + kPackage0);
  if (!nobody.works()) GTEST_SKIP() << "cannot give up root's rights here";
  const auto source = open(tree);
  EXPECT_TRUE(source->probe().domains.empty());
  const Absence absence = absence_of(*source, Kind::kEnergy);
  EXPECT_EQ(absence.scope, "");
  EXPECT_EQ(absence.reason,
            "/sys/class/powercap/intel-rapl:0/energy_uj may only be read by root (since the fix of "
            "CVE-2020-8694)");
  EXPECT_TRUE(
      absence.enable.starts_with("sudo chmod a+r /sys/class/powercap/intel-rapl*/energy_uj"))
      << absence.enable;
  test::expect_conforms(*source);
}

TEST(Rapl_Missing, says_why) {
  struct Row {
    std::string vendor;
    std::string flags;
    std::string reason;
    std::string enable;
  };
  for (const Row& row :
       {Row{"GenuineIntel", "", "no RAPL in /sys/class/powercap", "sudo modprobe intel_rapl_msr"},
        Row{"AuthenticAMD", "hypervisor", "no RAPL in /sys/class/powercap: virtual machine",
            "measure on bare metal"},
        Row{"none", "", "RAPL is for x86 processors only", ""}}) {
    const RecordedTree tree;
    write_cpu(tree, row.vendor, row.flags);
    const auto source = open(tree);
    const Absence absence = absence_of(*source, Kind::kEnergy);
    EXPECT_EQ(absence.reason, row.reason);
    EXPECT_EQ(absence.enable, row.enable);
    test::expect_conforms(*source);
  }
}

TEST(Rapl_Missing, containers_mask_what_the_folder_points_to) {
  const RecordedTree tree;
  write_cpu(tree, "GenuineIntel");
  tree.write(".dockerenv", "");
  const auto folder = std::filesystem::path(tree.root()) / "sys/class/powercap";
  std::filesystem::create_directories(folder);
  std::filesystem::create_symlink("/nowhere/intel-rapl:0", folder / "intel-rapl:0");
  const Absence absence = absence_of(*open(tree), Kind::kEnergy);
  EXPECT_EQ(absence.reason,
            "the RAPL zones in /sys/class/powercap cannot be opened: docker container");
  EXPECT_EQ(absence.enable, "run outside the container");
}

TEST(Rapl_Missing, a_zone_without_its_file_is_named) {
  const RecordedTree tree;
  write_cpu(tree, "GenuineIntel");
  tree.write("sys/class/powercap/intel-rapl:0/name", "package-0\n");
  const Absence absence = absence_of(*open(tree), Kind::kEnergy);
  EXPECT_EQ(absence.reason, "/sys/class/powercap/intel-rapl:0/energy_uj is not there");
}

}  // namespace
}  // namespace ridgeline::telemetry
