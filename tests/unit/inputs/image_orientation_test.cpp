// Orientation tags of EXIF and XMP, and turning.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engines/native/inputs/image/orientation.hpp"

namespace ridgeline::native {
namespace {

using std::string_literals::operator""s;
using Bytes = std::vector<std::uint8_t>;

/// A directory with the orientation as a 16-bit number, in either byte order.
std::string tiff(char orientation, bool little = true) {
  if (little) {
    return "II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0"s + orientation + "\0\0\0\0\0\0\0"s;
  }
  return "MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0"s + orientation + "\0\0\0\0\0\0"s;
}

TEST(Image_Orientation, is_found_in_both_byte_orders_and_behind_a_prefix) {
  for (char orientation = 1; orientation <= 8; ++orientation) {
    EXPECT_EQ(orientation_of(tiff(orientation), ""), orientation);
    EXPECT_EQ(orientation_of(tiff(orientation, false), ""), orientation);
    EXPECT_EQ(orientation_of("Exif\0\0"s + tiff(orientation), ""), orientation);
    EXPECT_EQ(orientation_of("Exif\0\0Exif\0\0"s + tiff(orientation), ""), orientation);
  }
}

TEST(Image_Orientation, is_upright_when_the_tag_makes_no_sense) {
  for (const char orientation : {'\0', '\x09', '\x7f'}) {
    EXPECT_EQ(orientation_of(tiff(orientation), ""), 1);
  }
  EXPECT_EQ(orientation_of("", ""), 1);
  EXPECT_EQ(orientation_of("Exif\0\0"s, "no tag"), 1);
  EXPECT_EQ(orientation_of("II*\0\xff\xff\xff\xff"s, ""), 1);
}

TEST(Image_Orientation, of_every_beginning_is_read_without_reading_beyond_it) {
  const std::string whole = tiff(6);
  for (std::size_t bytes = 0; bytes <= whole.size(); ++bytes) {
    const std::vector<char> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(bytes));
    const int orientation = orientation_of({cut.data(), cut.size()}, "");
    EXPECT_EQ(orientation, bytes >= 22 ? 6 : 1) << bytes;
  }
}

TEST(Image_Orientation, of_xmp_counts_only_without_the_tag_in_exif) {
  const std::string xmp = "<a tiff:Orientation tiff:Orientation=\"6\">";
  EXPECT_EQ(orientation_of("", xmp), 6);
  EXPECT_EQ(orientation_of("", "<tiff:Orientation>8<"), 8);
  EXPECT_EQ(orientation_of(tiff(1), xmp), 1);
  EXPECT_EQ(orientation_of(tiff(3), xmp), 3);
  EXPECT_EQ(orientation_of("", "tiff:Orientation=\""), 1);
}

TEST(Image_Orientation, turns_the_pixels) {
  // 0 1 2
  // 3 4 5
  Image image{2, 3, {}};
  for (std::uint8_t i = 0; i < 6; ++i) image.pixels.insert(image.pixels.end(), 3, i);
  const Bytes expected[] = {{0, 1, 2, 3, 4, 5}, {0, 1, 2, 3, 4, 5}, {2, 1, 0, 5, 4, 3},
                            {5, 4, 3, 2, 1, 0}, {3, 4, 5, 0, 1, 2}, {0, 3, 1, 4, 2, 5},
                            {3, 0, 4, 1, 5, 2}, {5, 2, 4, 1, 3, 0}, {2, 5, 1, 4, 0, 3}};
  for (int orientation = 0; orientation <= 8; ++orientation) {
    const Image turned = turn_upright(image, orientation);
    EXPECT_EQ(turned.height, orientation >= 5 ? 3 : 2);
    EXPECT_EQ(turned.width, orientation >= 5 ? 2 : 3);
    Bytes reds;
    for (std::size_t i = 0; i < turned.pixels.size(); i += 3) reds.push_back(turned.pixels[i]);
    EXPECT_EQ(reds, expected[orientation]) << orientation;
  }
}

}  // namespace
}  // namespace ridgeline::native
