// The interface of sources against vendors whose sources come later, and against files that vanish.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/clock.hpp"
#include "support/recorded_tree.hpp"
#include "support/source_conformance.hpp"
#include "telemetry/sources.hpp"

namespace ridgeline::telemetry {
namespace {

using test::RecordedTree;
using test::value_of;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr std::int64_t kMs = 1'000'000;

// AMD SMI: an accumulator with its resolution (15.3 uJ) and the time at which the driver refreshed
// both, which it does at most once a millisecond; calls between give the same again. Two processors
// of one board may share an accumulator, which then belongs to the first of them.
class FakeAmdSmi final : public Source {
 public:
  explicit FakeAmdSmi(bool is_guest = false) {
    if (is_guest) {
      probe_.absences.push_back({Kind::kEnergy, "AMD SMI has no energy counter on guests",
                                 "measure on bare metal", kDevice});
      return;
    }
    Domain domain{std::string(kDevice) + "/energy", Kind::kEnergy, "board", kDevice, "counter"};
    domain.resolution = 15.3e-6;
    domain.update_period = 1e-3;
    domain.wraps_at = 15.3e-6 * 18446744073709551616.0;
    domain.note = "both processors of the board";
    probe_.domains.push_back(domain);
  }
  std::string_view name() const override { return "fake_amd_smi"; }
  const Probe& probe() const override { return probe_; }
  void read(std::span<const std::size_t> domains, std::vector<Reading>& readings) override {
    for (const std::size_t index : domains) {
      const std::int64_t refreshed = now_ns() / kMs * kMs;
      const auto accumulator = static_cast<std::uint64_t>(refreshed / 1000);  // grows with time
      readings.push_back({index, refreshed, static_cast<double>(accumulator) * 15.3e-6});
    }
  }

 private:
  static constexpr const char* kDevice = "0000:83:00.0";
  Probe probe_;
};

// Level Zero Sysman: energy in uJ with a time stamp in us of a clock of its own, whose start is
// unknown. The source ties that clock to ours once, at opening.
class FakeLevelZero final : public Source {
 public:
  FakeLevelZero() {
    offset_ns_ = now_ns() - card().microseconds * 1000;
    for (const char* scope : {"board", "gpu"}) {
      Domain domain{std::string("0000:4d:00.0/energy") + (scope[0] == 'g' ? ".pkg" : ""),
                    Kind::kEnergy, scope, "0000:4d:00.0", "counter"};
      domain.resolution = 1e-6;
      probe_.domains.push_back(domain);
    }
  }
  std::string_view name() const override { return "fake_level_zero"; }
  const Probe& probe() const override { return probe_; }
  void read(std::span<const std::size_t> domains, std::vector<Reading>& readings) override {
    for (const std::size_t index : domains) {
      const Counter counter = card();
      const std::int64_t ns = std::min(counter.microseconds * 1000 + offset_ns_, now_ns());
      readings.push_back({index, ns, static_cast<double>(counter.microjoules) * 1e-6});
    }
  }

 private:
  struct Counter {
    std::int64_t microjoules = 0;
    std::int64_t microseconds = 0;
  };
  static Counter card() {
    const std::int64_t microseconds = now_ns() / 1000 + 123'456'789;
    return {microseconds * 200, microseconds};
  }
  std::int64_t offset_ns_ = 0;
  Probe probe_;
};

// Apple's IOReport: one snapshot holds all channels, each with a unit in its label; the kernel
// publishes now and then and holds the values in between. A channel that is missing from a snapshot
// is missing, not 0.
class FakeIoReport final : public Source {
 public:
  FakeIoReport() {
    for (const Channel& channel : kChannels) {
      Domain domain{channel.label, Kind::kEnergy, channel.scope};
      domain.provenance = "modelled";
      domain.resolution = channel.unit;
      probe_.domains.push_back(domain);
    }
    probe_.absences.push_back({Kind::kEnergy, "no channel for the whole machine", "", "", "node"});
  }
  std::string_view name() const override { return "fake_ioreport"; }
  const Probe& probe() const override { return probe_; }
  void read(std::span<const std::size_t> domains, std::vector<Reading>& readings) override {
    const std::int64_t published = now_ns() / (20 * kMs) * (20 * kMs);
    for (const std::size_t index : domains) {
      const auto count = static_cast<double>(published / kMs);
      const bool is_missing = index == 2;
      readings.push_back({index, published, is_missing ? kNaN : count * kChannels[index].unit});
    }
  }

