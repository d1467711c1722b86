// The one clock: CLOCK_MONOTONIC, in nanoseconds, in the coordinator and in every worker.
#pragma once

#include <cstdint>
#include <ctime>
#include <string>

namespace ridgeline {

inline constexpr std::int64_t kNsPerSecond = 1'000'000'000;

/// CLOCK_MONOTONIC in nanoseconds: comparable between processes of one machine.
inline std::int64_t now_ns() {
  timespec t{};
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * kNsPerSecond + t.tv_nsec;
}

/// UTC time as "2026-01-31T12:00:00Z": for records, never for measuring.
std::string utc_timestamp();

}  // namespace ridgeline
