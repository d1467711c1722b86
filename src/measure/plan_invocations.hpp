// How a case's budget is divided: how many processes, and how long each one times.
#pragma once

#include <cstdint>
#include <string>

namespace ridgeline::measure {

inline constexpr std::int64_t kDefaultInvocations = 5;
inline constexpr std::int64_t kMinInvocations = 3;  ///< below, the t interval is of little use

struct InvocationPlan {
  std::int64_t invocations = 1;
  double slice_seconds = 0;  ///< timed seconds of each; warm-up and start-up are not in it
  std::string reason;        ///< why there are fewer than asked for; empty when there are not
};

/// Divides `budget_seconds` among invocations that each cost `startup_seconds` (spawn, load, plan,
/// warm-up, as measured on the first) before they time calls of `call_seconds`. As many as
/// requested (0: the default of five) if each then times at least 0.5 s and 10 calls; else as many
/// of at least three as do; else three, or two, of at least 3 calls each; else one, whose interval
/// is only within the process.
///
/// It looks at durations, never at a measured spread: a number of invocations chosen because the
/// first ones happened to agree would give t intervals that cover less than they say.
InvocationPlan plan_invocations(double budget_seconds, double startup_seconds, double call_seconds,
                                std::int64_t requested = 0);

}  // namespace ridgeline::measure
