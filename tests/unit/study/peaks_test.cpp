// The probes of a machine, and what a scripted engine's answers become.
#include "study/peaks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "machine/inventory.hpp"
#include "study/peaks_probes.hpp"
#include "support/temp_folder.hpp"

namespace ridgeline::study {
namespace {

using machine::Ceiling;
using machine::Machine;
using test::TempFolder;
using testing::HasSubstr;

// Cores 0-3 on node 0 and 4-7 on node 1; L3 shared by four.
Machine two_nodes() {
  Machine machine;
  machine.cpu.sockets = 1;
  machine.cpu.physical_cores = 8;
  machine.cpu.threads_per_core = 1;
  for (int i = 0; i < 8; ++i) {
    machine.cpu.logical.push_back({i, 0, i, i / 4, {}});
    machine.allowed.cpus.push_back(i);
  }
  machine.cpu.caches = {{1, "data", 32 << 10, 1, 8},
                        {1, "instruction", 32 << 10, 1, 8},
                        {2, "unified", 1 << 20, 1, 8},
                        {3, "unified", 32 << 20, 4, 2}};
  machine.cpu.nodes = {{0, {0, 1, 2, 3}, {}}, {1, {4, 5, 6, 7}, {}}};
  machine.memory.available_bytes = std::uint64_t{64} << 30;
  return machine;
}

const Probe* find(const std::vector<Probe>& probes, const std::string& id) {
  for (const Probe& probe : probes) {
    if (probe.ceiling.id == id) return &probe;
  }
  return nullptr;
}

std::int64_t bytes_of(const std::vector<Probe>& probes, const std::string& id) {
  const Probe* probe = find(probes, id);
  return probe == nullptr ? -1 : probe->ceiling.bytes.value_or(-2);
}

// --- the list -----------------------------------------------------------------------------------

TEST(PeaksProbes_Cpu, lie_well_inside_each_cache_and_well_outside_all) {
  const auto probes = cpu_probes(two_nodes(), 8, "");
  EXPECT_EQ(bytes_of(probes, "read.l1"), 8 * (32 << 10) / 2);
  EXPECT_EQ(bytes_of(probes, "copy.l2"), 8 * (1 << 20) / 2);
  EXPECT_EQ(bytes_of(probes, "triad.l3"), 2 * (32 << 20) / 2);
  EXPECT_EQ(find(probes, "read.l3")->ceiling.capacity, 64 << 20);
  EXPECT_EQ(bytes_of(probes, "read"), 4 * (64 << 20));
  EXPECT_EQ(bytes_of(probes, "copy"), 2 * 4 * (64 << 20));
  EXPECT_EQ(bytes_of(probes, "triad"), 3 * 4 * (64 << 20));
  EXPECT_EQ(find(probes, "read.one_thread")->ceiling.threads, 1);
}

TEST(PeaksProbes_Cpu, count_only_the_caches_that_the_threads_have) {
  const auto probes = cpu_probes(two_nodes(), 2, "");
  EXPECT_EQ(bytes_of(probes, "read.l1"), 2 * (32 << 10) / 2);
  EXPECT_EQ(bytes_of(probes, "read.l3"), (32 << 20) / 2);  // both share one
  EXPECT_EQ(bytes_of(probes, "read"), 4 * (64 << 20));     // but may run beside either
  Machine smt = two_nodes();
  smt.cpu.threads_per_core = 2;
  for (machine::Cache& cache : smt.cpu.caches) cache.shared_by *= 2;
  EXPECT_EQ(bytes_of(cpu_probes(smt, 2, ""), "read.l1"), 2 * (32 << 10) / 2);
}

TEST(PeaksProbes_Cpu, go_beyond_caches_that_a_guest_does_not_see) {
  Machine machine = two_nodes();
  machine.virtualization.is_virtual = true;
  EXPECT_EQ(bytes_of(cpu_probes(machine, 8, ""), "read"), std::int64_t{2} << 30);
  machine.memory.limit_bytes = std::uint64_t{1} << 30;
  machine.memory.available_bytes = std::uint64_t{1} << 30;
  EXPECT_EQ(bytes_of(cpu_probes(machine, 8, ""), "read"), std::int64_t{512} << 20);
}

TEST(PeaksProbes_Cpu, leave_out_a_level_that_no_working_set_lies_in) {
  Machine machine = two_nodes();
  machine.cpu.caches[2].bytes = 16 << 20;  // 128 MiB of L2 above 64 MiB of L3
  const auto probes = cpu_probes(machine, 8, "");
  const Probe* probe = find(probes, "read.l3");
  ASSERT_NE(probe, nullptr);
  EXPECT_FALSE(probe->ceiling.bytes);
  EXPECT_THAT(probe->ceiling.reason, HasSubstr("no working set lies in L3 alone"));
}

TEST(PeaksProbes_Cpu, shrink_to_the_memory_there_is_or_say_that_it_is_too_little) {
  Machine machine = two_nodes();
  machine.memory.available_bytes = std::uint64_t{1} << 30;
  EXPECT_EQ(bytes_of(cpu_probes(machine, 8, ""), "triad"), 512 << 20);
  machine.memory.limit_bytes = std::uint64_t{256} << 20;
  const auto probes = cpu_probes(machine, 8, "");
  EXPECT_FALSE(find(probes, "read")->ceiling.bytes);
  EXPECT_THAT(find(probes, "read")->ceiling.reason, HasSubstr("needs 256 MiB"));
}

TEST(PeaksProbes_Cpu, of_unknown_caches_leave_the_size_to_the_engine) {
  Machine machine = two_nodes();
  machine.cpu.caches.clear();
  const auto probes = cpu_probes(machine, 8, "");
  EXPECT_EQ(bytes_of(probes, "read"), -2);
  EXPECT_EQ(find(probes, "read")->ceiling.reason, "");
  EXPECT_EQ(find(probes, "read.l1"), nullptr);
}

TEST(PeaksProbes_Cpu, ask_each_node_when_there_are_several) {
  const auto probes = cpu_probes(two_nodes(), 8, "");
  const Probe* node = find(probes, "copy.node1");
  ASSERT_NE(node, nullptr);
  EXPECT_EQ(node->ceiling.cores, "4-7");
  EXPECT_EQ(node->ceiling.threads, 4);
  EXPECT_EQ(node->ceiling.node, 1);
  Machine half = two_nodes();
  half.allowed.cpus = {0, 1, 2, 3};
  EXPECT_EQ(find(cpu_probes(half, 4, ""), "copy.node0"), nullptr);
}

TEST(PeaksProbes_All, have_ids_of_their_own_and_units) {
  for (const auto& probes : {cpu_probes(two_nodes(), 8, ""), accelerator_probes()}) {
    std::set<std::string> ids;
    for (const Probe& probe : probes) {
      EXPECT_TRUE(ids.insert(probe.ceiling.id).second) << probe.ceiling.id;
      EXPECT_FALSE(probe.ceiling.unit.empty());
    }
  }
  EXPECT_NE(find(accelerator_probes(), "gemm.tfloat32"), nullptr);
  EXPECT_EQ(find(cpu_probes(two_nodes(), 8, ""), "gemm.tfloat32"), nullptr);
}

TEST(PeaksProbes_Fields, say_what_the_contract_names) {
  const auto cpu = cpu_probes(two_nodes(), 8, "0-7");
  EXPECT_EQ(to_line(probe_fields(*find(cpu, "read.l1"), "cpu", 0.5)),
            R"({"kind":"read","device":"cpu","seconds":0.5,"bytes":131072,"threads":8,)"
            R"("cores":"0-7"})");
  const auto gpu = accelerator_probes();
  EXPECT_EQ(to_line(probe_fields(*find(gpu, "h2d.pageable"), "cuda:0", 1)),
            R"({"kind":"h2d","device":"cuda:0","seconds":1.0,"pinned":false})");
  EXPECT_EQ(to_line(probe_fields(*find(gpu, "gemm.int8"), "cuda:0", 1)),
            R"({"kind":"gemm","device":"cuda:0","seconds":1.0,"dtype":"int8"})");
}

TEST(PeaksProbes_Reply, that_cannot_be_is_no_ceiling) {
  const auto taken = [](const Json& reply) {
    Ceiling ceiling;
    ceiling.id = "read";
    ceiling.unit = "B/s";
    return take_reply(reply, ceiling).has_value();
  };
  EXPECT_TRUE(taken({{"value", 1e9}, {"unit", "B/s"}}));
  EXPECT_FALSE(taken({{"value", 0}, {"unit", "B/s"}}));
  EXPECT_FALSE(taken({{"value", -1e9}, {"unit", "B/s"}}));
  EXPECT_FALSE(taken({{"value", nullptr}, {"unit", "B/s"}}));
  EXPECT_FALSE(taken({{"value", "1e9"}, {"unit", "B/s"}}));
  EXPECT_FALSE(taken({{"value", 1e9}, {"unit", "FLOP/s"}}));
  EXPECT_FALSE(taken({{"value", 1e9}}));
  EXPECT_FALSE(taken(Json::array()));
}

// --- with a worker ------------------------------------------------------------------------------

constexpr const char* kProbes = R"("probes":[
  {"kind":"read","threads":1,"at_most_bytes":1000000000000,"value":1e9},
  {"kind":"read","at_most_bytes":67108864,"value":9e10},
  {"kind":"read","value":2e10,"median":1.9e10},{"kind":"write","value":1e10},
  {"kind":"copy","value":1.5e10},{"kind":"triad","value":1.6e10},
  {"kind":"gemm","dtype":"float32","value":2e11},{"kind":"gemm","dtype":"int8","value":4e11},
  {"kind":"h2d","pinned":true,"value":5e10},{"kind":"launch","value":2e-6,"round_trip":9e-6}])";

