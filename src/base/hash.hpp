// Digests of inputs, outputs and ids: fast, stable between machines, not cryptographic.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace ridgeline {

/// XXH64 (github.com/Cyan4973/xxHash, doc/xxhash_spec.md), fed in pieces: the pieces' borders do
/// not change the result. Several GB/s on one core. Not for data that someone may forge.
class Hash64 {
 public:
  explicit Hash64(std::uint64_t seed = 0);

  Hash64& update(std::span<const std::byte> bytes);
  Hash64& update(std::string_view text);

  /// The digest of all that came so far; more may follow.
  std::uint64_t digest() const;
  /// digest() as 16 lower-case hexadecimal digits.
  std::string hex() const;

 private:
  static constexpr std::size_t kStripe = 32;

  void consume_stripe(const std::byte* stripe);

  std::array<std::uint64_t, 4> lanes_;
  std::array<std::byte, kStripe> pending_{};
  std::size_t pending_size_ = 0;
  std::uint64_t total_ = 0;
  std::uint64_t seed_;
};

/// Hash64 of one text, and as 16 hexadecimal digits.
std::uint64_t hash64(std::string_view text);
std::string hash64_hex(std::string_view text);

}  // namespace ridgeline
