// What this machine is: read once at the start of a run, from /proc and /sys only.
#pragma once

#include <string>
#include <vector>

#include "base/json.hpp"
#include "machine/machine.hpp"

namespace ridgeline::machine {

/// Reads the machine below `root`: "/" for this one, or a recorded tree with `proc`, `sys` and
/// `etc`. Never fails: what cannot be read stays empty and is listed in `missing` with its reason.
Machine inventory(const std::string& root = "/");

/// The default for threads and pinning: one logical CPU (the lowest that is allowed) of each
/// physical core that this process may use, ordered by NUMA node and number, so that the first ones
/// lie on one node. With a cgroup quota below their number only floor(quota), at least one, stay.
/// Empty only when no CPU could be read.
std::vector<int> physical_cores(const Machine& machine);

/// The value of record.machine. SI units: bytes, Hz. null with an entry in "missing" could not be
/// read; null without one means that there is none (no quota, no limit, no container).
Json to_json(const Machine& machine);

/// 16 hex digits over what decides speed: processor, caches, nodes, allowed CPUs, memory size,
/// accelerators with drivers, virtualization. Load, free memory, clock settings and software
/// versions are left out, so two runs on an unchanged machine agree.
std::string fingerprint(const Machine& machine);

}  // namespace ridgeline::machine
