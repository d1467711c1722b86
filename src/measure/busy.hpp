// `--busy`: whether other work runs on this machine, and what a run does about it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "machine/processes.hpp"
#include "results/record.hpp"
#include "telemetry/device_state.hpp"

namespace ridgeline::measure {

/// Others are flagged above this share of the CPUs that the run uses. Where no CPU is idle, a tenth
/// of them gone makes a call a tenth longer, five times the default precision of 2 %; below it are
/// the daemons of every machine, and the 10 ms ticks of so short a look.
inline constexpr double kBusyShare = 0.1;
/// A hypervisor that takes more than this share of them is flagged: nobody inside can stop it.
inline constexpr double kStealShare = 0.05;
/// How long one look takes: thirty ticks of a CPU.
inline constexpr std::int64_t kBusyLookNs = 300'000'000;
/// `wait`: so long must it have been quiet once it was not, for builds start program after program.
inline constexpr std::int64_t kQuietNs = 2'000'000'000;
/// `wait`: nobody looks at a run that waits longer for others to end.
inline constexpr std::int64_t kLongestWaitNs = 600'000'000'000;
/// `wait`: a line so often tells a person that it is still waiting, and does not fill a log.
inline constexpr std::int64_t kWaitLineNs = 10'000'000'000;

struct BusyOptions {
  std::string mode = "warn";  ///< as Plan::busy: "warn", "fail", "wait"
  double cpus = 0;            ///< that the run uses: its threads; 0: all that are online
  /// A line when it begins to wait and every ten seconds: "waiting for quiet (10 s): other …".
  std::function<void(const std::string& line)> on_wait = {};
};

/// What is looked at and how time passes; tests script it.
struct BusyWorld {
  std::function<Result<machine::ProcessSnapshot>()> processes;
  std::function<std::vector<telemetry::DeviceState>()> devices;  ///< that the run uses
  std::function<bool(std::int64_t ns)> sleep;                    ///< false: interrupted
  int own_pid = 0;                                               ///< its descendants are ours, too
};

/// This machine. `devices` gives the accelerators that the run uses as they are now; empty: none.
/// Call nothing of it while a worker of ours is on a device: its process would be another's.
BusyWorld this_world(const Interrupt* interrupt,
                     std::function<std::vector<telemetry::DeviceState>()> devices = {});

/// Looks for 0.3 s at processes and devices. Gives the flags "busy" (other processes use CPUs),
/// "device_busy" (another process works on a device that the run uses), "steal", "waited" (how long
/// for).
///
/// "warn" never fails. "fail" fails when others are busy, and "wait" when they still are after ten
/// minutes: an environment error, exit code 3, for nothing was measured; both fail, too, when that
/// cannot be told. "wait" goes on at once where the first look is quiet. Errors are of the class
/// interrupted when Ctrl-C ends the wait.
Result<std::vector<results::Flag>> check_busy(const BusyOptions& options, const BusyWorld& world);

}  // namespace ridgeline::measure