class PeaksMeasure : public testing::Test {
 protected:
  void script(const std::string& text) { ::setenv("RIDGELINE_SCRIPT", text.c_str(), 1); }

  PeaksOptions options() {
    PeaksOptions options;
    options.engine = RIDGELINE_SCRIPTED_ENGINE;
    options.device = "cpu";
    options.threads = 2;
    options.cache = folder_.path("peaks.json");
    options.on_progress = [this](const PeaksProgress& now) { asked_.push_back(now.probe); };
    return options;
  }

  const Ceiling& ceiling(const Peaks& peaks, const std::string& id, std::size_t device = 0) {
    static const Ceiling none;
    const Ceiling* found = peaks.devices.at(device).set.find(id);
    EXPECT_NE(found, nullptr) << id;
    return found == nullptr ? none : *found;
  }

  TempFolder folder_;
  std::vector<std::string> asked_;
  Machine machine_ = machine::inventory();
};

TEST_F(PeaksMeasure, takes_what_the_engine_says) {
  script(std::string("{") + kProbes + "}");
  const auto peaks = measure_peaks(options(), machine_);
  ASSERT_TRUE(peaks) << peaks.error().line();
  EXPECT_EQ(ceiling(*peaks, "read").value, 2e10);
  EXPECT_EQ(ceiling(*peaks, "read").median, 1.9e10);
  EXPECT_EQ(ceiling(*peaks, "read.one_thread").value, 1e9);
  EXPECT_EQ(ceiling(*peaks, "gemm.int8").unit, "OP/s");
  EXPECT_FALSE(ceiling(*peaks, "gemm.bfloat16").value);
  EXPECT_EQ(ceiling(*peaks, "gemm.bfloat16").error_class, "unsupported");
  EXPECT_THAT(ceiling(*peaks, "gemm.bfloat16").reason, HasSubstr("no probe"));
  EXPECT_EQ(peaks->failures(), 0);
  EXPECT_EQ(peaks->not_kept, "");
  EXPECT_EQ(peaks->devices[0].set.engine_version, "0.1.0");
}

