// One look, or looks until the machine is quiet.
#include "measure/busy.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "base/clock.hpp"

namespace ridgeline::measure {
namespace {

using results::Flag;

constexpr const char* kStop = "stop it, or give --busy wait, and measure again";

struct Look {
  std::vector<Flag> flags;
  std::vector<std::string> busy;  // why it is not quiet
};

Flag warning(std::string id, std::string detail, std::string advice) {
  return {std::move(id), Flag::Severity::kWarn, std::move(detail), std::move(advice)};
}

Error interrupted() {
  return {ErrorClass::kInterrupted, "interrupted while looking for other work"};
}

void look_at_cpus(const machine::CpuUse& use, double cpus, Look& look) {
  if (cpus <= 0) cpus = use.cpus;
  if (use.others > kBusyShare * cpus) {
    look.busy.push_back(fmt::format("other processes use {:.2f} CPUs beside the {:g} of this run",
                                    use.others, cpus));
    if (const std::string names = machine::describe(use); !names.empty()) {
      look.busy.back() += fmt::format(" ({})", names);
    }
    look.flags.push_back(warning("busy", look.busy.back(), kStop));
  }
  if (use.steal > kStealShare * cpus) {
    look.flags.push_back(warning(
        "steal", fmt::format("the hypervisor took {:.2f} CPUs of time for others", use.steal),
        "measure on a dedicated host, or at another time"));
  }
}

// Clocks drop to idle when nobody works on a device: a context alone does not disturb.
bool is_idle(const telemetry::DeviceState& device) {
  const auto& reasons = device.throttle_reasons;
  return std::find(reasons.begin(), reasons.end(), "gpu_idle") != reasons.end();
}

void look_at_device(const telemetry::DeviceState& device, int own_pid, Look& look) {
  std::vector<std::string> names;
  for (const telemetry::DeviceProcess& process : device.processes) {
    if (process.pid == own_pid) continue;
    names.push_back(
        fmt::format("{} (pid {})", process.name.empty() ? "a process" : process.name, process.pid));
  }
  if (names.empty() || is_idle(device)) return;
  look.busy.push_back(
      fmt::format("{} is in use by {}", device.pci_address, fmt::join(names, ", ")));
  look.flags.push_back(warning("device_busy", look.busy.back(), kStop));
}

std::string text_of(const Look& look) {
  return fmt::format("{}", fmt::join(look.busy, "; "));
}

class Watch {
 public:
  Watch(const BusyOptions& options, const BusyWorld& world) : options_(options), world_(world) {}

  // The first look.
  Status begin();
  // What comes of it.
  Result<std::vector<Flag>> run();

 private:
  Result<Look> look();
  Result<std::vector<Flag>> wait(Look seen);

  const BusyOptions& options_;
  const BusyWorld& world_;
  machine::ProcessSnapshot before_;
  Look first_;
};

Status Watch::begin() {
  RIDGELINE_TRY(before_, world_.processes());
  RIDGELINE_TRY(first_, look());
  return {};
}

// From the end of the last look on.
Result<Look> Watch::look() {
  if (!world_.sleep(kBusyLookNs)) return interrupted();
  RIDGELINE_TRY(machine::ProcessSnapshot after, world_.processes());
  Look look;
  RIDGELINE_TRY(const machine::CpuUse use, machine::cpu_use(before_, after, world_.own_pid));
  before_ = std::move(after);
  look_at_cpus(use, options_.cpus, look);
  if (!world_.devices) return look;
  for (const telemetry::DeviceState& device : world_.devices()) {
    look_at_device(device, world_.own_pid, look);
  }
  return look;
}

Result<std::vector<Flag>> Watch::wait(Look seen) {
  const std::int64_t start = before_.ns;
  const std::string first = text_of(seen);
  std::int64_t next_line = start;
  constexpr std::int64_t kNotYet = -1;
  std::int64_t quiet_since = kNotYet;
  while (quiet_since == kNotYet || before_.ns - quiet_since < kQuietNs) {
    const double waited = 1e-9 * static_cast<double>(before_.ns - start);
    if (before_.ns - start >= kLongestWaitNs) {
      return environment_error(
          fmt::format("the machine is still busy after {:.0f} minutes of waiting: {}", waited / 60,
                      text_of(seen)),
          "stop it, or measure nevertheless with --busy warn");
    }
    if (options_.on_wait && before_.ns >= next_line) {
      next_line = before_.ns + kWaitLineNs;
      options_.on_wait(
          fmt::format("waiting for quiet ({:.0f} s): {}", waited,
                      quiet_since == kNotYet ? text_of(seen) : "it has just become quiet"));
    }
    const std::int64_t from = before_.ns;
    RIDGELINE_TRY(seen, look());
    if (!seen.busy.empty()) {
      quiet_since = kNotYet;
    } else if (quiet_since == kNotYet) {
      quiet_since = from;
    }
  }
  seen.flags.push_back({"waited", Flag::Severity::kInfo,
                        fmt::format("waited {:.0f} s for quiet: {}",
                                    1e-9 * static_cast<double>(before_.ns - start), first),
                        "what ran before may have left the machine warm"});
  return std::move(seen.flags);
}

Result<std::vector<Flag>> Watch::run() {
  if (first_.busy.empty() || options_.mode == "warn") return std::move(first_.flags);
  if (options_.mode == "wait") return wait(std::move(first_));
  return environment_error(fmt::format("the machine is busy: {}", text_of(first_)),
                           "stop it, or give --busy wait or --busy warn");
}

// Nobody asked for more than a warning by "warn"; the other two promise what cannot be kept.
Result<std::vector<Flag>> unknown(const BusyOptions& options, const Error& error) {
  if (error.error_class == ErrorClass::kInterrupted) return error;
  const std::string detail =
      fmt::format("whether other work runs here cannot be told: {}", error.message);
  if (options.mode != "warn") return environment_error(detail, "give --busy warn");
  return std::vector<Flag>{
      {"busy", Flag::Severity::kInfo, detail, "look with top before you trust small differences"}};
}

}  // namespace

BusyWorld this_world(const Interrupt* interrupt,
                     std::function<std::vector<telemetry::DeviceState>()> devices) {
  BusyWorld world;
  world.processes = [] { return machine::take_process_snapshot(); };
  world.devices = std::move(devices);
  world.sleep = [interrupt](std::int64_t ns) { return sleep_unless(interrupt, ns); };
  world.own_pid = ::getpid();
  return world;
}

Result<std::vector<results::Flag>> check_busy(const BusyOptions& options, const BusyWorld& world) {
  Watch watch(options, world);
  if (const Status ready = watch.begin(); !ready) return unknown(options, ready.error());
  return watch.run();
}

}  // namespace ridgeline::measure
