// Placing, binding and starting threads.
#include "engines/native/ceilings/host/team.hpp"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <system_error>
#include <thread>

#include "base/cpu_list.hpp"

namespace ridgeline::native::ceilings {
namespace {

enum class Gate { kClosed, kOpen, kCalledOff };

}  // namespace

Result<Placement> place_threads(int threads, std::string_view cores) {
  const std::vector<int> allowed = allowed_cpus();
  Placement placement{allowed};
  if (!cores.empty()) {
    RIDGELINE_TRY(placement.cpus, parse_cpu_list(cores));
    for (const int cpu : placement.cpus) {
      if (std::binary_search(allowed.begin(), allowed.end(), cpu)) continue;
      return environment_error(fmt::format("CPU {} of cores '{}' may not be used by this process",
                                           cpu, cores.substr(0, 80)),
                               "give CPUs of its affinity mask and cpuset (taskset -p)");
    }
  }
  const int most = placement.threads();
  if (most == 0) return environment_error("the CPUs of this process cannot be found out");
  if (threads < 0 || threads > most) {
    return bad_input(fmt::format("threads {}: a ceiling needs a CPU for each, and {} may be used",
                                 threads, most));
  }
  if (threads > 0) placement.cpus.resize(static_cast<std::size_t>(threads));
  return placement;
}

bool bind_to(const std::vector<int>& cpus) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int cpu : cpus) CPU_SET(cpu, &set);
  return ::sched_setaffinity(0, sizeof set, &set) == 0;
}

Status run_team(const Placement& placement, const std::function<void(int)>& body) {
  std::atomic<int> ready{0};
  std::atomic<bool> refused{false};
  std::atomic<Gate> gate{Gate::kClosed};
  std::vector<std::thread> threads;
  Status status;
  const auto member = [&](int thread) {
    if (!bind_to({placement.cpus[static_cast<std::size_t>(thread)]})) refused = true;
    ++ready;
    ready.notify_one();
    gate.wait(Gate::kClosed);
    if (gate == Gate::kOpen) body(thread);
  };
  try {
    for (int thread = 0; thread < placement.threads(); ++thread) {
      threads.emplace_back(member, thread);
    }
  } catch (const std::system_error& error) {
    status = environment_error(fmt::format("thread {} of {} cannot be started: {}", threads.size(),
                                           placement.threads(), error.what()));
  }
  const int started = static_cast<int>(threads.size());
  for (int now = ready; now != started; now = ready) ready.wait(now);
  if (refused) status = environment_error("the system refuses to bind a thread to its CPU");
  gate = status ? Gate::kOpen : Gate::kCalledOff;
  gate.notify_all();
  for (std::thread& thread : threads) thread.join();
  return status;
}

}  // namespace ridgeline::native::ceilings
