// The loops that move bytes: every build, every way, sizes with and without a remainder.
#include "engines/native/ceilings/host/streams.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "engines/native/ceilings/host/arena.hpp"

namespace ridgeline::native::ceilings {
namespace {

// Words below, at and above one step of the widest loop (64), of two and of four streams.
constexpr std::int64_t kSizes[] = {0, 1, 7, 8, 9, 63, 64, 65, 127, 128, 130, 255, 256, 257, 1000};
// Words between the start of an allocation and an array: none of them is aligned to a vector.
constexpr std::int64_t kOffsets[] = {0, 1, 3, 6};
constexpr std::uint64_t kGuard = 0xDEAD'BEEF'DEAD'BEEF;

// Tells ways to show all that they have, small as the arrays are.
constexpr std::int64_t kManyWords = std::int64_t{1} << 24;

// An array inside an allocation of exactly the right size: the address sanitizer sees reads beyond
// it, and the guards see writes before it.
class Array {
 public:
  Array(std::int64_t offset, std::int64_t words, std::uint64_t seed)
      : offset_(offset),
        storage_(static_cast<std::size_t>(std::max<std::int64_t>(1, offset + words)), kGuard) {
    sum_ = fill_words(data(), words, seed);
  }
  std::uint64_t* data() { return storage_.data() + offset_; }
  std::uint64_t sum() const { return sum_; }
  bool guards_hold() const {
    for (std::int64_t i = 0; i < offset_; ++i) {
      if (storage_[static_cast<std::size_t>(i)] != kGuard) return false;
    }
    return true;
  }

 private:
  std::int64_t offset_;
  std::vector<std::uint64_t> storage_;
  std::uint64_t sum_ = 0;
};

// Calls test(way, destination offset, words) for everything there is of a kind.
template <typename Test>
void for_all(Kind kind, const Test& test) {
  for (const StreamLoops* loops : stream_loops()) {
    for (const Way& way : ways(kind, *loops, kManyWords)) {
      for (const std::int64_t offset : kOffsets) {
        for (const std::int64_t words : kSizes) {
          SCOPED_TRACE(testing::Message()
                       << way.name << " offset " << offset << " words " << words);
          test(way, offset, words);
        }
      }
    }
  }
}

TEST(Streams_Read, returns_the_sum_of_all_words_times_the_passes) {
  for_all(Kind::kRead, [](const Way& way, std::int64_t offset, std::int64_t words) {
    Array from(offset, words, 1);
    const Slice slice{from.data(), from.data(), from.data(), words};
    EXPECT_EQ(way.run(slice, 1), from.sum());
    EXPECT_EQ(way.run(slice, 3), 3 * from.sum());
    EXPECT_EQ(way.run(slice, 0), 0U);
  });
}

TEST(Streams_Write, sets_every_word_and_no_other) {
  for_all(Kind::kWrite, [](const Way& way, std::int64_t offset, std::int64_t words) {
    Array to(offset, words, 1);
    way.run({to.data(), nullptr, nullptr, words}, 2);
    for (std::int64_t i = 0; i < words; ++i) {
      const std::uint64_t written = to.data()[i];
      EXPECT_TRUE(written == kWritten || written == 0x3F3F'3F3F'3F3F'3F3F) << i;
    }
    EXPECT_TRUE(to.guards_hold());
  });
}

TEST(Streams_Copy, copies_every_word_and_no_other) {
  for_all(Kind::kCopy, [](const Way& way, std::int64_t offset, std::int64_t words) {
    Array to(offset, words, 1);
    Array from(2, words, 2);
    way.run({to.data(), from.data(), nullptr, words}, 2);
    EXPECT_TRUE(std::equal(from.data(), from.data() + words, to.data()));
    EXPECT_TRUE(to.guards_hold());
  });
}

TEST(Streams_Triad, adds_the_scaled_third_to_the_second) {
  for_all(Kind::kTriad, [](const Way& way, std::int64_t offset, std::int64_t words) {
    Array to(offset, words, 1);
    Array a(1, words, 2);
    Array b(5, words, 3);
    way.run({to.data(), a.data(), b.data(), words}, 2);
    for (std::int64_t i = 0; i < words; ++i) {
      const auto value = [i](Array& array) { return reinterpret_cast<double*>(array.data())[i]; };
      // One rounding or two: the widest loops have a fused instruction.
      EXPECT_NEAR(value(to), value(a) + kScale * value(b), 1e-15 * 4) << i;
    }
    EXPECT_TRUE(to.guards_hold());
  });
}

TEST(Streams_ways, offer_plain_loops_only_within_a_cache_and_more_beyond) {
  const StreamLoops& loops = *stream_loops().front();
  const auto small = ways(Kind::kCopy, loops, 1024);
  const auto large = ways(Kind::kCopy, loops, kManyWords);
  EXPECT_LT(small.size(), large.size());
  for (const Way& way : small) EXPECT_EQ(way.name.find("non-temporal"), std::string::npos);
  // The first that is tried on memory must be the right one, should the time be short.
  EXPECT_NE(large.front().name.find("non-temporal"), std::string::npos);
  EXPECT_EQ(ways(Kind::kGemm, loops, 1024).size(), 0U);
}

TEST(Streams_fill, gives_finite_values_from_one_to_two_that_differ) {
  std::vector<std::uint64_t> words(1000);
  std::uint64_t sum = fill_words(words.data(), 1000, 7);
  for (const std::uint64_t word : words) {
    double value = 0;
    std::memcpy(&value, &word, sizeof value);
    EXPECT_GE(value, 1);
    EXPECT_LT(value, 2);
    sum -= word;
  }
  EXPECT_EQ(sum, 0U);
  EXPECT_NE(words[0], words[1]);
}

}  // namespace
}  // namespace ridgeline::native::ceilings
