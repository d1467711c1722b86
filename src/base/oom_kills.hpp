// How many processes the kernel killed for lack of memory: to explain a sudden SIGKILL.
#pragma once

#include <cstdint>
#include <optional>

namespace ridgeline {

/// The kernel's count of out-of-memory kills as near to this process as it is kept: in its cgroup
/// (memory.events, memory.oom_control of version 1), else in the whole system (/proc/vmstat). Only
/// the difference of two readings means something. Empty when no source can be read.
std::optional<std::int64_t> oom_kill_count();

}  // namespace ridgeline
