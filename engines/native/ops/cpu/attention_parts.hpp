// Attention of one position to a context that was cut into parts, each attended by itself.
#pragma once

#include <cstdint>

namespace ridgeline::native::ops::cpu {

/// How long parts are, and how many.
struct ContextParts {
  std::int64_t count = 1;
  std::int64_t tokens = 0;  ///< of each but the last
};

/// Parts of a context of `tokens` for the threads of the team, of which `heads` are attended at
/// once: several a head only where there are fewer heads than threads can take.
ContextParts cut_context(std::int64_t tokens, std::int64_t heads);

/// Results of all parts, in memory of the caller: of each part the rows of values [queries,
/// value_size], not divided by their sums yet, then the sums [queries] and the largest scores
/// [queries], as the loops leave them.
struct AttentionParts {
  std::int64_t queries;
  std::int64_t value_size;
  std::int64_t parts;
  float* results;  ///< [floats()]

  std::int64_t floats() const { return parts * part_floats(); }
  float* rows(std::int64_t part) const { return results + part * part_floats(); }
  float* sums(std::int64_t part) const { return rows(part) + queries * value_size; }
  float* largest(std::int64_t part) const { return sums(part) + queries; }

  /// Puts the parts of each query together → out [queries, value_size], which may be the rows of
  /// the first part.
  void merge(float* out) const;

 private:
  std::int64_t part_floats() const { return queries * (value_size + 2); }
};

}  // namespace ridgeline::native::ops::cpu
