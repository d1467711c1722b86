// The ways to move bytes on a CPU that a bandwidth probe chooses from.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "engines/native/ceilings/host/ceiling.hpp"
#include "engines/native/ceilings/host/stream_loops.hpp"

namespace ridgeline::native::ceilings {

/// The arrays of one thread, each of `words` words: `first` is what is read or written; copies go
/// from `second` to `first`, triads from `second` and `third`.
struct Slice {
  std::uint64_t* first = nullptr;
  std::uint64_t* second = nullptr;
  std::uint64_t* third = nullptr;
  std::int64_t words = 0;
};

/// One way to do a kind. `run` goes over a slice `passes` times; reads return the sum of all words
/// times `passes` (mod 2^64), the others 0.
struct Way {
  std::string name;
  std::function<std::uint64_t(const Slice&, std::int64_t passes)> run;
};

/// What is written by the kind "write".
inline constexpr std::uint64_t kWritten = 0x3FF5'A5A5'A5A5'A5A5;
/// The factor of triads.
inline constexpr double kScale = 0.375;

/// The loops of every instruction set that this processor has, the widest first.
std::vector<const StreamLoops*> stream_loops();

/// The ways of `loops` for a bandwidth kind and slices of `words` words, with those of the C
/// library, in the order in which they promise most. Small slices have one or two ways only:
/// prefetches and non-temporal stores cannot pay within a cache.
std::vector<Way> ways(Kind kind, const StreamLoops& loops, std::int64_t words);

}  // namespace ridgeline::native::ceilings
