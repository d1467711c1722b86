// What each thread of a step has for itself, and how the work of a stage is shared out.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <vector>

#include "engines/native/fused/host/stored_rows.hpp"

namespace ridgeline::native::fused {

/// The units that one member starts with in a stage: those below `next` are taken.
struct alignas(64) Share {
  std::atomic<std::int64_t> next{0};

  Share() = default;
  Share(const Share&) {}  // for vectors, which grow between steps
};

/// A thread of the team in one step.
struct alignas(64) Member {
  int number = 0;
  int members = 1;
  std::size_t stage = 0;  ///< of the step
  StoredRows::Input input;
  std::vector<float> row;      ///< what the input is made of
  std::vector<float> queries;  ///< [group, head_dim]
  std::vector<float> key;      ///< [head_dim]
  std::vector<float> scores;   ///< [tokens of a part]

  /// What `owner` starts with of `count` items.
  struct Part {
    std::int64_t begin;
    std::int64_t size;
  };
  Part part_of(std::int64_t count, int owner) const {
    const std::int64_t begin = count * owner / members;
    return {begin, count * (owner + 1) / members - begin};
  }

  /// Calls body(owner, begin, end) for units of the units_of(owner) that each member of the team
  /// starts with: this member's own ones in their order, and then what slower ones have not begun.
  /// Large parts come first, since every claim interrupts the stream of memory (it is an atomic
  /// operation, which waits for all loads before it), and at last such of `grain`.
  template <typename Units, typename Body>
  void take_units(Share* shares, std::int64_t grain, const Units& units_of,
                  const Body& body) const {
    for (int turn = 0; turn < members; ++turn) {
      const int owner = (number + turn) % members;
      const std::int64_t units = units_of(owner);
      std::atomic<std::int64_t>& next = shares[owner].next;
      std::int64_t begin = next.load(std::memory_order_relaxed);
      while (begin < units) {
        const std::int64_t left = units - begin;
        const std::int64_t wanted = turn == 0 ? 9 * left / 10 : left / 2;
        const std::int64_t end = begin + std::min(left, std::max(grain, wanted));
        if (!next.compare_exchange_weak(begin, end, std::memory_order_relaxed)) continue;
        body(owner, begin, end);
        begin = next.load(std::memory_order_relaxed);
      }
    }
  }
};

}  // namespace ridgeline::native::fused
