// Lists of CPU numbers as the kernel, taskset and --cores spell them: "0-3,8".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace ridgeline {

/// Highest CPU number that is accepted; the largest kernel configuration has 8192 CPUs.
inline constexpr int kMaxCpu = 65535;

/// "0-3,8" or "0-14:2" (stride) → 0 1 2 3 8, ascending and unique. An empty text is an empty list;
/// anything else that is no list is an error that names it.
Result<std::vector<int>> parse_cpu_list(std::string_view text);

/// The shortest spelling of an ascending list: "0-3,8".
std::string to_cpu_list(const std::vector<int>& cpus);

/// CPUs that this process may run on, ascending; empty when the system does not tell.
std::vector<int> allowed_cpus();

}  // namespace ridgeline
