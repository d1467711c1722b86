// Mixing and resampling; bits equal to numpy and soxr are in tests/oracle/test_audio.py.
#include "engines/native/inputs/audio/resample.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <string>
#include <vector>

#include "support/temp_folder.hpp"
#include "support/wave_text.hpp"

namespace ridgeline::native {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<float> tone(double hertz, int rate, double seconds) {
  std::vector<float> samples;
  for (int i = 0; i < static_cast<int>(rate * seconds); ++i) {
    samples.push_back(static_cast<float>(0.5 * std::sin(2 * std::numbers::pi * hertz * i / rate)));
  }
  return samples;
}

double largest(const std::vector<float>& samples, std::size_t from, std::size_t to) {
  double most = 0;
  for (std::size_t i = from; i < to; ++i) most = std::max(most, std::abs(double{samples[i]}));
  return most;
}

TEST(Inputs_Resample, mono_is_the_mean_of_the_channels) {
  EXPECT_THAT(to_mono({{0.5f, 0.25f, -1.0f, 0.0f}, 2, 16'000}), ElementsAre(0.375f, -0.5f));
  EXPECT_THAT(to_mono({{0.5f, 0.25f}, 1, 16'000}), ElementsAre(0.5f, 0.25f));
}

TEST(Inputs_Resample, adds_many_channels_in_the_order_of_numpy) {
  // In order, the ones would drown in 2^24 one by one; in eight lanes they meet each other first.
  std::vector<float> frame(16, 1.0f);
  frame[0] = 16'777'216.0f;
  // ((2^24+1 → 2^24) + 2) + (2 + 2) + ((2 + 2) + (2 + 2)) = 2^24 + 14
  EXPECT_THAT(to_mono({frame, 16, 16'000}), ElementsAre(16'777'230.0f / 16));
}

TEST(Inputs_Resample, a_tone_keeps_its_shape) {
  const auto resampled = resample(tone(440, 44'100, 0.5), 44'100, 16'000);
  ASSERT_TRUE(resampled.has_value()) << resampled.error().line();
  const auto wanted = tone(440, 16'000, 0.5);
  ASSERT_EQ(resampled->size(), wanted.size());
  for (std::size_t i = 1000; i < 7000; ++i) ASSERT_NEAR((*resampled)[i], wanted[i], 1e-4) << i;
}

TEST(Inputs_Resample, what_the_new_rate_cannot_hold_is_filtered_out) {
  const auto resampled = resample(tone(10'000, 44'100, 0.5), 44'100, 16'000);
  ASSERT_TRUE(resampled.has_value()) << resampled.error().line();
  EXPECT_LT(largest(*resampled, 1000, 7000), 1e-4);
}

TEST(Inputs_Resample, lengths_are_rounded_up) {
  EXPECT_EQ(resample(std::vector<float>(1), 44'100, 16'000)->size(), 1u);
  EXPECT_EQ(resample(std::vector<float>(3), 48'000, 16'000)->size(), 1u);
  EXPECT_EQ(resample(std::vector<float>(4), 48'000, 16'000)->size(), 2u);
  EXPECT_EQ(resample(std::vector<float>(5), 8000, 16'000)->size(), 10u);
  EXPECT_EQ(resample(std::vector<float>(), 8000, 16'000)->size(), 0u);
}

TEST(Inputs_Resample, equal_rates_change_nothing) {
  EXPECT_THAT(*resample(std::vector<float>{1.0f, 2.0f}, 5, 5), ElementsAre(1.0f, 2.0f));
}

TEST(Inputs_Resample, refuses_rates_and_lengths_out_of_bounds) {
  EXPECT_THAT(resample(std::vector<float>(1), 10, 16'000).error().line(), HasSubstr("from 10 to"));
  EXPECT_THAT(resample(std::vector<float>(1'000'000), 1000, 768'000).error().line(),
              HasSubstr("too long"));
}

TEST(Inputs_Resample, load_mono_decodes_mixes_and_resamples) {
  const test::TempFolder folder;
  const auto data = test::float_data({1.0f, 0.5f, 0.0f, -0.5f});
  const auto path = folder.write("a.wav", test::wave_bytes({3, 2, 16'000, 32}, data));
  EXPECT_THAT(*load_mono(path, 16'000), ElementsAre(0.75f, -0.25f));
  EXPECT_EQ(load_mono(path, 48'000)->size(), 6u);
  EXPECT_FALSE(load_mono(folder.path("missing"), 16'000).has_value());
}

}  // namespace
}  // namespace ridgeline::native
