// The bandwidth probe of the CPU: what it counts, and what it refuses.
#include "engines/native/ceilings/host/host_bandwidth.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "engines/native/ceilings/host/arena.hpp"

namespace ridgeline::native::ceilings {
namespace {

using testing::HasSubstr;

HostBandwidthRequest request_for(Kind kind, std::int64_t bytes) {
  return {.kind = kind, .bytes = bytes, .placement = *place_threads(0, ""), .seconds = 0.02};
}

TEST(HostBandwidth, counts_the_bytes_of_all_arrays_and_threads) {
  for (const Kind kind : {Kind::kRead, Kind::kWrite, Kind::kCopy, Kind::kTriad}) {
    const HostBandwidthRequest request = request_for(kind, 100'000);
    const auto found = host_bandwidth(request);
    ASSERT_TRUE(found) << found.error().line();
    // Whole lines for each array of each thread.
    const std::int64_t step = 64 * arrays_of(kind) * request.placement.threads();
    EXPECT_EQ(*found->bytes, 100'000 / step * step);
    EXPECT_EQ(*found->bytes_per_repetition % *found->bytes, 0);
    EXPECT_EQ(found->unit, "B/s");
    EXPECT_EQ(found->threads, request.placement.threads());
    EXPECT_GE(found->samples, 1);
    EXPECT_GE(found->value, found->median);
    EXPECT_GT(found->median, 0);
    EXPECT_FALSE(found->kernel.empty());
  }
}

TEST(HostBandwidth, repeats_small_sets_until_a_repetition_lasts) {
  const auto found = host_bandwidth(request_for(Kind::kRead, 8192));
  ASSERT_TRUE(found);
  // About a millisecond, be the machine fast or slow.
  const double seconds = static_cast<double>(*found->bytes_per_repetition) / found->median;
  EXPECT_GT(seconds, 0.3e-3);
}

// Reads check the sum of all slices: a line left out, or read twice, is an error. The slices are
// large enough for one pass to last a millisecond out of any cache.
TEST(HostBandwidth, goes_over_every_line_once_where_threads_help_each_other) {
  const int threads = std::min(2, place_threads(0, "")->threads());
  for (const Kind kind : {Kind::kRead, Kind::kWrite, Kind::kCopy, Kind::kTriad}) {
    const std::int64_t slice = (std::int64_t{1} << 27) / arrays_of(kind) / 64 * 64 + 64 * 7;
    HostBandwidthRequest request = request_for(kind, threads * arrays_of(kind) * slice);
    request.placement = *place_threads(threads, "");
    const auto found = host_bandwidth(request);
    ASSERT_TRUE(found) << found.error().line();
    EXPECT_EQ(*found->bytes, request.bytes);
    EXPECT_EQ(found->bytes_per_repetition, found->bytes);
  }
}

TEST(HostBandwidth, shows_progress) {
  HostBandwidthRequest request = request_for(Kind::kCopy, 8192);
  int ticks = 0;
  request.tick = [&] { ++ticks; };
  ASSERT_TRUE(host_bandwidth(request));
  EXPECT_GE(ticks, 3);
}

TEST(HostBandwidth, refuses_too_few_bytes_and_too_many) {
  const auto few = host_bandwidth(request_for(Kind::kTriad, 100));
  ASSERT_FALSE(few);
  EXPECT_EQ(few.error().error_class, ErrorClass::kBadInput);
  const auto many = host_bandwidth(request_for(Kind::kRead, std::int64_t{1} << 46));
  ASSERT_FALSE(many);
  EXPECT_EQ(many.error().error_class, ErrorClass::kOomHost);
  EXPECT_GE(many.error().bytes_needed.value_or(0), std::int64_t{1} << 46);
}

TEST(Arena, slices_begin_at_pages_of_their_own) {
  for (const std::int64_t bytes : {std::int64_t{64}, std::int64_t{5000}, std::int64_t{300'000}}) {
    const auto arena = Arena::map(3, bytes);
    ASSERT_TRUE(arena);
    for (int slice = 0; slice < 3; ++slice) {
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(arena->slice(slice)) % 4096, 0U);
      arena->slice(slice)[bytes - 1] = std::byte{1};
    }
    EXPECT_GE(arena->slice(1) - arena->slice(0), bytes);
  }
}

}  // namespace
}  // namespace ridgeline::native::ceilings
