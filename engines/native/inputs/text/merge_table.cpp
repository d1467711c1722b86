// Merging: short words by looking for the best pair again and again, long ones with a heap.
#include "engines/native/inputs/text/merge_table.hpp"

#include <algorithm>
#include <array>
#include <bit>

namespace ridgeline::native {
namespace {

// Up to this many symbols, a scan for the best pair beats the upkeep of a heap.
constexpr std::size_t kShortWord = 48;

/// Merges the symbols of a long word: a linked list of symbols, and a heap of the pairs in it.
class HeapMerger {
 public:
  HeapMerger(const MergeTable& merges, const Symbols& symbols) : merges_(merges) {
    list_.reserve(symbols.size());
    for (const std::int32_t id : symbols) {
      const auto at = static_cast<std::int32_t>(list_.size());
      list_.push_back({id, at - 1, at + 1});
    }
    list_.back().next = -1;
    for (std::int32_t at = 0; at + 1 < static_cast<std::int32_t>(list_.size()); ++at) push(at);
    std::make_heap(heap_.begin(), heap_.end(), later);
    is_heap_ = true;
  }

  void run(Symbols& symbols) {
    while (!heap_.empty()) {
      std::pop_heap(heap_.begin(), heap_.end(), later);
      const Candidate candidate = heap_.back();
      heap_.pop_back();
      apply(candidate);
    }
    symbols.clear();
    for (std::int32_t at = 0; at >= 0; at = list_[index(at)].next) {
      symbols.push_back(list_[index(at)].id);
    }
  }

 private:
  static constexpr std::int32_t kGone = -1;  // the id of a symbol that was merged into another

  struct Symbol {
    std::int32_t id;
    std::int32_t previous;
    std::int32_t next;
  };
  struct Candidate {
    std::uint32_t rank;
    std::int32_t at;  // of the left symbol
    std::int32_t id;  // of the result
  };

  static std::size_t index(std::int32_t at) { return static_cast<std::size_t>(at); }

  static bool later(const Candidate& a, const Candidate& b) {
    return a.rank != b.rank ? a.rank > b.rank : a.at > b.at;
  }

  MergeTable::Merge merge_at(std::int32_t at) const {
    const Symbol& left = list_[index(at)];
    return left.next < 0 ? MergeTable::Merge{} : merges_.find(left.id, list_[index(left.next)].id);
  }

  void push(std::int32_t at) {
    const MergeTable::Merge merge = merge_at(at);
    if (merge.rank == MergeTable::kNoRank) return;
    heap_.push_back({merge.rank, at, merge.id});
    if (is_heap_) std::push_heap(heap_.begin(), heap_.end(), later);
  }

  void apply(const Candidate& candidate) {
    Symbol& left = list_[index(candidate.at)];
    if (left.id == kGone) return;
    // The pair may have changed since it was put in.
    const MergeTable::Merge merge = merge_at(candidate.at);
    if (merge.rank == MergeTable::kNoRank || merge.id != candidate.id) return;
    Symbol& right = list_[index(left.next)];
    left.id = merge.id;
    left.next = right.next;
    right.id = kGone;
    if (left.next >= 0) list_[index(left.next)].previous = candidate.at;
    if (left.previous >= 0) push(left.previous);
    push(candidate.at);
  }

  const MergeTable& merges_;
  std::vector<Symbol> list_;
  std::vector<Candidate> heap_;
  bool is_heap_ = false;
};

void merge_short(const MergeTable& merges, Symbols& symbols) {
  std::array<MergeTable::Merge, kShortWord> pairs;  // the merge of each symbol with the next one
  std::size_t count = symbols.size();
  const auto look_up = [&](std::size_t at) { return merges.find(symbols[at], symbols[at + 1]); };
  for (std::size_t at = 0; at + 1 < count; ++at) pairs[at] = look_up(at);
  while (count > 1) {
    std::size_t best = 0;
    for (std::size_t at = 1; at + 1 < count; ++at) {
      if (pairs[at].rank < pairs[best].rank) best = at;
    }
    if (pairs[best].rank == MergeTable::kNoRank) break;
    symbols[best] = pairs[best].id;
    --count;
    for (std::size_t at = best + 1; at < count; ++at) {
      symbols[at] = symbols[at + 1];
      pairs[at - 1] = pairs[at];
    }
    if (best > 0) pairs[best - 1] = look_up(best - 1);
    if (best + 1 < count) pairs[best] = look_up(best);
  }
  symbols.resize(count);
}

}  // namespace

MergeTable::MergeTable(std::size_t count) {
  const std::size_t slots = std::bit_ceil(2 * count + 2);
  entries_.resize(slots);
  mask_ = slots - 1;
  shift_ = 64 - std::countr_zero(slots);
}

void MergeTable::insert(std::int32_t left, std::int32_t right, Merge merge) {
  const std::uint64_t wanted = key(left, right);
  std::size_t at = slot(wanted);
  while (entries_[at].key != kEmpty && entries_[at].key != wanted) at = (at + 1) & mask_;
  entries_[at] = {wanted, merge};
}

void merge_symbols(const MergeTable& merges, Symbols& symbols) {
  if (symbols.size() <= kShortWord) {
    merge_short(merges, symbols);
  } else {
    HeapMerger(merges, symbols).run(symbols);
  }
}

}  // namespace ridgeline::native
