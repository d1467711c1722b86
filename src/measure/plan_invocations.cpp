// How a case's budget is divided among processes.
#include "measure/plan_invocations.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "measure/seconds.hpp"

namespace ridgeline::measure {
namespace {

constexpr double kMinSeconds = 0.5;
constexpr double kMinCalls = 10;
constexpr double kFewestCalls = 3;
constexpr std::int64_t kMaxInvocations = 1000;

}  // namespace

InvocationPlan plan_invocations(double budget_seconds, double startup_seconds, double call_seconds,
                                std::int64_t requested) {
  const double budget = or_zero(budget_seconds);
  const double startup = or_zero(startup_seconds);
  const double call = or_zero(call_seconds);
  const std::int64_t wanted =
      requested > 0 ? std::min(requested, kMaxInvocations) : kDefaultInvocations;
  const auto slice = [&](std::int64_t count) {
    return budget / static_cast<double>(count) - startup;
  };
  const auto planned = [&](std::int64_t count) {
    InvocationPlan plan{count, std::max(slice(count), call), {}};
    if (count < wanted) {
      plan.reason = fmt::format(
          "a budget of {:.3g} s allows {} of {} invocations ({:.3g} s to start, {:.3g} s a call)",
          budget, count, wanted, startup, call);
    }
    return plan;
  };
  const double comfortable = std::max(kMinSeconds, kMinCalls * call);
  const std::int64_t fewest = std::min(wanted, kMinInvocations);
  for (std::int64_t count = wanted; count >= fewest; --count) {
    if (slice(count) >= comfortable) return planned(count);
  }
  for (std::int64_t count = fewest; count >= 2; --count) {
    if (slice(count) >= kFewestCalls * call && slice(count) > 0) return planned(count);
  }
  return planned(1);
}

}  // namespace ridgeline::measure
