// Memory for measuring: mapped directly, untouched until the thread that uses it writes to it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/error.hpp"

namespace ridgeline::native::ceilings {

/// Anonymous memory, with huge pages where the system gives them and a slice is worth one. Pages
/// belong to the NUMA node of the thread that first touches them.
class Arena {
 public:
  /// `slices` slices of `bytes` each, each beginning at a page of its own. Too much for this
  /// machine is oom.host with the bytes.
  static Result<Arena> map(int slices, std::int64_t bytes);

  Arena(Arena&& other) noexcept
      : mapping_(std::exchange(other.mapping_, nullptr)),
        mapped_(other.mapped_),
        first_(other.first_),
        stride_(other.stride_) {}
  Arena& operator=(Arena&&) = delete;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena();

  std::byte* slice(int index) const { return first_ + stride_ * index; }

 private:
  Arena(void* mapping, std::size_t mapped, std::byte* first, std::int64_t stride)
      : mapping_(mapping), mapped_(mapped), first_(first), stride_(stride) {}

  void* mapping_;
  std::size_t mapped_;
  std::byte* first_;
  std::int64_t stride_;
};

/// Fills with float64 values from 1 to below 2 that look random: sums stay finite, no value is zero
/// (zeros may take less power), and none is like another slice's. Returns the sum of the words.
std::uint64_t fill_words(std::uint64_t* words, std::int64_t count, std::uint64_t seed);

}  // namespace ridgeline::native::ceilings
