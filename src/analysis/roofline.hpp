// The roofline of a phase: what it attained, the ceilings it is held against, and the times that
// these allow. docs/bottlenecks.md has the definitions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/case_analysis_facts.hpp"

namespace ridgeline::analysis {

/// Below this an accelerator's last cache is taken to hold the weights of a call (those of A100 and
/// H100 have 40 and 50 MB); no record knows its size.
inline constexpr double kAcceleratorCache = 32.0 * (1 << 20);

/// One pair of ceilings.
struct Roof {
  std::string kind;  ///< "measured" or "datasheet"
  std::optional<double> flops_rate;
  std::optional<double> bytes_rate;
  std::string dtype;   ///< of most FLOPs
  std::string level;   ///< "memory", or the cache that holds all bytes of a call: "l3"
  std::string reason;  ///< why one of the rates is missing
  std::string enable;  ///< the command that would give it

  std::optional<double> ridge() const;
};

/// The least times of a call, in s; nothing where cost or ceiling is not known.
struct BoundTimes {
  std::optional<double> compute;
  std::optional<double> memory;

  /// The larger one; nothing unless both are known.
  std::optional<double> bound() const;
};

struct ExtraRoof {
  std::string label;  ///< "L2 read"
  double bytes_rate = 0;
};

struct Roofline {
  std::optional<double> flops;
  std::optional<double> bytes;  ///< that must move in a call
  bool weights_again = false;   ///< weights count once for each step of the call
  std::optional<double> intensity;
  std::optional<double> flops_rate;  ///< attained
  std::optional<double> bytes_rate;  ///< attained
  Roof measured;
  Roof datasheet;
  std::vector<ExtraRoof> extra;

  BoundTimes by_measured;
  BoundTimes by_steady;  ///< by what the ceilings keep up: their medians
  BoundTimes by_datasheet;
  /// By measured ceilings, each side that lacks one by the datasheet.
  BoundTimes best;
  bool compute_is_datasheet = false;
  bool memory_is_datasheet = false;
  /// Ops one after another, each at its own ceilings: at least best.bound().
  std::optional<double> serial;
};

Roofline roofline_of(const CaseFacts& facts, const PhaseFacts& phase);

/// The rates that an op is held against.
class OpRates {
 public:
  OpRates(const CaseFacts& facts, const PhaseCost& cost, const Roofline& roofline);

  /// Seconds of an op's arithmetic, and of its bytes: weights (and the cache of attention) at the
  /// phase's rate, operands and results at that of the smallest measured cache that holds those of
  /// one call. Nothing where a rate is missing.
  BoundTimes times(const OpCost& op) const;

 private:
  const CaseFacts* facts_;
  bool has_cache_;
  std::optional<double> flops_rate_;
  std::optional<double> bytes_rate_;
};

/// Seconds of all ops one after another; nothing without ops or where a rate is missing.
std::optional<double> serial_seconds(const PhaseCost& cost, const OpRates& rates);

}  // namespace ridgeline::analysis
