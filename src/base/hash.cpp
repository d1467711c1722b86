// XXH64, written from its public specification (xxhash_spec.md, "XXH64 algorithm description").
#include "base/hash.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace ridgeline {
namespace {

constexpr std::uint64_t kPrime1 = 0x9E3779B185EBCA87ull;
constexpr std::uint64_t kPrime2 = 0xC2B2AE3D27D4EB4Full;
constexpr std::uint64_t kPrime3 = 0x165667B19E3779F9ull;
constexpr std::uint64_t kPrime4 = 0x85EBCA77C2B2AE63ull;
constexpr std::uint64_t kPrime5 = 0x27D4EB2F165667C5ull;

static_assert(std::endian::native == std::endian::little, "the reads below are little-endian");

template <typename T>
std::uint64_t read(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

std::uint64_t round(std::uint64_t lane, std::uint64_t input) {
  return std::rotl(lane + input * kPrime2, 31) * kPrime1;
}

std::uint64_t merge(std::uint64_t hash, std::uint64_t lane) {
  return (hash ^ round(0, lane)) * kPrime1 + kPrime4;
}

std::uint64_t consume_tail(std::uint64_t hash, const std::byte* from, std::size_t size) {
  for (; size >= 8; from += 8, size -= 8) {
    hash = std::rotl(hash ^ round(0, read<std::uint64_t>(from)), 27) * kPrime1 + kPrime4;
  }
  if (size >= 4) {
    hash = std::rotl(hash ^ (read<std::uint32_t>(from) * kPrime1), 23) * kPrime2 + kPrime3;
    from += 4;
    size -= 4;
  }
  for (; size > 0; ++from, --size) {
    hash = std::rotl(hash ^ (read<std::uint8_t>(from) * kPrime5), 11) * kPrime1;
  }
  return hash;
}

}  // namespace

Hash64::Hash64(std::uint64_t seed)
    : lanes_{seed + kPrime1 + kPrime2, seed + kPrime2, seed, seed - kPrime1}, seed_(seed) {}

void Hash64::consume_stripe(const std::byte* stripe) {
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    lanes_[i] = round(lanes_[i], read<std::uint64_t>(stripe + 8 * i));
  }
}

Hash64& Hash64::update(std::span<const std::byte> bytes) {
  if (bytes.empty()) return *this;
  total_ += bytes.size();
  if (pending_size_ > 0) {
    const std::size_t taken = std::min(bytes.size(), kStripe - pending_size_);
    std::memcpy(pending_.data() + pending_size_, bytes.data(), taken);
    pending_size_ += taken;
    bytes = bytes.subspan(taken);
    if (pending_size_ < kStripe) return *this;
    consume_stripe(pending_.data());
    pending_size_ = 0;
  }
  for (; bytes.size() >= kStripe; bytes = bytes.subspan(kStripe)) consume_stripe(bytes.data());
  if (!bytes.empty()) std::memcpy(pending_.data(), bytes.data(), bytes.size());
  pending_size_ = bytes.size();
  return *this;
}

Hash64& Hash64::update(std::string_view text) {
  return update(std::as_bytes(std::span(text.data(), text.size())));
}

std::uint64_t Hash64::digest() const {
  std::uint64_t hash = seed_ + kPrime5;
  if (total_ >= kStripe) {
    hash = std::rotl(lanes_[0], 1) + std::rotl(lanes_[1], 7) + std::rotl(lanes_[2], 12) +
           std::rotl(lanes_[3], 18);
    for (const std::uint64_t lane : lanes_) hash = merge(hash, lane);
  }
  hash = consume_tail(hash + total_, pending_.data(), pending_size_);
  hash = (hash ^ (hash >> 33)) * kPrime2;
  hash = (hash ^ (hash >> 29)) * kPrime3;
  return hash ^ (hash >> 32);
}

std::string Hash64::hex() const {
  return fmt::format("{:016x}", digest());
}

std::uint64_t hash64(std::string_view text) {
  return Hash64().update(text).digest();
}

std::string hash64_hex(std::string_view text) {
  return Hash64().update(text).hex();
}

}  // namespace ridgeline
