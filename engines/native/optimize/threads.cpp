// Knobs `threads` and `cores`: how many threads an operation uses, and where they may run.
#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <sched.h>

#include <charconv>

#include "base/cpu_list.hpp"
#include "engines/native/optimize/knobs.hpp"

namespace ridgeline::native {
namespace {

constexpr int kMostThreads = 4096;
constexpr std::string_view kNotAsked = "not asked for";

// "0-3,8" as a CPU set.
Result<cpu_set_t> parse_cpus(const std::string& text) {
  RIDGELINE_TRY(const std::vector<int> cpus, parse_cpu_list(text));
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int cpu : cpus) {
    if (cpu >= CPU_SETSIZE) {
      return unsupported(
          fmt::format("CPU {} is beyond the {} that can be named here", cpu, CPU_SETSIZE));
    }
    CPU_SET(cpu, &set);
  }
  return set;
}

std::string describe(const cpu_set_t& set) {
  std::vector<int> cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  }
  return to_cpu_list(cpus);
}

}  // namespace

Result<KnobOutcome> apply_cores(KnobContext& context) {
  KnobOutcome outcome{.applied = false, .value = {}, .reason = std::string(kNotAsked)};
  if (!context.value.empty()) {
    outcome.reason.clear();
    RIDGELINE_TRY(const cpu_set_t wanted, parse_cpus(context.value));
    // Before any operation: threads that start later inherit the mask.
    outcome.applied = ::sched_setaffinity(0, sizeof wanted, &wanted) == 0;
    if (!outcome.applied) outcome.reason = "the system refuses these CPUs";
  }
  cpu_set_t now;
  CPU_ZERO(&now);
  if (::sched_getaffinity(0, sizeof now, &now) == 0) outcome.value = describe(now);
  return outcome;
}

Result<KnobOutcome> apply_threads(KnobContext& context) {
  KnobOutcome outcome{.applied = false, .value = {}, .reason = std::string(kNotAsked)};
  if (!context.value.empty()) {
    outcome.reason.clear();
    int threads = 0;
    const char* end = context.value.data() + context.value.size();
    const auto parsed = std::from_chars(context.value.data(), end, threads);
    if (parsed.ec != std::errc() || parsed.ptr != end || threads < 1 || threads > kMostThreads) {
      return bad_input(
          fmt::format("threads '{}' is not a count from 1 to {}", context.value, kMostThreads));
    }
    at::set_num_threads(threads);
    outcome.applied = at::get_num_threads() == threads;
    if (!outcome.applied) outcome.reason = "torch uses another number of threads";
  }
  outcome.value = std::to_string(at::get_num_threads());
  return outcome;
}

}  // namespace ridgeline::native
