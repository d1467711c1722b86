// What to try next about a limit, with the gain that the measured shares allow.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "analysis/limit.hpp"

namespace ridgeline::analysis {

/// A speed-up of the phase; what `why` says counts by row is of the time for each row.
struct Gain {
  double low = 1;
  double high = 1;  ///< an upper bound, not a promise
};

struct Advice {
  std::string what;  ///< one imperative sentence; "do" in JSON
  std::optional<Gain> gain;
  std::string why;  ///< the measured values it follows from
};

/// At most four, the most promising first: by gain for the same work, then what helps many rows
/// together, then what has no figure. Nothing that is on already, nothing without a measured value
/// behind it.
std::vector<Advice> advice_for(const LimitInput& input, const LimitShares& shares,
                               const Limit& limit);

/// Of a case that ran out of memory.
std::vector<Advice> advice_for_out_of_memory(const CaseFacts& facts, const MemoryFit& memory);

}  // namespace ridgeline::analysis