TEST_F(PeaksMeasure, remembers_and_measures_again_when_asked) {
  script(std::string("{") + kProbes + "}");
  ASSERT_TRUE(measure_peaks(options(), machine_));
  const std::size_t once = asked_.size();
  const auto again = measure_peaks(options(), machine_);
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->devices[0].cached);
  EXPECT_EQ(ceiling(*again, "read").value, 2e10);
  EXPECT_EQ(asked_.size(), once);
  PeaksOptions other = options();
  other.threads = 1;
  ASSERT_TRUE(measure_peaks(other, machine_));  // other threads, another set
  EXPECT_GT(asked_.size(), once);
  const auto both = machine::read_ceilings(options().cache, machine::fingerprint(machine_));
  ASSERT_TRUE(both);
  EXPECT_EQ(both->sets.size(), 2u);
  PeaksOptions refresh = options();
  refresh.refresh = true;
  EXPECT_FALSE(measure_peaks(refresh, machine_)->devices[0].cached);
}

TEST_F(PeaksMeasure, goes_on_after_a_probe_that_kills_the_worker) {
  script(std::string(
             "{\"faults\":[{\"at\":\"probe\",\"kind\":\"sigkill_self\",\"phase\":\"write\"},") +
         R"({"at":"probe","kind":"oom","phase":"copy"}],)" + kProbes + "}");
  const auto peaks = measure_peaks(options(), machine_);
  ASSERT_TRUE(peaks) << peaks.error().line();
  EXPECT_EQ(ceiling(*peaks, "write").error_class, "crash");
  EXPECT_EQ(ceiling(*peaks, "copy").error_class, "oom.device");
  EXPECT_EQ(ceiling(*peaks, "triad").value, 1.6e10);
  EXPECT_EQ(ceiling(*peaks, "gemm.float32").value, 2e11);
  EXPECT_GT(peaks->failures(), 1);
  // What failed is tried again.
  script(std::string("{") + kProbes + "}");
  const auto again = measure_peaks(options(), machine_);
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->devices[0].cached);
  EXPECT_EQ(ceiling(*again, "write").value, 1e10);
}

