// What --busy sees, says and does, on a scripted machine whose time passes only in its sleeps.
#include "measure/busy.hpp"

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "base/clock.hpp"
#include "measure/flags.hpp"

namespace ridgeline::measure {
namespace {

using results::Flag;
using telemetry::DeviceState;

constexpr int kOwn = 100;

// A machine of four CPUs on which one process uses `load(seconds)` CPUs.
class Scripted {
 public:
  std::function<double(double)> load = [](double) { return 0.0; };
  double steal = 0;             // CPUs
  double interrupted_at = 1e9;  // seconds
  std::vector<DeviceState> devices = {};
  std::vector<std::string> lines = {};

  Result<std::vector<Flag>> check(const std::string& mode, double cpus = 2) {
    BusyWorld world;
    world.processes = [this] { return Result<machine::ProcessSnapshot>(snapshot()); };
    world.devices = [this] { return devices; };
    world.sleep = [this](std::int64_t ns) { return sleep(ns); };
    world.own_pid = kOwn;
    BusyOptions options;
    options.mode = mode;
    options.cpus = cpus;
    options.on_wait = [this](const std::string& line) { lines.push_back(line); };
    return check_busy(options, world);
  }

  double seconds() const { return 1e-9 * static_cast<double>(now_); }

 private:
  bool sleep(std::int64_t ns) {
    used_ += load(seconds()) * 1e-9 * static_cast<double>(ns);
    stolen_ += steal * 1e-9 * static_cast<double>(ns);
    now_ += ns;
    return seconds() < interrupted_at;
  }

  // A thousand ticks a second, so that rounding does not matter here.
  machine::ProcessSnapshot snapshot() const {
    machine::ProcessSnapshot snapshot;
    snapshot.ns = now_;
    snapshot.ticks_per_second = 1000;
    snapshot.cpus = 4;
    const auto ticks = [](double seconds) { return static_cast<std::uint64_t>(1000 * seconds); };
    snapshot.all = {ticks(used_), ticks(4 * seconds() - used_ - stolen_), ticks(stolen_)};
    snapshot.processes = {{7, 1, "cc1plus", 1, ticks(used_)}, {kOwn, 1, "ridgeline", 1, 0}};
    return snapshot;
  }

