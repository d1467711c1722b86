// Limits of the control groups (version 1 and 2) that this process lives in.
#pragma once

#include <cstdint>
#include <optional>

#include "machine/tree.hpp"

namespace ridgeline::machine {

/// CPU time per wall time that is allowed (2.5 = two and a half CPUs): the smallest over the group
/// and its parents; empty when unlimited.
std::optional<double> cgroup_cpu_quota(const Tree& tree);

/// Bytes of memory that are allowed: the smallest over the group and its parents; empty when
/// unlimited.
std::optional<std::uint64_t> cgroup_memory_limit(const Tree& tree);

}  // namespace ridgeline::machine