TEST_F(PeaksMeasure, keeps_nothing_when_nothing_was_measured) {
  script("{}");
  const auto peaks = measure_peaks(options(), machine_);
  ASSERT_TRUE(peaks);
  EXPECT_EQ(peaks->failures(), 1);
  EXPECT_FALSE(std::filesystem::exists(options().cache));
}

TEST_F(PeaksMeasure, asks_every_device_of_the_engine) {
  script(std::string(R"({"devices":[{"kind":"cpu","ordinal":0,"name":"cpu"},{"kind":"cuda",)") +
         R"("ordinal":0,"name":"NVIDIA H200","memory":150000000000}],)" + kProbes + "}");
  PeaksOptions all = options();
  all.device = "all";
  const auto peaks = measure_peaks(all, machine_);
  ASSERT_TRUE(peaks) << peaks.error().line();
  ASSERT_EQ(peaks->devices.size(), 2u);
  EXPECT_EQ(ceiling(*peaks, "h2d.pinned", 1).value, 5e10);
  EXPECT_FALSE(ceiling(*peaks, "h2d.pageable", 1).value);
  EXPECT_EQ(ceiling(*peaks, "launch", 1).round_trip, 9e-6);
  EXPECT_EQ(peaks->devices[1].datasheet.name, "NVIDIA H200 SXM");
  EXPECT_EQ(peaks->devices[1].set.threads, 0);
  const Json json = to_json(*peaks, "2100-01-01T00:00:00Z");
  const Json& read = json.at("sets")[1].at("ceilings")[0];
  EXPECT_EQ(read.at("id"), "read");
  EXPECT_DOUBLE_EQ(read.at("share").get<double>(), 2e10 / 4.8e12);
  EXPECT_GT(json.at("sets")[0].at("age_seconds").get<double>(), 1e9);
  EXPECT_TRUE(json.at("sets")[1].at("flags").empty());
}

