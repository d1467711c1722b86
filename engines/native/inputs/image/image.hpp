// Pictures: a file to 8-bit RGB, as Pillow reads it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace ridgeline::native {

/// 8-bit RGB: rows from the top, three bytes a pixel, nothing between the rows.
struct Image {
  int height = 0;
  int width = 0;
  std::vector<std::uint8_t> pixels;
};

/// Pixels above which a picture is refused before anything is allocated: where Pillow sees a
/// decompression bomb (twice 2^30 / 4 / 3, a gigabyte of RGBA with room to spare).
inline constexpr std::int64_t kMaxImagePixels = 178'956'970;

/// The longest edge of a picture, libpng's own limit: it bounds the filter tables of a resize.
inline constexpr std::int64_t kMaxImageEdge = 1'000'000;

/// The largest file that is read; a picture of kMaxImagePixels without compression has 0.5 GB.
inline constexpr std::uint64_t kMaxImageFileBytes = 1ull << 30;

/// What transformers.image_utils.load_image gives for a local file: the first frame of a JPEG, PNG,
/// WebP, BMP or PNM file, turned as its EXIF (or XMP) orientation says, and converted to RGB as
/// Pillow converts its mode (alpha is dropped, 16-bit grey saturates at 255, CMYK is inverted).
/// Errors: a file that cannot be read, is none of these formats, is broken or cut short, or is
/// larger than the limits above.
Result<Image> load_image(const std::string& path);

/// The same for the bytes of a file; `name` stands for it in errors.
Result<Image> decode_image(std::string_view file, const std::string& name);

}  // namespace ridgeline::native
