// Decoders of picture formats: small files of ours, and what is refused.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <numeric>
#include <string>
#include <vector>

#include "engines/native/inputs/image/image.hpp"
#include "support/temp_folder.hpp"

namespace ridgeline::native {
namespace {

using std::string_literals::operator""s;
using Bytes = std::vector<std::uint8_t>;

std::string seed(const std::string& name) {
  std::ifstream in(std::string(RIDGELINE_SOURCE_DIR) + "/tests/data/image/" + name,
                   std::ios::binary);
  EXPECT_TRUE(in) << name;
  return {std::istreambuf_iterator<char>(in), {}};
}

Image decode(const std::string& file) {
  const auto image = decode_image(file, "x");
  EXPECT_TRUE(image) << image.error().line();
  return image ? *image : Image();
}

/// The error, which must be one short line that starts with the name of the file.
std::string failure(const std::string& file) {
  const auto image = decode_image(file, "x");
  EXPECT_FALSE(image);
  if (image) return "";
  const std::string line = image.error().line();
  EXPECT_TRUE(line.starts_with("x ")) << line;
  EXPECT_LT(line.size(), 300u);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  return line;
}

std::string little(std::uint32_t value, int bytes = 4) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text.push_back(static_cast<char>(value >> 8 * i & 0xff));
  return text;
}

/// A BMP file with a header of 40 bytes.
std::string bmp(std::uint32_t width, std::uint32_t height, std::uint32_t bits,
                const std::string& data, std::uint32_t compression = 0, std::uint32_t colours = 0) {
  std::string file = "BM" + little(0) + little(0) + little(54);
  file += little(40) + little(width) + little(height) + little(1, 2) + little(bits, 2);
  file += little(compression) + little(0) + little(0) + little(0) + little(colours) + little(0);
  return file + data;
}

struct Expected {
  const char* file;
  int height;
  int width;
  Bytes first;
  Bytes last;
  long sum;
};

// The numbers are Pillow's.
TEST(Image_Decode, gives_what_pillow_gives_for_a_small_file_of_each_kind) {
  const Expected all[] = {
      {"binary.ppm", 7, 9, {128, 196, 191}, {177, 183, 179}, 35196},
      {"cmyk.jpg", 7, 9, {57, 24, 26}, {48, 54, 43}, 6811},
      {"fields.bmp", 7, 9, {115, 0, 98}, {164, 157, 180}, 21937},
      {"frames.webp", 7, 9, {138, 220, 192}, {172, 189, 181}, 35294},
      {"interlaced.png", 9, 7, {255, 34, 243}, {202, 202, 76}, 25919},
      {"lossy.webp", 7, 9, {195, 218, 174}, {125, 185, 192}, 35595},
      {"palette.bmp", 7, 9, {19, 22, 243}, {47, 42, 116}, 24823},
      {"palette.png", 9, 7, {195, 225, 189}, {131, 181, 193}, 35140},
      {"plain.pgm", 2, 9, {0, 0, 0}, {255, 255, 255}, 13005},
      {"progressive.jpg", 7, 9, {165, 196, 180}, {132, 200, 177}, 34870},
      {"turned.jpg", 9, 7, {120, 193, 186}, {197, 211, 194}, 35452},
  };
  for (const Expected& expected : all) {
    const Image image = decode(seed(expected.file));
    EXPECT_EQ(image.height, expected.height) << expected.file;
    EXPECT_EQ(image.width, expected.width) << expected.file;
    ASSERT_EQ(image.pixels.size(), 3u * expected.height * expected.width) << expected.file;
    EXPECT_EQ(Bytes(image.pixels.begin(), image.pixels.begin() + 3), expected.first)
        << expected.file;
    EXPECT_EQ(Bytes(image.pixels.end() - 3, image.pixels.end()), expected.last) << expected.file;
    EXPECT_EQ(std::accumulate(image.pixels.begin(), image.pixels.end(), 0L), expected.sum)
        << expected.file;
  }
}

TEST(Image_Decode, refuses_every_beginning_of_a_file_and_never_reads_beyond_it) {
  for (const char* name : {"binary.ppm", "cmyk.jpg", "fields.bmp", "frames.webp", "palette.bmp",
                           "plain.pgm", "progressive.jpg", "turned.jpg", "lossy.webp"}) {
    const std::string file = seed(name);
    // Pillow reads a JPEG without its end marker, and a bitmap or number without what follows it.
    for (std::size_t bytes = 0; bytes + 4 < file.size(); ++bytes) {
      const std::vector<char> cut(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(bytes));
      const auto image = decode_image({cut.data(), cut.size()}, "x");
      EXPECT_FALSE(image) << name << " " << bytes;
    }
  }
  for (const char* name : {"interlaced.png", "palette.png"}) {
    const std::string file = seed(name);
    const std::size_t pixels = file.find("IDAT");
    for (std::size_t bytes = 0; bytes < pixels + 8; ++bytes) failure("x"s + file.substr(0, bytes));
  }
}

TEST(Image_Decode, names_formats_that_it_does_not_read) {
  EXPECT_NE(failure("GIF89a....").find("GIF"), std::string::npos);
  EXPECT_NE(failure("II*\0...."s).find("TIFF"), std::string::npos);
  EXPECT_NE(failure("\0\0\0\x1c"
                    "ftypavif"s)
                .find("AVIF"),
            std::string::npos);
  const auto gif = decode_image("GIF87a", "x");
  ASSERT_FALSE(gif);
  EXPECT_EQ(gif.error().error_class, ErrorClass::kUnsupported);
  EXPECT_NE(gif.error().remedy.find("PNG"), std::string::npos);
  EXPECT_NE(failure(bmp(4, 4, 8, "", 1)).find("compressed"), std::string::npos);
}

TEST(Image_Decode, refuses_what_is_no_picture) {
  for (const std::string& file : {""s, "hello"s, "P"s, "BM"s, "\xff\xd8\xff"s, "RIFF....WEBPVP8 "s,
                                  "\x89PNG\r\n\x1a\n"s, "P6"s, "P9 1 1 255 a"s, "{}"s}) {
    failure(file);
  }
}

TEST(Image_Decode, refuses_sizes_beyond_the_limits_before_it_looks_at_the_pixels) {
  EXPECT_NE(failure("P5 20000 20000 255\n").find("limits"), std::string::npos);
  EXPECT_NE(failure("P5 1000001 1 255\n").find("limits"), std::string::npos);
  EXPECT_NE(failure("P5 0 1 255\n").find("no pixels"), std::string::npos);
  EXPECT_NE(failure(bmp(65535, 65535, 24, "")).find("limits"), std::string::npos);
  EXPECT_NE(failure(bmp(0xffffffff, 1, 24, "")).find("limits"), std::string::npos);
  EXPECT_NE(failure(bmp(1, 0x80000000, 24, "")).find("limits"), std::string::npos);
  EXPECT_NE(failure("P5 9999 9999 255\nabc").find("too early"), std::string::npos);
}

TEST(Image_Decode, reads_plain_and_binary_numbers_alike) {
  const Bytes grey = {0, 0, 0, 100, 100, 100, 255, 255, 255};
  EXPECT_EQ(decode("P2 3 1 255 0 100 255").pixels, grey);
  EXPECT_EQ(decode("P2\n#a\n3 1\n255\n0 1#b\n00 255\n").pixels, grey);
  EXPECT_EQ(decode("P5 3 1 255\n\0d\xff"s).pixels, grey);
  const Bytes colour = {1, 2, 3, 4, 5, 6};
  EXPECT_EQ(decode("P3 2 1 255 1 2 3 4 5 6").pixels, colour);
  EXPECT_EQ(decode("P6 2 1 255\n\1\2\3\4\5\6").pixels, colour);
  const Bytes bits = {255, 255, 255, 0, 0, 0, 255, 255, 255};
  EXPECT_EQ(decode("P1 3 1 010").pixels, bits);
  EXPECT_EQ(decode("P4 3 1\n\x5f").pixels, bits);
  // 16-bit grey keeps its values and saturates; colours are scaled to 8 bits.
  EXPECT_EQ(decode("P5 2 1 65535\n\0\x7f\x01\0"s).pixels, (Bytes{127, 127, 127, 255, 255, 255}));
  EXPECT_EQ(decode("P3 1 1 1023 0 512 1023").pixels, (Bytes{0, 128, 255}));
}

TEST(Image_Decode, refuses_numbers_that_make_no_sense) {
  for (const char* file : {"P2 1 1 255 256", "P2 1 1 255 -1", "P2 1 1 255 a", "P2 1 1 255",
                           "P2 1 1 0 0", "P2 1 1 65536 0", "P2 1 1 255 00000000001", "P1 1 1 2",
                           "P6 1 -1 255 aaa", "P6 1 1 255 aa", "P3 1 1 255 1 2"}) {
    failure(file);
  }
}

TEST(Image_Decode, reads_bitmaps_from_the_bottom_or_from_the_top) {
  const std::string rows = "\1\2\3\0\4\5\6\0"s;
  EXPECT_EQ(decode(bmp(1, 2, 24, rows)).pixels, (Bytes{6, 5, 4, 3, 2, 1}));
  EXPECT_EQ(decode(bmp(1, 0xfffffffe, 24, rows)).pixels, (Bytes{3, 2, 1, 6, 5, 4}));
  EXPECT_EQ(decode(bmp(1, 1, 16, little(0x7c00 | 16 << 5, 2))).pixels, (Bytes{255, 131, 0}));
  const std::string palette = "\1\2\3\0\4\5\6\0"s;
  EXPECT_EQ(decode(bmp(2, 1, 1, palette + "\x40")).pixels, (Bytes{3, 2, 1, 6, 5, 4}));
  EXPECT_EQ(decode(bmp(2, 1, 8, palette + "\1\7"s, 0, 2)).pixels, (Bytes{6, 5, 4, 0, 0, 0}));
  for (const std::uint32_t bits : {0u, 2u, 7u, 15u, 48u, 65535u}) failure(bmp(1, 1, bits, rows));
  failure(bmp(1, 1, 8, "", 0, 0xffffffff));
  failure(bmp(1, 1, 32, little(0xff) + little(0xf0) + little(3) + "abcd", 3));
}

TEST(Image_Decode, reads_files_and_says_what_is_wrong_with_them) {
  const test::TempFolder folder;
  const std::string path = folder.write("a.ppm", "P6 1 1 255\nabc");
  const auto image = load_image(path);
  ASSERT_TRUE(image);
  EXPECT_EQ(image->pixels, (Bytes{'a', 'b', 'c'}));
  EXPECT_FALSE(load_image(folder.path()));
  EXPECT_FALSE(load_image(folder.path("missing")));
  EXPECT_FALSE(load_image(folder.write("empty", "")));
  EXPECT_FALSE(load_image("/dev/null"));
}

TEST(Image_Decode, stops_at_more_scans_than_a_real_file_has) {
  // The scan of a progressive picture over and over: each takes a pass over all of it.
  const std::string file = seed("progressive.jpg");
  const std::size_t first = file.find("\xff\xda");
  const std::size_t tables = file.rfind("\xff\xc4", first);
  const std::size_t second = file.find("\xff\xc4", first);
  ASSERT_LT(tables, first);
  ASSERT_NE(second, std::string::npos);
  std::string many = file.substr(0, tables);
  for (int i = 0; i < 600; ++i) many += file.substr(tables, second - tables);
  EXPECT_NE(failure(many + file.substr(second)).find("500 scans"), std::string::npos);
}

}  // namespace
}  // namespace ridgeline::native
