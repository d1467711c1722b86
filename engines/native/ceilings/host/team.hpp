// Threads of our own for measuring a CPU: each on its CPU, all starting together.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace ridgeline::native::ceilings {

/// One CPU for each thread.
struct Placement {
  std::vector<int> cpus;

  int threads() const { return static_cast<int>(cpus.size()); }
};

/// The CPUs of `threads` threads (0: as many as there are CPUs), out of `cores` ("0-3,8"; empty:
/// all that this process may use), in ascending order. More threads than CPUs, and CPUs that this
/// process may not use, are refused: a ceiling needs a CPU for each thread.
Result<Placement> place_threads(int threads, std::string_view cores);

/// Binds the calling thread. False when the system refuses.
bool bind_to(const std::vector<int>& cpus);

/// Runs body(0 … threads − 1), each on its own bound thread, and waits for all of them. The body
/// must not throw. When a thread cannot be started or bound, no body runs.
Status run_team(const Placement& placement, const std::function<void(int)>& body);

}  // namespace ridgeline::native::ceilings
