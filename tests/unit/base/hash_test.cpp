// Hash64 against vectors of the reference library (libxxhash 0.8.1, XXH64).
#include "base/hash.hpp"

#include <gtest/gtest.h>

#include <string>

namespace ridgeline {
namespace {

std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>((i * 7 + 3) % 256);
  return text;
}

struct Vector {
  std::size_t size;
  std::uint64_t seed_0;
  std::uint64_t seed_2654435761;
};

constexpr Vector kVectors[] = {
    {0, 0xef46db3751d8e999ull, 0xac75fda2929b17efull},
    {1, 0x1f25c8d0bc1f4bb6ull, 0x79cf94f5ace37fe1ull},
    {3, 0x31d2363f52e564c9ull, 0x96d2a5e583ddd738ull},
    {4, 0x9bb64b7d66ee9fdaull, 0x4a862fbb4b73776eull},
    {7, 0x9a7b149959ce60d8ull, 0xddc5cf71d37a6368ull},
    {8, 0xdab99d95c6f90092ull, 0xc6e75e2cbd8e07eeull},
    {13, 0xf78b031308f5bfc8ull, 0x216c46017dcb24e2ull},
    {31, 0xa2aa5f33cc4a6119ull, 0x381822f33376d6b6ull},
    {32, 0x23c3c17ef790fd97ull, 0x9abd315470ac276aull},
    {33, 0x50a7cfc7ba588784ull, 0x72cdd3262f467933ull},
    {63, 0x5e3e54b431c7493cull, 0x634da7d265979e61ull},
    {64, 0x0eb64b3ef6eeb01full, 0xbcb3847d70525180ull},
    {100, 0xa61f8d4c170fe531ull, 0x86f549ede5ac87e2ull},
    {1000, 0x5f235fa033f1a3fbull, 0x83080310ee83cc20ull},
};

TEST(Hash_Hash64, equals_the_reference_library) {
  for (const Vector& vector : kVectors) {
    const std::string text = pattern(vector.size);
    EXPECT_EQ(hash64(text), vector.seed_0) << vector.size;
    EXPECT_EQ(Hash64(2654435761).update(text).digest(), vector.seed_2654435761) << vector.size;
  }
}

TEST(Hash_Hash64, does_not_depend_on_where_the_input_is_cut) {
  const std::string text = pattern(100);
  for (std::size_t first = 0; first <= text.size(); ++first) {
    for (std::size_t second = first; second <= text.size(); second += 9) {
      Hash64 hash;
      hash.update(std::string_view(text).substr(0, first));
      hash.update(std::string_view(text).substr(first, second - first));
      hash.update(std::string_view(text).substr(second));
      ASSERT_EQ(hash.digest(), 0xa61f8d4c170fe531ull) << first << " " << second;
    }
  }
}

TEST(Hash_Hash64, can_go_on_after_a_digest) {
  Hash64 hash;
  hash.update("a");
  EXPECT_EQ(hash.digest(), hash64("a"));
  hash.update("bc");
  EXPECT_EQ(hash.hex(), "44bc2cf5ad770999");
  EXPECT_EQ(hash64_hex("abc"), "44bc2cf5ad770999");
}

}  // namespace
}  // namespace ridgeline