TEST_F(PeaksMeasure, flags_what_is_above_the_datasheet) {
  script(R"({"devices":[{"kind":"cuda","ordinal":0,"name":"NVIDIA L4"}],)"
         R"("probes":[{"kind":"read","value":3.2e11},{"kind":"write","value":3.1e11}]})");
  PeaksOptions one = options();
  one.device = "cuda:0";
  const auto peaks = measure_peaks(one, machine_);
  ASSERT_TRUE(peaks);
  const Json flags = to_json(*peaks, "now").at("sets")[0].at("flags");
  ASSERT_EQ(flags.size(), 1u);
  EXPECT_THAT(flags[0].get<std::string>(), HasSubstr("read is 107 % of the datasheet"));
}

TEST_F(PeaksMeasure, notes_other_work_on_the_machine) {
  script(std::string("{") + kProbes + "}");
  machine_.load = machine::LoadAverage{0, 0, 0};
  EXPECT_EQ(measure_peaks(options(), machine_)->devices[0].set.note, "");
  machine_.load->one_minute = static_cast<double>(machine_.cpu.logical.size());
  PeaksOptions refresh = options();
  refresh.refresh = true;
  ASSERT_TRUE(measure_peaks(refresh, machine_));
  machine_.load->one_minute = 0;
  // It stays with the figures.
  EXPECT_THAT(measure_peaks(options(), machine_)->devices[0].set.note,
              HasSubstr("other processes were running"));
}

TEST_F(PeaksMeasure, refuses_devices_and_cores_that_are_not_here) {
  script("{}");
  PeaksOptions wrong = options();
  wrong.device = "cuda:7";
  EXPECT_EQ(measure_peaks(wrong, machine_).error().error_class, ErrorClass::kEnvironment);
  wrong = options();
  wrong.cores = "60000";
  EXPECT_EQ(measure_peaks(wrong, machine_).error().error_class, ErrorClass::kBadInput);
  wrong.cores = "x";
  EXPECT_EQ(measure_peaks(wrong, machine_).error().error_class, ErrorClass::kBadInput);
  wrong = options();
  wrong.engine = "nonsense";
  EXPECT_EQ(measure_peaks(wrong, machine_).error().error_class, ErrorClass::kEnvironment);
}

TEST_F(PeaksMeasure, refuses_a_file_of_another_machine_unless_it_may_replace_it) {
  script(std::string("{") + kProbes + "}");
  machine::Ceilings other;
  other.machine = "fedcba9876543210";
  ASSERT_TRUE(machine::write_ceilings(options().cache, other));
  const auto refused = measure_peaks(options(), machine_);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().line(), HasSubstr("another machine"));
  PeaksOptions refresh = options();
  refresh.refresh = true;
  ASSERT_TRUE(measure_peaks(refresh, machine_));
  EXPECT_TRUE(measure_peaks(options(), machine_)->devices[0].cached);
}

TEST_F(PeaksMeasure, leaves_the_file_as_it_was_when_interrupted) {
  script(std::string("{") + kProbes + "}");
  Interrupt interrupt;
  PeaksOptions stopped = options();
  stopped.interrupt = &interrupt;
  stopped.on_progress = [&](const PeaksProgress& now) {
    if (now.number == 3) interrupt.set();
  };
  const auto peaks = measure_peaks(stopped, machine_);
  ASSERT_FALSE(peaks);
  EXPECT_EQ(peaks.error().error_class, ErrorClass::kInterrupted);
  EXPECT_FALSE(std::filesystem::exists(stopped.cache));
}

}  // namespace
}  // namespace ridgeline::study
