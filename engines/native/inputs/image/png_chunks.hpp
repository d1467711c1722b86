// The chunks of a PNG file: which of them hold the picture, and how the metadata turn it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace ridgeline::native {

/// Views into the file.
struct PngChunks {
  /// Whole chunks (length, type, data, checksum) for libpng: IHDR, PLTE and IDAT. Nothing else
  /// reaches it, so that no broken profile or text can stop a picture from being read.
  std::vector<std::string_view> picture;
  std::string_view palette;       ///< the data of PLTE
  std::uint64_t pixel_bytes = 0;  ///< of all IDAT chunks together, compressed
  int orientation = 1;            ///< from eXIf, from EXIF kept as text, or from XMP
};

/// Walks over the chunks of a file with a PNG signature. Checksums before the first IDAT must be
/// right, as for Pillow; it looks at none after that. Errors: a chunk that reaches beyond the end
/// of the file, a wrong checksum, a type that is no name, no IDAT, a size beyond the limits.
Result<PngChunks> read_png_chunks(std::string_view file, const std::string& name);

}  // namespace ridgeline::native