  std::int64_t now_ = 0;
  double used_ = 0;
  double stolen_ = 0;
};

std::map<std::string, Flag> by_id(const Result<std::vector<Flag>>& flags) {
  std::map<std::string, Flag> map;
  if (flags) {
    for (const Flag& flag : *flags) map[flag.id] = flag;
  }
  return map;
}

DeviceState device_with(std::vector<telemetry::DeviceProcess> processes,
                        std::vector<std::string> reasons = {}) {
  DeviceState device;
  device.pci_address = "0000:17:00.0";
  device.processes = std::move(processes);
  device.throttle_reasons = std::move(reasons);
  return device;
}

TEST(Busy_Warn, is_silent_on_a_quiet_machine_after_one_look) {
  Scripted machine;
  const auto flags = machine.check("warn");
  ASSERT_TRUE(flags) << flags.error().line();
  EXPECT_TRUE(flags->empty());
  EXPECT_DOUBLE_EQ(machine.seconds(), 0.3);
}

TEST(Busy_Warn, flags_others_above_a_tenth_of_the_cpus_of_the_run) {
  Scripted machine;
  machine.load = [](double) { return 0.19; };
  EXPECT_EQ(by_id(machine.check("warn", 2)).count("busy"), 0u);
  machine.load = [](double) { return 0.22; };
  const auto flags = by_id(machine.check("warn", 2));
  ASSERT_EQ(flags.count("busy"), 1u);
  EXPECT_EQ(flags.at("busy").severity, Flag::Severity::kWarn);
  EXPECT_EQ(flags.at("busy").detail,
            "other processes use 0.22 CPUs beside the 2 of this run (cc1plus 0.22)");
  EXPECT_NE(flags.at("busy").advice.find("--busy wait"), std::string::npos);
  // Of all CPUs where the run does not say how many it uses.
  EXPECT_EQ(by_id(machine.check("warn", 0)).count("busy"), 0u);
}

TEST(Busy_Warn, flags_stolen_time_apart) {
  Scripted machine;
  machine.steal = 0.5;
  const auto flags = by_id(machine.check("warn"));
  EXPECT_EQ(flags.count("busy"), 0u);
  ASSERT_EQ(flags.count("steal"), 1u);
  EXPECT_NE(flags.at("steal").detail.find("0.50 CPUs"), std::string::npos);
  EXPECT_TRUE(machine.check("fail")) << "nothing that runs here could be stopped";
}

TEST(Busy_Warn, flags_a_process_that_works_on_the_device) {
  Scripted machine;
  machine.devices = {device_with({{4711, "python3", {}}, {kOwn, "ridgeline", {}}})};
  const auto flags = by_id(machine.check("warn"));
  ASSERT_EQ(flags.count("device_busy"), 1u);
  EXPECT_EQ(flags.at("device_busy").detail, "0000:17:00.0 is in use by python3 (pid 4711)");
}

TEST(Busy_Warn, a_context_on_an_idle_device_is_no_work) {
  Scripted machine;
  machine.devices = {device_with({{4711, "", {}}}, {"gpu_idle"})};
  EXPECT_TRUE(machine.check("fail")->empty());
  machine.devices = {device_with({{kOwn, "ridgeline", {}}})};
  EXPECT_TRUE(machine.check("fail")->empty());
  machine.devices = {device_with({{4711, "", {}}}, {"sw_power_cap"})};
  EXPECT_FALSE(machine.check("fail"));
}

TEST(Busy_Fail, is_an_error_of_the_environment_that_names_who) {
  Scripted machine;
  EXPECT_TRUE(machine.check("fail"));
  machine.load = [](double) { return 1.5; };
  const auto flags = machine.check("fail");
  ASSERT_FALSE(flags);
  EXPECT_EQ(flags.error().error_class, ErrorClass::kEnvironment);
  EXPECT_EQ(flags.error().line(),
            "the machine is busy: other processes use 1.50 CPUs beside the 2 of this run (cc1plus "
            "1.50); stop it, or give --busy wait or --busy warn");
}

TEST(Busy_Wait, goes_on_at_once_on_a_quiet_machine) {
  Scripted machine;
  EXPECT_TRUE(machine.check("wait")->empty());
  EXPECT_DOUBLE_EQ(machine.seconds(), 0.3);
  EXPECT_TRUE(machine.lines.empty());
}

TEST(Busy_Wait, wants_two_seconds_of_quiet_in_a_row) {
  Scripted machine;
  // Two programs with a gap of a second between them.
  machine.load = [](double at) { return at < 5 || (at > 6 && at < 9) ? 1.0 : 0.0; };
  const auto flags = machine.check("wait");
  ASSERT_TRUE(flags) << flags.error().line();
  EXPECT_NEAR(machine.seconds(), 9 + 2, 0.7);
  ASSERT_EQ(flags->size(), 1u);
  EXPECT_EQ(flags->front().id, "waited");
  EXPECT_EQ(flags->front().severity, Flag::Severity::kInfo);
  EXPECT_NE(flags->front().detail.find("cc1plus"), std::string::npos) << flags->front().detail;
  ASSERT_FALSE(machine.lines.empty());
  EXPECT_EQ(machine.lines.front(),
            "waiting for quiet (0 s): other processes use 1.00 CPUs beside the 2 of this run "
            "(cc1plus 1.00)");
}

TEST(Busy_Wait, gives_up_after_ten_minutes) {
  Scripted machine;
  machine.load = [](double) { return 1.0; };
  const auto flags = machine.check("wait");
  ASSERT_FALSE(flags);
  EXPECT_EQ(flags.error().error_class, ErrorClass::kEnvironment);
  EXPECT_NE(flags.error().message.find("after 10 minutes"), std::string::npos);
  EXPECT_NEAR(machine.seconds(), 600, 1);
  EXPECT_NEAR(static_cast<double>(machine.lines.size()), 60, 2) << "a line every ten seconds";
}

TEST(Busy_Wait, gives_up_on_work_that_comes_and_goes) {
  Scripted machine;
  machine.load = [](double at) { return static_cast<int>(at) % 2 == 0 ? 1.0 : 0.0; };
  EXPECT_FALSE(machine.check("wait"));
  EXPECT_NEAR(machine.seconds(), 600, 1);
}

TEST(Busy_Wait, ends_with_an_interrupt) {
  Scripted machine;
  machine.load = [](double) { return 1.0; };
  machine.interrupted_at = 12;
  const auto waited = machine.check("wait");
  ASSERT_FALSE(waited);
  EXPECT_EQ(waited.error().error_class, ErrorClass::kInterrupted);
  EXPECT_NEAR(machine.seconds(), 12, 0.31);
  // In the first look already, which every mode takes.
  const auto warned = machine.check("warn");
  ASSERT_FALSE(warned);
  EXPECT_EQ(warned.error().error_class, ErrorClass::kInterrupted);
}

TEST(Busy_Unknown, warns_or_fails_as_asked) {
  BusyWorld world;
  world.processes = [] {
    return Result<machine::ProcessSnapshot>(environment_error("/proc/stat is not there"));
  };
  world.sleep = [](std::int64_t) { return true; };
  const auto flags = check_busy({"warn", 1, {}}, world);
  ASSERT_TRUE(flags);
  EXPECT_EQ(flags->at(0).severity, Flag::Severity::kInfo);
  EXPECT_EQ(flags->at(0).detail,
            "whether other work runs here cannot be told: /proc/stat is not there");
  for (const char* mode : {"fail", "wait"}) {
    const auto failed = check_busy({mode, 1, {}}, world);
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().error_class, ErrorClass::kEnvironment);
  }
}

TEST(Busy_World, of_this_machine_can_be_looked_at_and_interrupted) {
  Interrupt interrupt;
  const BusyWorld world = this_world(&interrupt);
  ASSERT_TRUE(world.processes());
  const std::int64_t begin = now_ns();
  EXPECT_TRUE(world.sleep(2'000'000));
  EXPECT_GE(now_ns() - begin, 2'000'000);
  interrupt.set();
  EXPECT_FALSE(world.sleep(60 * kNsPerSecond));
  EXPECT_LT(now_ns() - begin, 10 * kNsPerSecond);
}

TEST(Flags_Forms, keep_all_parts) {
  const auto flags = record_flags({{"a", "warn", "b", "c"}, {"d", "info", "e", "f"}});
  EXPECT_EQ(to_line(flags_json(flags)),
            R"([{"id":"a","severity":"warn","detail":"b","advice":"c"},)"
            R"({"id":"d","severity":"info","detail":"e","advice":"f"}])");
}

}  // namespace
}  // namespace ridgeline::measure
