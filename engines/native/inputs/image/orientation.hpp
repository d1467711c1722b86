// How a picture has to be turned, from EXIF and XMP, and the turning itself.
#pragma once

#include <optional>
#include <string_view>

#include "engines/native/inputs/image/image.hpp"

namespace ridgeline::native {

/// The orientation that PIL.ImageOps.exif_transpose acts on: EXIF tag 274 of `exif` (a TIFF stream,
/// with or without "Exif\0\0" before it), or, where EXIF does not have the tag, tiff:Orientation of
/// the XMP packet `xmp`. Anything but 2 to 8 and anything unreadable gives 1: leave it as it is.
int orientation_of(std::string_view exif, std::string_view xmp);

/// Mirrors and turns by an EXIF orientation, 1 to 8; 5 to 8 swap height and width.
Image turn_upright(Image image, int orientation);

}  // namespace ridgeline::native
