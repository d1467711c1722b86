// Which case of one run is which of the other.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "analysis/manifest.hpp"
#include "base/json.hpp"

namespace ridgeline::analysis {

/// A case without a partner, and the case of the other side that comes closest.
struct Unmatched {
  std::size_t record = 0;
  std::optional<std::size_t> nearest;  ///< index on the other side; none: nothing has its model
  std::vector<Unlike> differs;         ///< from the nearest one; never empty beside one
};

/// Cases that fit several of the other side: comparing any two of them would be a guess.
struct Ambiguous {
  std::vector<std::size_t> base;
  std::vector<std::size_t> now;
  std::vector<std::string> members;  ///< ignored members that tell them apart
};

struct Matching {
  std::vector<std::pair<std::size_t, std::size_t>> pairs;  ///< in the order of BASE
  std::vector<Unmatched> base;                             ///< cases that NEW lacks
  std::vector<Unmatched> now;                              ///< cases that BASE lacks
  std::vector<Ambiguous> ambiguous;
};

/// Matches records by manifest. Where several fit and nothing is ignored, equal ids of cases decide
/// (the id also covers what a record does not show, as --optimize none). A case that failed knows
/// little of itself: an equal id is enough there.
Matching match_cases(const std::vector<Json>& base, const std::vector<Json>& now,
                     const Across& across);

}  // namespace ridgeline::analysis
