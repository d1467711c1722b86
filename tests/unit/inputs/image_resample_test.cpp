// Resizing: what must hold for every filter; equality with Pillow is an oracle test.
#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <vector>

#include "engines/native/inputs/image/resample.hpp"

namespace ridgeline::native {
namespace {

using Bytes = std::vector<std::uint8_t>;

Image noise(int height, int width) {
  std::mt19937 random(static_cast<unsigned>(height * 1000 + width));
  Image image{height, width, {}};
  image.pixels.resize(static_cast<std::size_t>(height) * width * 3);
  for (std::uint8_t& value : image.pixels) value = static_cast<std::uint8_t>(random());
  return image;
}

Image resized(const Image& image, int height, int width, Resample filter) {
  const auto out = resize(image, height, width, filter);
  EXPECT_TRUE(out) << out.error().line();
  return out ? *out : Image();
}

Resample filter_number(int number) {
  return static_cast<Resample>(number);
}

Image grey(int height, int width, const Bytes& values) {
  Image image{height, width, {}};
  for (const std::uint8_t value : values) image.pixels.insert(image.pixels.end(), 3, value);
  return image;
}

TEST(Image_Resample, leaves_one_colour_as_it_is) {
  Image flat{13, 17, Bytes(13 * 17 * 3, 201)};
  for (int filter = 0; filter < kResampleCount; ++filter) {
    for (const auto& [height, width] : {std::pair{5, 40}, {40, 5}, {1, 1}, {13, 3}, {60, 17}}) {
      const Image out = resized(flat, height, width, filter_number(filter));
      EXPECT_EQ(out.pixels, Bytes(static_cast<std::size_t>(height) * width * 3, 201)) << filter;
    }
  }
}

TEST(Image_Resample, copies_when_the_size_stays) {
  const Image image = noise(9, 12);
  for (int filter = 0; filter < kResampleCount; ++filter) {
    EXPECT_EQ(resized(image, 9, 12, filter_number(filter)).pixels, image.pixels);
  }
}

// Numbers of Pillow 13.
TEST(Image_Resample, weighs_neighbours_as_the_filters_say) {
  const Image row = grey(1, 4, {0, 255, 0, 100});
  EXPECT_EQ(resized(row, 1, 2, Resample::kBox).pixels, grey(1, 2, {128, 50}).pixels);
  EXPECT_EQ(resized(row, 1, 2, Resample::kBilinear).pixels, grey(1, 2, {109, 79}).pixels);
  EXPECT_EQ(resized(row, 1, 2, Resample::kHamming).pixels, grey(1, 2, {122, 58}).pixels);
  EXPECT_EQ(resized(row, 1, 2, Resample::kBicubic).pixels, grey(1, 2, {113, 76}).pixels);
  EXPECT_EQ(resized(row, 1, 2, Resample::kLanczos).pixels, grey(1, 2, {111, 82}).pixels);
  EXPECT_EQ(resized(row, 1, 2, Resample::kNearest).pixels, grey(1, 2, {255, 100}).pixels);
  EXPECT_EQ(resized(row, 1, 6, Resample::kBicubic).pixels,
            grey(1, 6, {0, 135, 238, 28, 38, 107}).pixels);
}

TEST(Image_Resample, does_the_vertical_pass_first_where_it_takes_away_far_more) {
  const Image tall = grey(6, 2, {0, 255, 9, 200, 90, 3, 255, 0, 40, 41, 7, 255});
  EXPECT_EQ(resized(tall, 2, 3, Resample::kBicubic).pixels,
            grey(2, 3, {53, 97, 141, 98, 88, 78}).pixels);
  const Image wide = resized(tall, 6, 3, Resample::kBicubic);
  EXPECT_EQ(resized(wide, 2, 3, Resample::kBicubic).pixels,
            grey(2, 3, {57, 97, 139, 96, 88, 78}).pixels);
}

TEST(Image_Resample, gives_a_part_as_it_is_in_the_whole) {
  for (const auto& [height, width] : {std::pair{40, 60}, {11, 9}, {40, 9}, {20, 31}, {60, 45}}) {
    const Image image = noise(40, 31);
    for (int filter = 0; filter < kResampleCount; ++filter) {
      const Image whole = resized(image, height, width, filter_number(filter));
      const Region region{3, 2, height - 5, width - 6};
      const auto part = resize_region(image, height, width, filter_number(filter), region);
      ASSERT_TRUE(part);
      ASSERT_EQ(part->height, region.height);
      ASSERT_EQ(part->width, region.width);
      for (int y = 0; y < region.height; ++y) {
        for (int x = 0; x < 3 * region.width; ++x) {
          ASSERT_EQ(part->pixels[static_cast<std::size_t>(y) * region.width * 3 + x],
                    whole.pixels[(static_cast<std::size_t>(y) + 3) * width * 3 + 6 + x]);
        }
      }
    }
  }
}

TEST(Image_Resample, takes_a_small_part_of_a_size_that_would_not_fit_in_memory) {
  const auto part =
      resize_region(noise(1, 4000), 224, 896000, Resample::kBicubic, {0, 447888, 224, 224});
  ASSERT_TRUE(part) << part.error().line();
  EXPECT_EQ(part->pixels.size(), 224u * 224 * 3);
}

TEST(Image_Resample, refuses_sizes_that_make_no_sense) {
  const Image image = noise(4, 4);
  EXPECT_FALSE(resize(image, 0, 4, Resample::kBox));
  EXPECT_FALSE(resize(image, 4, -1, Resample::kBox));
  EXPECT_FALSE(resize(image, 1 << 20, 1 << 20, Resample::kBox));
  EXPECT_FALSE(resize(Image(), 4, 4, Resample::kBox));
  EXPECT_FALSE(resize_region(image, 8, 8, Resample::kBox, {1, 0, 8, 8}));
  EXPECT_FALSE(resize_region(image, 8, 8, Resample::kBox, {0, -1, 2, 2}));
  EXPECT_FALSE(resize_region(image, 8, 8, Resample::kBox, {0, 0, 0, 2}));
  EXPECT_FALSE(resize_region(image, std::int64_t{1} << 32, 8, Resample::kBox, {0, 0, 2, 2}));
}

}  // namespace
}  // namespace ridgeline::native
