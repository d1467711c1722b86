// Bytes of memory controllers, on the layouts of each family.
#include <gtest/gtest.h>

#include "support/fake_perf_events.hpp"
#include "support/recorded_tree.hpp"
#include "support/source_conformance.hpp"
#include "telemetry/perf/perf_source.hpp"

namespace ridgeline::telemetry {
namespace {

using test::absence_of;
using test::domain_of;
using test::FakePerfEvents;
using test::ids_of;
using test::RecordedTree;
using test::value_of;

std::unique_ptr<Source> open(const RecordedTree& tree, PerfEvents& events) {
  Environment environment;
  environment.root = tree.root();
  return open_perf_uncore(environment, events);
}

std::string folder(const std::string& pmu) {
  return "sys/bus/event_source/devices/" + pmu + "/";
}

void write_pmu(const RecordedTree& tree, const std::string& pmu, int type,
               const std::string& cpumask = "0") {
  tree.write(folder(pmu) + "type", std::to_string(type) + "\n");
  tree.write(folder(pmu) + "cpumask", cpumask + "\n");
  tree.write(folder(pmu) + "format/event", "config:0-7\n");
  tree.write(folder(pmu) + "format/umask", "config:8-15\n");
}

void write_event(const RecordedTree& tree, const std::string& pmu, const std::string& name,
                 const std::string& terms, const std::string& scale = "6.103515625e-5") {
  const std::string path = folder(pmu) + "events/" + name;
  tree.write(path, terms + "\n");
  if (scale.empty()) return;
  tree.write(path + ".scale", scale + "\n");
  tree.write(path + ".unit", "MiB\n");
}

void write_controller(const RecordedTree& tree, const std::string& pmu, int type,
                      const std::string& cpumask) {
  write_pmu(tree, pmu, type, cpumask);
  write_event(tree, pmu, "cas_count_read", "event=0x04,umask=0x03");
  write_event(tree, pmu, "cas_count_write", "event=0x04,umask=0x0c");
}

void write_sockets(const RecordedTree& tree) {
  tree.write("sys/devices/system/cpu/cpu0/topology/physical_package_id", "0\n");
  tree.write("sys/devices/system/cpu/cpu28/topology/physical_package_id", "1\n");
}

TEST(PerfUncore_Intel, channels_are_summed_by_socket_and_direction) {
  const RecordedTree tree;
  write_sockets(tree);
  write_controller(tree, "uncore_imc_0", 14, "0,28");
  write_controller(tree, "uncore_imc_1", 15, "0,28");
  // The free running counters of servers say the same again.
  write_pmu(tree, "uncore_imc_free_running_0", 16);
  write_event(tree, "uncore_imc_free_running_0", "read", "event=0xff,umask=0x20");
  write_event(tree, "uncore_imc_free_running_0", "write", "event=0xff,umask=0x30");
  FakePerfEvents events;
  const auto source = open(tree, events);
  EXPECT_EQ(ids_of(*source), (std::vector<std::string>{"dram-0/read", "dram-0/write", "dram-1/read",
                                                       "dram-1/write"}));
  EXPECT_EQ(events.opened.size(), 8u);
  EXPECT_EQ(events.opened[0].config, (PerfConfig{14, 0x0304, 0, 0}));
  EXPECT_DOUBLE_EQ(value_of(*source, "dram-1/write"), 2 * 1000 * 64);
  events.count(0).value = 4000;
  EXPECT_DOUBLE_EQ(value_of(*source, "dram-0/read"), 5000 * 64);
  const Domain& domain = domain_of(*source, "dram-0/read");
  EXPECT_EQ(domain.kind, Kind::kTraffic);
  EXPECT_EQ(domain.scope, "dram");
  EXPECT_DOUBLE_EQ(domain.resolution, 64);
  test::expect_conforms([&] { return open(tree, events); });
}

TEST(PerfUncore_Intel, both_schedulers_of_granite_rapids_count) {
  const RecordedTree tree;
  write_pmu(tree, "uncore_imc_0", 14);
  for (const char* direction : {"read", "write"}) {
    for (const char* scheduler : {"_sch0", "_sch1"}) {
      write_event(tree, "uncore_imc_0", std::string("cas_count_") + direction + scheduler,
                  scheduler[4] == '0' ? "event=0x05,umask=0xcf" : "event=0x06,umask=0xcf");
    }
  }
  FakePerfEvents events;
  const auto source = open(tree, events);
  EXPECT_DOUBLE_EQ(value_of(*source, "dram-0/read"), 2 * 1000 * 64);
  tree.remove(folder("uncore_imc_0") + "events/cas_count_read_sch1");
  const auto half = open(tree, events);
  EXPECT_TRUE(half->probe().domains.empty()) << "one scheduler alone is half the truth";
  EXPECT_EQ(absence_of(*half, Kind::kTraffic).reason,
            "/" + folder("uncore_imc_0") + "events/cas_count_read_sch1 is not there");
}

TEST(PerfUncore_Intel, client_counters_by_their_names_over_the_years) {
  struct Row {
    const char* pmu;
    const char* read;
    const char* write;
    const char* scale;
  };
  // The last one is Linux before 5.10, which took lines for words of 4 bytes.
  for (const Row& row :
       {Row{"uncore_imc", "data_reads", "data_writes", "6.103515625e-5"},
        Row{"uncore_imc_free_running_0", "data_read", "data_write", "6.103515625e-5"},
        Row{"uncore_imc_free_running", "read", "write", "3.814697266e-6"}}) {
    const RecordedTree tree;
    write_pmu(tree, "uncore_imc_0", 13);  // has no event that helps
    write_pmu(tree, row.pmu, 14);
    write_event(tree, row.pmu, row.read, "event=0xff,umask=0x20", row.scale);
    write_event(tree, row.pmu, row.write, "event=0xff,umask=0x30", row.scale);
    FakePerfEvents events;
    const auto source = open(tree, events);
    EXPECT_DOUBLE_EQ(value_of(*source, "dram-0/read"), 64000) << row.pmu;
    EXPECT_DOUBLE_EQ(value_of(*source, "dram-0/write"), 64000) << row.pmu;
    EXPECT_TRUE(source->probe().absences.empty());
  }
}

TEST(PerfUncore_Amd, counts_column_accesses_of_each_controller) {
  const RecordedTree tree;
  for (const char* pmu : {"amd_umc_0", "amd_umc_1"}) {
    write_pmu(tree, pmu, pmu[8] == '0' ? 20 : 21);
    tree.write(folder(pmu) + "format/rdwrmask", "config:8-9\n");
  }
  write_pmu(tree, "amd_df", 19);
  FakePerfEvents events;
  const auto source = open(tree, events);
  ASSERT_EQ(events.opened.size(), 4u);
  EXPECT_EQ(events.opened[0].config, (PerfConfig{20, 0x10a, 0, 0}));
  EXPECT_EQ(events.opened[1].config, (PerfConfig{20, 0x20a, 0, 0}));
  EXPECT_DOUBLE_EQ(value_of(*source, "dram-0/read"), 2 * 64000);
}

TEST(PerfUncore_Amd, data_fabric_alone_is_not_guessed_at) {
  const RecordedTree tree;
  write_pmu(tree, "amd_df", 19);
  FakePerfEvents events;
  const auto source = open(tree, events);
  EXPECT_NE(absence_of(*source, Kind::kTraffic).reason.find("amd_df"), std::string::npos);
  EXPECT_TRUE(events.opened.empty());
}

TEST(PerfUncore_Nvidia, reads_in_beats_and_writes_in_bytes) {
  const RecordedTree tree;
  write_pmu(tree, "nvidia_scf_pmu_0", 30);
  tree.write(folder("nvidia_scf_pmu_0") + "format/event", "config:0-31\n");
  write_event(tree, "nvidia_scf_pmu_0", "cmem_rd_data", "event=0x1a5", "");
  write_event(tree, "nvidia_scf_pmu_0", "cmem_wr_total_bytes", "event=0x1db", "");
  FakePerfEvents events;
  const auto source = open(tree, events);
  EXPECT_DOUBLE_EQ(value_of(*source, "dram-0/read"), 32000);
  EXPECT_DOUBLE_EQ(value_of(*source, "dram-0/write"), 1000);
  EXPECT_EQ(events.opened[0].config.config, 0x1a5u);
}

TEST(PerfUncore_Permission, all_channels_or_none) {
  const RecordedTree tree;
  write_controller(tree, "uncore_imc_0", 14, "0");
  write_controller(tree, "uncore_imc_1", 15, "0");
  tree.write("proc/sys/kernel/perf_event_paranoid", "4\n");
  FakePerfEvents events;
  events.refuse_after = 3;
  const auto source = open(tree, events);
  EXPECT_TRUE(source->probe().domains.empty());
  EXPECT_EQ(events.open_handles(), 0u);
  const Absence absence = absence_of(*source, Kind::kTraffic);
  EXPECT_NE(absence.reason.find("kernel.perf_event_paranoid is 4"), std::string::npos);
  EXPECT_TRUE(absence.enable.starts_with("sudo sysctl kernel.perf_event_paranoid=0"));
}

TEST(PerfUncore_Missing, says_why) {
  FakePerfEvents events;
  const RecordedTree vm("amd-vm");
  EXPECT_EQ(absence_of(*open(vm, events), Kind::kTraffic).reason,
            "no memory controller counters in /sys/bus/event_source/devices: virtual machine");
  const RecordedTree damaged;
  damaged.write(folder("uncore_imc_0") + "type", "42\n");
  EXPECT_EQ(absence_of(*open(damaged, events), Kind::kTraffic).reason,
            "/" + folder("uncore_imc_0") + "cpumask is not there");
  const RecordedTree bare;
  EXPECT_EQ(absence_of(*open(bare, events), Kind::kTraffic).reason,
            "no memory controller counters in /sys/bus/event_source/devices");
}

}  // namespace
}  // namespace ridgeline::telemetry
