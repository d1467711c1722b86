// What the decoders of the single formats share; nothing for users of load_image().
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "engines/native/inputs/image/image.hpp"

namespace ridgeline::native {

/// A picture as it lies in the file, with what its metadata say about turning it.
struct DecodedImage {
  Image image;
  int orientation = 1;  ///< EXIF tag 274: 1 (upright) to 8
};

// Each takes the bytes of a whole file that starts with the signature of the format.
Result<DecodedImage> decode_jpeg(std::string_view file, const std::string& name);
Result<DecodedImage> decode_png(std::string_view file, const std::string& name);
Result<DecodedImage> decode_webp(std::string_view file, const std::string& name);
Result<DecodedImage> decode_bmp(std::string_view file, const std::string& name);
Result<DecodedImage> decode_pnm(std::string_view file, const std::string& name);

/// An error for a picture without pixels and for one above the limits.
Status check_image_size(std::int64_t width, std::int64_t height, const std::string& name);

/// Room for a picture, black; the same errors.
Result<Image> new_image(std::int64_t width, std::int64_t height, const std::string& name);

/// The error for a file that is `format` but not a sound one.
Error broken_image(const std::string& name, std::string_view format, std::string_view what);

/// The same for one that ends too early.
Error truncated_image(const std::string& name, std::string_view format);

inline const std::uint8_t* bytes_of(std::string_view text) {
  return reinterpret_cast<const std::uint8_t*>(text.data());
}
inline std::uint32_t little16(const std::uint8_t* at) {
  return at[0] | static_cast<std::uint32_t>(at[1]) << 8;
}
inline std::uint32_t little32(const std::uint8_t* at) {
  return little16(at) | little16(at + 2) << 16;
}
inline std::uint32_t big16(const std::uint8_t* at) {
  return static_cast<std::uint32_t>(at[0]) << 8 | at[1];
}
inline std::uint32_t big32(const std::uint8_t* at) {
  return big16(at) << 16 | big16(at + 2);
}

}  // namespace ridgeline::native
