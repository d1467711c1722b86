// Rows of calls and of their tokens to time to first token, time per token, gaps.
#include "measure/token_series.hpp"

#include <gtest/gtest.h>

namespace ridgeline::measure {
namespace {

protocol::SampleRow row(std::int64_t begin, std::int64_t done, std::uint32_t flags = 0) {
  protocol::SampleRow row;
  row.begin_ns = begin * 1'000'000'000;
  row.done_ns = done * 1'000'000'000;
  row.flags = flags;
  return row;
}

constexpr std::uint32_t kToken = protocol::kRowOfToken;

TEST(Measure_TokenSeries, splits_calls_from_their_tokens) {
  const std::vector<protocol::SampleRow> rows = {
      row(10, 20), row(10, 14, kToken), row(14, 15, kToken), row(15, 20, kToken),
      row(30, 36), row(30, 31, kToken), row(31, 33, kToken), row(33, 36, kToken)};
  EXPECT_EQ(call_seconds(rows), (std::vector<double>{10, 6}));
  const TokenSeries series = token_series(rows);
  EXPECT_EQ(series.first, (std::vector<double>{4, 1}));
  EXPECT_EQ(series.mean, (std::vector<double>{3, 2.5}));
  EXPECT_EQ(series.gaps, (std::vector<double>{1, 5, 2, 3}));
}

TEST(Measure_TokenSeries, has_no_time_per_token_after_a_single_one) {
  const std::vector<protocol::SampleRow> rows = {row(0, 2), row(0, 2, kToken)};
  const TokenSeries series = token_series(rows);
  EXPECT_EQ(series.first, std::vector<double>{2});
  EXPECT_TRUE(series.mean.empty());
  EXPECT_TRUE(series.gaps.empty());
}

TEST(Measure_TokenSeries, is_empty_for_calls_without_tokens) {
  const std::vector<protocol::SampleRow> rows = {row(0, 1), row(1, 3)};
  EXPECT_TRUE(token_series(rows).first.empty());
  EXPECT_EQ(call_seconds(rows), (std::vector<double>{1, 2}));
}

TEST(Measure_TokenSeries, has_the_time_on_the_device_of_calls_alone) {
  std::vector<protocol::SampleRow> rows = {row(0, 1), row(1, 3), row(1, 2, kToken), row(3, 4)};
  rows[0].device_ns = 500'000'000;
  rows[1].device_ns = 1'500'000'000;
  EXPECT_EQ(token_series(rows).device, (std::vector<double>{0.5, 1.5}));
}

TEST(Measure_TokenSeries, has_the_time_until_the_host_was_free_again_of_calls_alone) {
  std::vector<protocol::SampleRow> rows = {row(0, 1), row(1, 3), row(1, 2, kToken), row(4, 6)};
  rows[0].enqueued_ns = 250'000'000;
  rows[1].enqueued_ns = 3'000'000'000;
  rows[3].enqueued_ns = 5'500'000'000;
  EXPECT_EQ(token_series(rows).host, (std::vector<double>{0.25, 2, 1.5}));
}

}  // namespace
}  // namespace ridgeline::measure
