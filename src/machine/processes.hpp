// What else runs on this machine: processor time of processes between two looks at /proc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace ridgeline::machine {

/// Processor time of all CPUs together since the machine started, in ticks.
struct CpuTicks {
  std::uint64_t busy = 0;   ///< user, nice, system, interrupts
  std::uint64_t idle = 0;   ///< idle, and idle while waiting for a disk
  std::uint64_t steal = 0;  ///< a hypervisor gave it to others
};

struct ProcessTime {
  int pid = 0;
  int parent = 0;
  std::string name;         ///< as in /proc/PID/comm; ASCII, what is not becomes '?'
  std::uint64_t start = 0;  ///< ticks after the machine's start: tells a pid that is used again
  std::uint64_t ticks = 0;  ///< user and system, all threads
};

struct ProcessSnapshot {
  std::int64_t ns = 0;  ///< CLOCK_MONOTONIC
  double ticks_per_second = 100;
  int cpus = 0;  ///< that are online
  CpuTicks all;
  std::vector<ProcessTime> processes;  ///< those that are visible
};

/// Looks at the processes below `root`. Fails when proc/stat does not tell.
Result<ProcessSnapshot> take_process_snapshot(const std::string& root = "/");

/// Processes of one name.
struct BusyProcess {
  int pid = 0;  ///< of the busiest of them
  std::string name;
  double cpus = 0;  ///< processor time over time: 1.5 is one and a half CPUs
  int count = 1;
};

/// How the CPUs were used between two looks. All but `share` in CPUs.
struct CpuUse {
  double seconds = 0;
  int cpus = 0;
  double share = 0;   ///< of all CPUs that was busy, our own work included
  double own = 0;     ///< our process and its descendants
  double others = 0;  ///< all the rest
  double unseen = 0;  ///< the part of `others` by processes that ended, or that are not visible
  double steal = 0;   ///< taken by the hypervisor; in none of the others
  std::vector<BusyProcess> top;  ///< the busiest names of others, at most kTopProcesses
};

inline constexpr std::size_t kTopProcesses = 3;

/// The use between two snapshots of one machine. `own_pid` and its descendants are not others.
/// Fails when no time passed, or when the kernel's counters stood still (as in some sandboxes).
Result<CpuUse> cpu_use(const ProcessSnapshot& before, const ProcessSnapshot& after, int own_pid);

/// "cc1plus ×4 3.80, python3 0.95, 0.20 not visible from here"; empty when nothing is to be named.
std::string describe(const CpuUse& use);

}  // namespace ridgeline::machine