 private:
  struct Channel {
    const char* label;
    const char* scope;
    double unit;
  };
  static constexpr Channel kChannels[] = {
      {"CPU Energy", "package", 1e-3}, {"GPU Energy", "gpu", 1e-9}, {"ANE", "npu", 1e-3}};
  Probe probe_;
};

TEST(Conformance_LaterVendors, amd_smi_with_times_of_the_driver) {
  test::expect_conforms([] { return std::make_unique<FakeAmdSmi>(); });
  FakeAmdSmi guest(true);
  test::expect_conforms(guest);
}

TEST(Conformance_LaterVendors, level_zero_with_a_clock_of_its_own) {
  test::expect_conforms([] { return std::make_unique<FakeLevelZero>(); });
}

TEST(Conformance_LaterVendors, ioreport_with_held_values_and_a_missing_channel) {
  test::expect_conforms([] { return std::make_unique<FakeIoReport>(); });
  FakeIoReport source;
  EXPECT_TRUE(std::isnan(value_of(source, "ANE")));
}

// A process whose files in /proc hold numbers, and fail like those of a device that was removed
// once it has died.
class Child {
 public:
  Child() : pid_(::fork()) {
    if (pid_ != 0) return;
    for (;;) ::pause();
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() { die(); }
  std::string file() const { return "/proc/" + std::to_string(pid_) + "/oom_score_adj"; }
  void die() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

 private:
  pid_t pid_;
};

TEST(Conformance_Vanishing, a_device_that_goes_is_nan_and_the_others_stay) {
  Child child;
  const RecordedTree tree;
  const auto folder = std::filesystem::path(tree.root()) / "sys/class/powercap";
  tree.write("proc/cpuinfo", "vendor_id\t: GenuineIntel\nflags\t: fpu\n");
  tree.write("sys/class/powercap/intel-rapl:0/name", "package-0\n");
  tree.write("sys/class/powercap/intel-rapl:1/name", "package-1\n");
  tree.write("sys/class/powercap/intel-rapl:1/energy_uj", "5000000\n");
  std::filesystem::create_symlink(child.file(), folder / "intel-rapl:0/energy_uj");
  Environment environment;
  environment.root = tree.root();
  const auto source = open_rapl(environment);
  EXPECT_FALSE(std::isnan(value_of(*source, "package-0")));
  child.die();
  EXPECT_TRUE(std::isnan(value_of(*source, "package-0")));
  EXPECT_DOUBLE_EQ(value_of(*source, "package-1"), 5);
  test::expect_conforms(*source);
}

TEST(Conformance_Hostile, folders_pipes_and_huge_files_in_the_place_of_numbers) {
  const RecordedTree tree;
  const std::filesystem::path folder = std::filesystem::path(tree.root()) / "sys/class/powercap";
  tree.write("proc/cpuinfo", "vendor_id\t: GenuineIntel\nflags\t: fpu\n");
  for (const char* zone : {"0", "1", "2"}) {
    tree.write(std::string("sys/class/powercap/intel-rapl:") + zone + "/name",
               std::string("package-") + zone + "\n");
  }
  std::filesystem::create_directories(folder / "intel-rapl:0/energy_uj");
  ASSERT_EQ(::mkfifo((folder / "intel-rapl:1/energy_uj").c_str(), 0600), 0);
  tree.write("sys/class/powercap/intel-rapl:2/energy_uj", std::string(1 << 20, '1'));
  Environment environment;
  environment.root = tree.root();
  const auto source = open_rapl(environment);
  EXPECT_TRUE(source->probe().domains.empty());
  test::expect_conforms(*source);
}

TEST(Conformance_Here, every_source_of_this_machine) {
  Environment environment;
  environment.nvml = "/no/such/library.so";
  for (const auto open :
       {open_perf_power, open_rapl, open_hwmon, open_cpufreq, open_perf_uncore, open_perf_cpu}) {
    const auto source = open(environment);
    test::expect_conforms(*source);
  }
}

}  // namespace
}  // namespace ridgeline::telemetry
