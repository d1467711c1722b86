// The inner loops of a resize.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace ridgeline::native {

/// Bits of a weight behind the point; with 8 bits of a pixel and 2 for overshoot that makes 32.
inline constexpr int kWeightBits = 32 - 8 - 2;

/// Pixels the horizontal loop takes at once: 24 sums, which are whole vectors and whole pixels.
inline constexpr std::size_t kPixelsAtOnce = 8;

/// Bytes the vertical loop takes at once.
inline constexpr std::size_t kBytesAtOnce = 32;

/// What every pixel of a row (or row of a picture) is made of.
struct Taps {
  std::vector<std::int32_t> first;  ///< where its window starts
  std::vector<std::int32_t> count;  ///< how long that is
  std::vector<std::size_t> at;      ///< where its weights are
  std::vector<std::int32_t> weights;
};

/// A row of RGB from a wider or narrower one. The weights stand three times each (for red, green
/// and blue) and a window is filled up with zeros to a multiple of kPixelsAtOnce, so up to
/// 3 * (kPixelsAtOnce - 1) bytes behind the row are read, and do not matter.
void weigh_pixels(const std::uint8_t* row, const Taps& taps, std::uint8_t* to);

/// The sum of `count` rows that stand `stride` bytes apart, for `bytes` bytes, which must be
/// kBytesAtOnce at least.
void weigh_rows(const std::uint8_t* rows, std::size_t stride, const std::int32_t* weights,
                std::size_t count, std::size_t bytes, std::uint8_t* to);

}  // namespace ridgeline::native
