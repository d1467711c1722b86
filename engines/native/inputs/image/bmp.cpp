// Windows bitmaps without compression, as Pillow reads them.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "engines/native/inputs/image/decoders.hpp"

namespace ridgeline::native {
namespace {

constexpr std::string_view kFormat = "BMP";
constexpr std::size_t kFileHeaderBytes = 14;
constexpr std::uint32_t kOldHeader = 12;
constexpr std::uint32_t kNoCompression = 0;
constexpr std::uint32_t kBitFields = 3;
constexpr std::uint32_t kMaxPaletteEntries = 65536;

struct Header {
  std::uint32_t bytes = 0;  ///< of the header itself
  std::int64_t width = 0;
  std::int64_t height = 0;
  bool from_top = false;
  std::uint32_t bits = 0;
  std::uint32_t compression = kNoCompression;
  std::uint32_t colours = 0;
  std::size_t palette_at = 0;
  std::size_t palette_step = 4;
  std::size_t pixels_at = 0;
  std::array<std::uint32_t, 3> masks = {};  ///< red, green, blue; all 0 without bit fields
};

Error bad_bmp(const std::string& name, std::string_view what) {
  return broken_image(name, kFormat, what);
}

Result<Header> read_header(std::string_view file, const std::string& name) {
  const std::uint8_t* bytes = bytes_of(file);
  if (file.size() < kFileHeaderBytes + 4) return truncated_image(name, kFormat);
  Header header;
  header.bytes = little32(bytes + kFileHeaderBytes);
  constexpr std::array<std::uint32_t, 7> kKnown = {kOldHeader, 40, 52, 56, 64, 108, 124};
  if (std::find(kKnown.begin(), kKnown.end(), header.bytes) == kKnown.end()) {
    return bad_bmp(name, fmt::format("a header of {} bytes", header.bytes));
  }
  if (file.size() < kFileHeaderBytes + header.bytes) return truncated_image(name, kFormat);
  const std::uint8_t* info = bytes + kFileHeaderBytes;
  header.pixels_at = little32(bytes + 10);
  header.palette_at = kFileHeaderBytes + header.bytes;
  if (header.bytes == kOldHeader) {
    header.width = little16(info + 4);
    header.height = little16(info + 6);
    header.bits = little16(info + 10);
    header.palette_step = 3;
  } else {
    header.width = little32(info + 4);
    header.from_top = info[11] == 0xff;
    header.height = header.from_top ? (std::int64_t{1} << 32) - little32(info + 8)
                                    : std::int64_t{little32(info + 8)};
    header.bits = little16(info + 14);
    header.compression = little32(info + 16);
    header.colours = little32(info + 32);
  }
  if (header.compression == kBitFields) {
    // In the oldest header that has them they stand behind it.
    if (header.bytes == 40) header.palette_at += 12;
    if (file.size() < kFileHeaderBytes + 52) return truncated_image(name, kFormat);
    for (std::size_t i = 0; i < 3; ++i) header.masks[i] = little32(info + 40 + 4 * i);
  } else if (header.compression != kNoCompression) {
    return unsupported(fmt::format("{} is a compressed BMP file, which is not read", name),
                       "convert it to PNG first");
  }
  if (header.colours == 0 && header.bits <= 8) header.colours = 1u << header.bits;
  return header;
}

/// Colours of the indices; those that the file does not have are black, as in Pillow. A palette
/// that is grey from end to end is dropped there, so that values beyond it are greys.
std::array<std::uint8_t, 768> read_palette(std::string_view file, const Header& header) {
  std::array<std::uint8_t, 768> palette = {};
  bool grey = header.bits == 8;
  for (std::size_t i = 0; i < header.colours; ++i) {
    const std::size_t at = header.palette_at + i * header.palette_step;
    if (at + 3 > file.size()) {
      grey = false;
      break;
    }
    const std::uint8_t* blue = bytes_of(file) + at;
    for (std::size_t c = 0; c < 3; ++c) {
      grey = grey && blue[c] == i;
      if (i < 256) palette[3 * i + c] = blue[2 - c];
    }
  }
  for (std::size_t i = 0; grey && i < palette.size(); ++i) {
    palette[i] = static_cast<std::uint8_t>(i / 3);
  }
  return palette;
}

/// Where a colour lies in a pixel, and how far it reaches.
struct Channel {
  int shift = 0;
  std::uint32_t most = 255;
};
using Channels = std::array<Channel, 3>;

/// The layouts that Pillow knows: whole bytes in 32 bits, 5-6-5 or 5-5-5 in 16.
std::optional<Channels> channels_of(const Header& header) {
  constexpr Channels kBytes = {{{16, 255}, {8, 255}, {0, 255}}};
  constexpr Channels kFives = {{{10, 31}, {5, 31}, {0, 31}}};
  constexpr Channels kFiveSixFive = {{{11, 31}, {5, 63}, {0, 31}}};
  const auto& masks = header.masks;
  if (masks == std::array<std::uint32_t, 3>{}) {
    if (header.bits == 16) {
      if (header.compression == kBitFields) return std::nullopt;
      return kFives;
    }
    return kBytes;
  }
  if (header.bits == 16) {
    if (masks == std::array<std::uint32_t, 3>{0xF800, 0x7E0, 0x1F}) return kFiveSixFive;
    if (masks == std::array<std::uint32_t, 3>{0x7C00, 0x3E0, 0x1F}) return kFives;
    return std::nullopt;
  }
  Channels channels = kBytes;
  for (std::size_t i = 0; i < 3; ++i) {
    int shift = 0;
    while (shift < 32 && masks[i] != 0xFFu << shift) shift += 8;
    if (shift == 32 || (header.bits == 24 && shift != channels[i].shift)) return std::nullopt;
    channels[i].shift = shift;
  }
  return channels;
}

void unpack_indices(const std::uint8_t* row, const Header& header, const std::uint8_t* palette,
                    std::uint8_t* rgb) {
  const std::uint32_t mask = (1u << header.bits) - 1;
  for (std::int64_t x = 0; x < header.width; ++x, rgb += 3) {
    const std::int64_t bit = x * header.bits;
    const std::uint32_t shift = 8 - header.bits - static_cast<std::uint32_t>(bit % 8);
    std::memcpy(rgb, palette + 3 * ((row[bit / 8] >> shift) & mask), 3);
  }
}

void unpack_colours(const std::uint8_t* row, const Header& header, const Channels& channels,
                    std::uint8_t* rgb) {
  const std::uint32_t bytes = header.bits / 8;
  for (std::int64_t x = 0; x < header.width; ++x, row += bytes) {
    std::uint32_t pixel = little16(row);
    if (bytes > 2) pixel |= static_cast<std::uint32_t>(row[2]) << 16;
    if (bytes > 3) pixel |= static_cast<std::uint32_t>(row[3]) << 24;
    for (const Channel& channel : channels) {
      *rgb++ =
          static_cast<std::uint8_t>((pixel >> channel.shift & channel.most) * 255 / channel.most);
    }
  }
}

}  // namespace

Result<DecodedImage> decode_bmp(std::string_view file, const std::string& name) {
  RIDGELINE_TRY(Header header, read_header(file, name));
  const bool indexed = header.bits == 1 || header.bits == 4 || header.bits == 8;
  if (!indexed && header.bits != 16 && header.bits != 24 && header.bits != 32) {
    return bad_bmp(name, fmt::format("{} bits a pixel", header.bits));
  }
  if (indexed && header.colours > kMaxPaletteEntries) return bad_bmp(name, "a palette too large");
  const std::optional<Channels> channels = channels_of(header);
  if (!channels || (indexed && header.compression == kBitFields)) {
    return unsupported(fmt::format("{} is a BMP file of an unusual layout", name),
                       "convert it to PNG first");
  }
  const std::size_t palette_end =
      header.palette_at + (indexed ? header.palette_step * header.colours : 0);
  // Some writers forget the palette in the offset of the pixels; Pillow puts that right.
  if (header.pixels_at == 0 || (indexed && header.pixels_at == kFileHeaderBytes + header.bytes)) {
    header.pixels_at = palette_end;
  }
  RIDGELINE_CHECK(check_image_size(header.width, header.height, name));
  const std::uint64_t row_bits = static_cast<std::uint64_t>(header.width) * header.bits;
  const std::uint64_t stride = (row_bits + 31) / 32 * 4;
  // The last row may lack what fills it up.
  const std::uint64_t needed =
      stride * (static_cast<std::uint64_t>(header.height) - 1) + (row_bits + 7) / 8;
  if (header.pixels_at > file.size() || file.size() - header.pixels_at < needed) {
    return truncated_image(name, kFormat);
  }
  DecodedImage decoded;
  RIDGELINE_TRY(decoded.image, new_image(header.width, header.height, name));
  const auto palette = indexed ? read_palette(file, header) : std::array<std::uint8_t, 768>{};
  std::uint8_t* rgb = decoded.image.pixels.data();
  for (std::int64_t y = 0; y < header.height; ++y, rgb += header.width * 3) {
    const std::int64_t at = header.from_top ? y : header.height - 1 - y;
    const std::uint8_t* row =
        bytes_of(file) + header.pixels_at + static_cast<std::uint64_t>(at) * stride;
    if (indexed) {
      unpack_indices(row, header, palette.data(), rgb);
    } else {
      unpack_colours(row, header, *channels, rgb);
    }
  }
  return decoded;
}

}  // namespace ridgeline::native
