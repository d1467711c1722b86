// Work that a team shares out: each member begins with a part of its own, and then helps slower
// ones.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace ridgeline {

/// What one member begins with: those of its units below `next` are taken. Zero when work begins.
struct alignas(64) Share {
  std::atomic<std::int64_t> next{0};

  Share() = default;
  Share(const Share&) {}  // for vectors that grow while nobody works
};

/// One of a team.
struct TeamPlace {
  int number = 0;
  int members = 1;
};

/// A range of items.
struct Part {
  std::int64_t begin;
  std::int64_t size;
};

/// What member `owner` of `members` begins with of `count` items.
inline Part part_of(std::int64_t count, int owner, int members) {
  const std::int64_t begin = count * owner / members;
  return {begin, count * (owner + 1) / members - begin};
}

/// Calls body(owner, begin, end) for units of the units_of(owner) that each member begins with: own
/// ones in their order, and then what slower members have not begun. `shares` has one entry for
/// each member. A claim is a quarter of what is left, and never less than `grain` units: CPUs of a
/// shared machine are not equally fast (with fixed parts a stage took a third longer on one), so
/// what a member claims at first must be little enough for the slowest. Own claims follow each
/// other in memory, and cost next to nothing; only helping begins a stream anew.
template <typename Units, typename Body>
void take_units(Share* shares, TeamPlace place, std::int64_t grain, const Units& units_of,
                const Body& body) {
  for (int turn = 0; turn < place.members; ++turn) {
    const int owner = (place.number + turn) % place.members;
    const std::int64_t units = units_of(owner);
    std::atomic<std::int64_t>& next = shares[owner].next;
    std::int64_t begin = next.load(std::memory_order_relaxed);
    while (begin < units) {
      const std::int64_t left = units - begin;
      const std::int64_t end = begin + std::min(left, std::max(grain, left / 4));
      if (!next.compare_exchange_weak(begin, end, std::memory_order_relaxed)) continue;
      body(owner, begin, end);
      begin = next.load(std::memory_order_relaxed);
    }
  }
}

}  // namespace ridgeline
