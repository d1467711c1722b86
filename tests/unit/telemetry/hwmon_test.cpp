// hwmon chips: boards, GPUs, servers, Jetson, processor temperatures.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "support/recorded_tree.hpp"
#include "support/source_conformance.hpp"
#include "telemetry/hwmon_chips.hpp"
#include "telemetry/sources.hpp"

namespace ridgeline::telemetry {
namespace {

using test::absence_of;
using test::domain_of;
using test::ids_of;
using test::RecordedTree;
using test::value_of;

std::unique_ptr<Source> open(const RecordedTree& tree) {
  Environment environment;
  environment.root = tree.root();
  return open_hwmon(environment);
}

using Files = std::vector<std::pair<std::string, std::string>>;

// A chip, and the device that it belongs to: a folder below sys/devices with that class.
void write_chip(const RecordedTree& tree, const std::string& entry, const std::string& name,
                const std::string& device, const Files& files, const std::string& type = "") {
  const std::string folder = "sys/class/hwmon/" + entry + "/";
  tree.write(folder + "name", name + "\n");
  for (const auto& [file, text] : files) tree.write(folder + file, text + "\n");
  if (device.empty()) return;
  tree.write("sys/devices/" + device + "/uevent", "");
  if (!type.empty()) tree.write("sys/devices/" + device + "/class", type + "\n");
  std::filesystem::create_directory_symlink(tree.root() + "/sys/devices/" + device,
                                            tree.root() + "/" + folder + "device");
}

TEST(Hwmon_Gpu, two_cards_by_their_addresses) {
  const RecordedTree tree;
  const Files files = {{"power1_average", "215000000"}, {"power1_label", "PPT"},
                       {"temp1_input", "45000"},        {"temp1_label", "edge"},
                       {"temp2_input", "52000"},        {"temp2_label", "junction"},
                       {"temp3_input", "60000"},        {"temp3_label", "mem"}};
  write_chip(tree, "hwmon4", "amdgpu", "0000:43:00.0", files, "0x030000");
  write_chip(tree, "hwmon2", "amdgpu", "0000:83:00.0", files, "0x038000");
  const auto source = open(tree);
  EXPECT_EQ(source->probe().domains.size(), 8u);
  EXPECT_DOUBLE_EQ(value_of(*source, "0000:43:00.0/power.average"), 215);
  EXPECT_DOUBLE_EQ(value_of(*source, "0000:83:00.0/temperature"), 45);
  EXPECT_DOUBLE_EQ(value_of(*source, "0000:83:00.0/temperature.junction"), 52);
  EXPECT_DOUBLE_EQ(value_of(*source, "0000:83:00.0/temperature.memory"), 60);
  const Domain& power = domain_of(*source, "0000:43:00.0/power.average");
  EXPECT_EQ(power.device, "0000:43:00.0");
  EXPECT_EQ(power.scope, "board");
  EXPECT_EQ(power.note, "PPT");
  test::expect_conforms([&] { return open(tree); });
}

TEST(Hwmon_Gpu, instant_and_average_are_two_domains) {
  const RecordedTree tree;
  write_chip(tree, "hwmon0", "amdgpu", "0000:03:00.0",
             {{"power1_average", "100000000"}, {"power1_input", "140000000"}}, "0x030000");
  const auto source = open(tree);
  EXPECT_DOUBLE_EQ(value_of(*source, "0000:03:00.0/power.average"), 100);
  EXPECT_DOUBLE_EQ(value_of(*source, "0000:03:00.0/power.instant"), 140);
}

TEST(Hwmon_Gpu, energy_of_intel_cards_tiles_and_packages) {
  const RecordedTree tree;
  write_chip(tree, "hwmon0", "i915", "0000:03:00.0", {{"energy1_input", "18446744073709551615"}},
             "0x030000");
  write_chip(tree, "hwmon1", "i915_gt0", "0000:03:00.0", {{"energy1_input", "2000000"}},
             "0x030000");
  write_chip(tree, "hwmon2", "xe", "0000:04:00.0",
             {{"energy1_input", "5000000"},
              {"energy1_label", "card"},
              {"energy2_input", "3000000"},
              {"energy2_label", "pkg"}},
             "0x038000");
  const auto source = open(tree);
  EXPECT_DOUBLE_EQ(value_of(*source, "0000:03:00.0/energy"), 18446744073709.551615);
  EXPECT_DOUBLE_EQ(value_of(*source, "0000:03:00.0/energy.gt0"), 2);
  EXPECT_DOUBLE_EQ(value_of(*source, "0000:04:00.0/energy"), 5);
  EXPECT_DOUBLE_EQ(value_of(*source, "0000:04:00.0/energy.pkg"), 3);
  EXPECT_EQ(domain_of(*source, "0000:04:00.0/energy").scope, "board");
  EXPECT_EQ(domain_of(*source, "0000:04:00.0/energy.pkg").scope, "gpu");
  EXPECT_EQ(domain_of(*source, "0000:04:00.0/energy").provenance, "counter");
}

TEST(Hwmon_Server, acpi_power_meter_is_the_node_and_notes_its_interval) {
  const RecordedTree tree;
  // As kernels before 6.x have it: everything but the folder lies in the device.
  tree.write("sys/class/hwmon/hwmon0/device/name", "power_meter\n");
  tree.write("sys/class/hwmon/hwmon0/device/power1_average", "412000000\n");
  tree.write("sys/class/hwmon/hwmon0/device/power1_average_interval", "1000\n");
  const auto source = open(tree);
  EXPECT_DOUBLE_EQ(value_of(*source, "power_meter/power1"), 412);
  const Domain& domain = domain_of(*source, "power_meter/power1");
  EXPECT_EQ(domain.scope, "node");
  EXPECT_EQ(domain.update_period, 1.0);
  EXPECT_EQ(domain.note, "averaged over 1 s");
  EXPECT_EQ(domain.provenance, "sampled");
}

TEST(Hwmon_Server, meters_of_grace_say_what_they_cover) {
  const RecordedTree tree;
  const std::vector<std::pair<const char*, const char*>> meters = {
      {"Module Power Socket 0", "module"},
      {"Grace Power Socket 0", "package"},
      {"CPU Power Socket 0", "core"},
      {"SysIO Power Socket 0", "uncore"}};
  for (std::size_t i = 0; i < meters.size(); ++i) {
    write_chip(tree, "hwmon" + std::to_string(i), "power_meter", "ACPI000D:0" + std::to_string(i),
               {{"power1_average", "150000000"},
                {"power1_average_interval", "50"},
                {"power1_oem_info", meters[i].first}});
  }
  const auto source = open(tree);
  ASSERT_EQ(source->probe().domains.size(), 4u);
  for (std::size_t i = 0; i < meters.size(); ++i) {
    EXPECT_EQ(source->probe().domains[i].id,
              "power_meter@ACPI000D:0" + std::to_string(i) + "/" + std::string(meters[i].first));
    EXPECT_EQ(source->probe().domains[i].scope, meters[i].second);
  }
}

TEST(Hwmon_Board, jetson_rails_are_volts_times_amperes) {
  const RecordedTree tree;
  write_chip(tree, "hwmon1", "ina3221", "1-0040",
             {{"in1_label", "VDD_IN"},
              {"in1_input", "19000"},
              {"curr1_input", "1500"},
              {"in2_label", "VDD_CPU_GPU_CV"},
              {"in2_input", "18900"},
              {"curr2_input", "400"},
              {"in4_input", "3"},
              {"curr4_input", "9999"},
              {"in7_input", "11"},
              {"update_interval", "10"}});
  const auto source = open(tree);
  EXPECT_EQ(ids_of(*source),
            (std::vector<std::string>{"ina3221/VDD_IN", "ina3221/VDD_CPU_GPU_CV"}));
  EXPECT_DOUBLE_EQ(value_of(*source, "ina3221/VDD_IN"), 28.5);
  EXPECT_EQ(domain_of(*source, "ina3221/VDD_IN").scope, "module");
  EXPECT_EQ(domain_of(*source, "ina3221/VDD_CPU_GPU_CV").scope, "VDD_CPU_GPU_CV");
  EXPECT_EQ(domain_of(*source, "ina3221/VDD_IN").update_period, 0.01);
  tree.write("sys/class/hwmon/hwmon1/curr1_input", "\n");
  EXPECT_TRUE(std::isnan(value_of(*source, "ina3221/VDD_IN")));
}

TEST(Hwmon_Board, ready_made_power_of_the_recorded_board) {
  const RecordedTree tree("arm-board");
  const auto source = open(tree);
  EXPECT_DOUBLE_EQ(value_of(*source, "ina3221/power1"), 4.2);
  test::expect_conforms([&] { return open(tree); });
}

TEST(Hwmon_Processor, arm_servers_and_amd_energy) {
  const RecordedTree tree;
  write_chip(tree, "hwmon0", "altra_hwmon", "APMC0D29:00",
             {{"power1_input", "90000000"},
              {"power1_label", "CPU power"},
              {"power2_input", "20000000"},
              {"power2_label", "IO power"}});
  write_chip(tree, "hwmon1", "amd_energy", "amd_energy.0",
             {{"energy1_input", "1000000"},
              {"energy1_label", "Ecore000"},
              {"energy2_input", "9000000"},
              {"energy2_label", "Esocket0"}});
  const auto source = open(tree);
  EXPECT_DOUBLE_EQ(value_of(*source, "altra_hwmon/CPU power"), 90);
  EXPECT_EQ(domain_of(*source, "altra_hwmon/IO power").scope, "IO power");
  EXPECT_DOUBLE_EQ(value_of(*source, "package-0"), 9) << "the id that RAPL uses";
  EXPECT_EQ(source->probe().domains.size(), 3u) << "cores are left out";
}

TEST(Hwmon_Processor, temperatures_of_packages_and_not_of_disks_or_cores) {
  const RecordedTree tree;
  for (const char* socket : {"0", "1"}) {
    write_chip(tree, std::string("hwmon") + socket, "coretemp", std::string("coretemp.") + socket,
               {{"temp1_label", std::string("Package id ") + socket},
                {"temp1_input", "55000"},
                {"temp2_label", "Core 0"},
                {"temp2_input", "50000"}});
  }
  write_chip(tree, "hwmon7", "nvme", "nvme0", {{"temp1_input", "38000"}});
  const auto source = open(tree);
  EXPECT_EQ(ids_of(*source), (std::vector<std::string>{"coretemp@coretemp.0/Package id 0",
                                                       "coretemp@coretemp.1/Package id 1"}));
  EXPECT_DOUBLE_EQ(value_of(*source, "coretemp@coretemp.1/Package id 1"), 55);
  EXPECT_EQ(absence_of(*source, Kind::kPower).reason, "no power sensor in /sys/class/hwmon");
}

TEST(Hwmon_Processor, below_zero_is_a_temperature) {
  const RecordedTree tree;
  write_chip(tree, "hwmon0", "k10temp", "", {{"temp1_input", "-3500"}, {"temp1_label", "Tctl"}});
  const auto source = open(tree);
  EXPECT_DOUBLE_EQ(value_of(*source, "k10temp/Tctl"), -3.5);
  EXPECT_FALSE(domain_of(*source, "k10temp/Tctl").note.empty());
}

TEST(Hwmon_Permission, file_of_root_gets_the_command) {
  const RecordedTree tree;
  write_chip(tree, "hwmon0", "amd_energy", "",
             {{"energy1_input", "1000000"}, {"energy1_label", "Esocket0"}});
  std::filesystem::permissions(tree.root(), std::filesystem::perms(0755));
  const std::string file = tree.root() + "/sys/class/hwmon/hwmon0/energy1_input";
  ::chmod(file.c_str(), 0);
  const test::Unprivileged nobody(file);
  if (!nobody.works()) GTEST_SKIP() << "cannot give up root's rights here";
  const Absence absence = absence_of(*open(tree), Kind::kEnergy);
  EXPECT_EQ(absence.reason, "/sys/class/hwmon/hwmon0/energy1_input may only be read by root");
  EXPECT_EQ(absence.enable, "sudo chmod a+r /sys/class/hwmon/hwmon0/energy1_input");
  EXPECT_EQ(absence.scope, "package");
}

TEST(Hwmon_Missing, damaged_and_absent_sensors_say_so) {
  const RecordedTree tree;
  write_chip(tree, "hwmon0", "amdgpu", "0000:03:00.0", {{"power1_average", "n/a"}}, "0x030000");
  const auto source = open(tree);
  const Absence absence = absence_of(*source, Kind::kPower);
  EXPECT_EQ(absence.reason, "/sys/class/hwmon/hwmon0/power1_average holds nothing usable");
  EXPECT_EQ(absence.device, "0000:03:00.0");
  const RecordedTree vm("amd-vm");
  EXPECT_EQ(absence_of(*open(vm), Kind::kPower).reason,
            "no power sensor in /sys/class/hwmon: virtual machine");
}

TEST(Hwmon_Hostile, labels_of_any_bytes_become_one_printable_line) {
  const RecordedTree tree;
  write_chip(tree, "hwmon0", "od\x01", "",
             {{"power1_input", "1000000"},
              {"power1_label", "a\nb\xc3"},
              {"power2_input", "2000000"},
              {"power2_label", "a\nb\xc3"},
              {"power3_input", "3000000"},
              {"power3_label", std::string(5000, 'x')}});
  const auto source = open(tree);
  EXPECT_EQ(source->probe().domains[0].id, "od?/a?b?");
  EXPECT_EQ(source->probe().domains[1].id, "od?/a?b?'");
  EXPECT_LT(source->probe().domains[2].id.size(), 100u);
  test::expect_conforms([&] { return open(tree); });
}

TEST(Hwmon_Input, names_are_taken_apart) {
  const auto input = parse_input("power12_average_interval");
  ASSERT_TRUE(input.has_value());
  EXPECT_EQ(input->prefix, "power");
  EXPECT_EQ(input->number, 12);
  EXPECT_EQ(input->suffix, "average_interval");
  for (const char* name :
       {"name", "update_interval", "1_input", "power_1", "power99999_input", ""}) {
    EXPECT_FALSE(parse_input(name).has_value()) << name;
  }
}

}  // namespace
}  // namespace ridgeline::telemetry
