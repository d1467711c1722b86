// Which pairs of tokens byte-pair encoding merges, how early, and into what.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace ridgeline::native {

/// An open-addressing table from pairs of ids: it is asked several times for every word.
class MergeTable {
 public:
  static constexpr std::uint32_t kNoRank = 0xFFFFFFFF;

  struct Merge {
    std::uint32_t rank = kNoRank;  ///< lower ones come first; kNoRank: not merged
    std::int32_t id = 0;           ///< of the result
  };

  /// Room for `count` pairs; more must not be put in.
  explicit MergeTable(std::size_t count);

  /// A pair that is there already takes the new merge.
  void insert(std::int32_t left, std::int32_t right, Merge merge);

  Merge find(std::int32_t left, std::int32_t right) const {
    const std::uint64_t wanted = key(left, right);
    for (std::size_t at = slot(wanted);; at = (at + 1) & mask_) {
      const Entry& entry = entries_[at];
      if (entry.key == wanted) return entry.merge;
      if (entry.key == kEmpty) return {};
    }
  }

 private:
  // Ids are not negative, so that no pair has this key.
  static constexpr std::uint64_t kEmpty = ~0ull;

  struct Entry {
    std::uint64_t key = kEmpty;
    Merge merge;
  };

  static std::uint64_t key(std::int32_t left, std::int32_t right) {
    return static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32 |
           static_cast<std::uint32_t>(right);
  }
  // The upper bits of a product with 2^64 / golden ratio (Knuth 6.4).
  std::size_t slot(std::uint64_t k) const {
    return static_cast<std::size_t>((k * 0x9E3779B97F4A7C15ull) >> shift_);
  }

  std::vector<Entry> entries_;
  std::size_t mask_ = 0;
  int shift_ = 0;
};

/// The tokens of a word, left to right.
using Symbols = std::vector<std::int32_t>;

/// Merges the pair of the lowest rank, the leftmost of these first, until no pair merges.
/// O(n log n) for n symbols, of which there must be fewer than 2^31.
void merge_symbols(const MergeTable& merges, Symbols& symbols);

}  // namespace ridgeline::native
