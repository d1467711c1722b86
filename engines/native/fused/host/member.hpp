// What each thread of a step has for itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/shared_work.hpp"
#include "engines/native/fused/host/stored_rows.hpp"

namespace ridgeline::native::fused {

/// A thread of the team in one step.
struct alignas(64) Member {
  TeamPlace place;
  std::size_t stage = 0;  ///< of the step
  StoredRows::Input input;
  std::vector<float> row;      ///< what the input is made of
  std::vector<float> queries;  ///< [group, head_dim]
  std::vector<float> key;      ///< [head_dim]
  std::vector<float> scores;   ///< [tokens of a part]

  Part part_of(std::int64_t count, int owner) const {
    return ridgeline::part_of(count, owner, place.members);
  }
};

}  // namespace ridgeline::native::fused
