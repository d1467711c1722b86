// What limits a phase, by one written rule (docs/bottlenecks.md).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/limit_throttle.hpp"
#include "analysis/memory_fit.hpp"
#include "analysis/roofline.hpp"

namespace ridgeline::analysis {

/// A ceiling leads when it explains at least half of the latency: no other cause is larger then.
inline constexpr double kLeads = 0.5;
/// Limits whose shares lie within this factor of the leading one are named together.
inline constexpr double kMixed = 1.5;
/// Two ceilings that both stay below half count when they do not overlap and together explain this.
inline constexpr double kTogether = 0.75;
/// The host is the slower side when it is busy for this share of the latency of an asynchronous
/// call.
inline constexpr double kHostBusy = 0.9;
/// Slowed down by heat for this share of the time.
inline constexpr double kHot = 0.1;
/// More than this is no error of measuring: the ceiling is too low.
inline constexpr double kAboveCeiling = 1.05;

struct Limit {
  std::string id;  ///< "compute", "memory", …, "mixed", "unknown"
  std::vector<std::string> among;
  std::string headline;
  std::string evidence;
};

/// Shares of the latency.
struct LimitShares {
  std::optional<double> compute;
  std::optional<double> memory;
  std::optional<double> host;
  std::optional<double> throttled;
};

/// What one request spends before and in the model, in s.
struct Request {
  std::optional<double> prepare;
  std::optional<double> model;
};

/// The request of a case: its phase `preprocess`, and `generate`, else `prefill` and the decoding
/// steps, else all other phases but `postprocess`.
Request request_of(const CaseFacts& facts);

/// Everything that a verdict rests on.
struct LimitInput {
  const CaseFacts* facts = nullptr;
  const PhaseFacts* phase = nullptr;
  const Roofline* roofline = nullptr;
  const Throttle* throttle = nullptr;
  const MemoryFit* memory = nullptr;
  const Request* request = nullptr;
};

LimitShares shares_of(const LimitInput& input);

Limit limit_of(const LimitInput& input, const LimitShares& shares);

/// Of a case that ran out of memory before anything was measured.
Limit out_of_memory(const CaseFacts& facts, const MemoryFit& memory);

/// "memory bandwidth" of "memory".
std::string headline_of(std::string_view id);

/// Whether a batch of twice the size would help a phase that streams weights, but does not fit.
bool batch_does_not_fit(const LimitInput& input);

}  // namespace ridgeline::analysis
