// Knobs `cores`, `threads`, `pin` and `numa`: how many threads an operation uses, where they may
// run, and where their memory lies.
#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <charconv>
#include <cstdlib>

#include "base/cpu_list.hpp"
#include "engines/native/ops/cpu/parallel.hpp"
#include "engines/native/optimize/knobs.hpp"
#include "engines/native/optimize/topology.hpp"

namespace ridgeline::native {
namespace {

constexpr int kMostThreads = 4096;
constexpr std::string_view kNotAsked = "not asked for";
// MPOL_BIND of <linux/mempolicy.h>, and the nodes that its mask is given room for.
constexpr int kBindMemory = 2;
constexpr std::size_t kMostNodes = 1024;
constexpr std::size_t kMaskBits = 8 * sizeof(unsigned long);

bool set_affinity(const std::vector<int>& cpus) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int cpu : cpus) CPU_SET(cpu, &set);
  return ::sched_setaffinity(0, sizeof set, &set) == 0;
}

// "0-3,8" as CPUs that can be named here.
Result<std::vector<int>> parse_cpus(const std::string& text) {
  RIDGELINE_TRY(std::vector<int> cpus, parse_cpu_list(text));
  if (!cpus.empty() && cpus.back() >= CPU_SETSIZE) {
    return unsupported(
        fmt::format("CPU {} is beyond the {} that can be named here", cpus.back(), CPU_SETSIZE));
  }
  return cpus;
}

Result<int> parse_count(const std::string& text) {
  int threads = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, threads);
  if (parsed.ec != std::errc() || parsed.ptr != end || threads < 1 || threads > kMostThreads) {
    return bad_input(fmt::format("threads '{}' is not a count from 1 to {}", text, kMostThreads));
  }
  return threads;
}

// What a user said to the runtime itself goes before our default.
std::string threads_in_environment() {
  for (const char* name : {"OMP_NUM_THREADS", "MKL_NUM_THREADS"}) {
    const char* value = std::getenv(name);
    if (value != nullptr && *value != '\0') return name;
  }
  return "";
}

}  // namespace

Result<KnobOutcome> apply_cores(KnobContext& context) {
  KnobOutcome outcome{.applied = false, .value = {}, .reason = std::string(kNotAsked)};
  if (!context.value.empty()) {
    outcome.reason.clear();
    RIDGELINE_TRY(const std::vector<int> wanted, parse_cpus(context.value));
    // Before any operation: threads that start later inherit the mask.
    outcome.applied = set_affinity(wanted);
    if (!outcome.applied) outcome.reason = "the system refuses these CPUs";
  }
  outcome.value = to_cpu_list(allowed_cpus());
  return outcome;
}

Result<KnobOutcome> apply_threads(KnobContext& context) {
  KnobOutcome outcome;
  if (context.value.empty()) {
    const auto cores = static_cast<int>(one_cpu_a_core(allowed_cpus()).size());
    const std::string set_by = threads_in_environment();
    if (set_by.empty() && cores > 0) {
      at::set_num_threads(cores);
    } else {
      outcome.reason = set_by.empty() ? "the CPUs of this process cannot be found out"
                                      : fmt::format("{} is set", set_by);
    }
    if (outcome.reason.empty()) outcome.reason = kNotAsked;
  } else {
    RIDGELINE_TRY(const int threads, parse_count(context.value));
    at::set_num_threads(threads);
    outcome.applied = at::get_num_threads() == threads;
    if (!outcome.applied) outcome.reason = "torch uses another number of threads";
  }
  outcome.value = std::to_string(at::get_num_threads());
  return outcome;
}

// Each thread of the team but the calling one goes to a core of its own. That one stays free:
// threads that start later would inherit its one core, and some libraries let OpenMP start its team
// anew.
Result<KnobOutcome> apply_pin(KnobContext& context) {
  if (context.value != "on" && context.value != "off") {
    return bad_input(fmt::format("pin '{}' is unknown", context.value), "use on or off");
  }
  KnobOutcome outcome{.applied = context.value == "off", .value = "off", .reason = ""};
  if (outcome.applied) return outcome;
  const int threads = ops::cpu::team_size();
  std::vector<int> cores = one_cpu_a_core(allowed_cpus());
  if (threads < 2) {
    outcome.reason = "one thread: there is none to pin beside the calling one";
  } else if (static_cast<std::size_t>(threads) > cores.size()) {
    outcome.reason = fmt::format("{} threads for {} cores", threads, cores.size());
  } else {
    std::atomic<int> refused{0};
    ops::cpu::on_each_member([&] {
      const auto member = static_cast<std::size_t>(ops::cpu::team_member());
      if (member > 0 && member < cores.size() && !set_affinity({cores[member]})) ++refused;
    });
    if (refused > 0) outcome.reason = "the system refuses to pin a thread";
  }
  outcome.applied = outcome.reason.empty();
  if (outcome.applied) {
    cores.resize(static_cast<std::size_t>(threads));
    cores.erase(cores.begin());
    outcome.value = to_cpu_list(cores);
  }
  return outcome;
}

Result<KnobOutcome> apply_numa(KnobContext& context) {
  if (context.value != "bind" && context.value != "off") {
    return bad_input(fmt::format("numa '{}' is unknown", context.value), "use bind or off");
  }
  KnobOutcome outcome{.applied = context.value == "off", .value = "off", .reason = ""};
  if (outcome.applied) return outcome;
  const std::vector<int> nodes = nodes_of(allowed_cpus());
  if (nodes.empty()) {
    outcome.reason = "the memory nodes of these CPUs cannot be found out";
  } else if (online_nodes().size() == 1) {
    outcome.reason = "one NUMA node";
  } else if (static_cast<std::size_t>(nodes.back()) >= kMostNodes) {
    outcome.reason = fmt::format("node {} is beyond {}", nodes.back(), kMostNodes);
  } else {
    std::array<unsigned long, kMostNodes / kMaskBits> mask = {};
    for (const int node : nodes) {
      const auto at = static_cast<std::size_t>(node);
      mask[at / kMaskBits] |= 1ul << (at % kMaskBits);
    }
    std::atomic<int> refused{0};
    ops::cpu::on_each_member([&] {
      if (::syscall(SYS_set_mempolicy, kBindMemory, mask.data(), kMostNodes) != 0) ++refused;
    });
    if (refused > 0) outcome.reason = "the system refuses to bind memory";
  }
  outcome.applied = outcome.reason.empty();
  if (outcome.applied) outcome.value = to_cpu_list(nodes);
  return outcome;
}

}  // namespace ridgeline::native
