// How much host memory can still be had: what the system and the control group leave.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace ridgeline {

/// The smaller of MemAvailable and what the cgroup (v2 or v1) of this process still allows, in
/// bytes; nothing when /proc cannot be read. `root` is "/" except in tests.
std::optional<std::int64_t> available_host_bytes(const std::string& root = "/");

}  // namespace ridgeline
