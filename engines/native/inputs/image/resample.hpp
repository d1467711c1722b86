// Resizing equal to Pillow's Image.resize on 8-bit RGB, bit for bit.
#pragma once

#include <cstdint>

#include "base/error.hpp"
#include "engines/native/inputs/image/image.hpp"

namespace ridgeline::native {

/// The filters with the numbers of PIL.Image.Resampling, as preprocessor_config.json has them.
enum class Resample {
  kNearest = 0,
  kLanczos = 1,
  kBilinear = 2,
  kBicubic = 3,
  kBox = 4,
  kHamming = 5,
};
inline constexpr int kResampleCount = 6;

/// A part of a picture of any size: its upper left corner and how far it reaches.
struct Region {
  std::int64_t top = 0;
  std::int64_t left = 0;
  int height = 0;
  int width = 0;
};

/// image.resize((width, height), filter) of Pillow 13: a horizontal and a vertical pass with
/// weights of 22 bits behind the point, each rounded to 8 bits; a pass that changes nothing is left
/// out, and the vertical one goes first where it takes away far more. Downscaling widens the
/// filter. Errors: an empty picture, a size below 1, a result above kMaxImagePixels.
Result<Image> resize(const Image& image, std::int64_t height, std::int64_t width, Resample filter);

/// A part of what resize() gives, at the cost of that part only; the size of the whole may be
/// anything up to 2^31. `region` must lie inside height x width.
Result<Image> resize_region(const Image& image, std::int64_t height, std::int64_t width,
                            Resample filter, const Region& region);

}  // namespace ridgeline::native
