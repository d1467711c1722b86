// The inner loops of a resize: plain ones, and for x86 the same with AVX2.
#include "engines/native/inputs/image/resample_kernels.hpp"

#include <algorithm>

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#define RIDGELINE_HAS_AVX2 1
#else
#define RIDGELINE_HAS_AVX2 0
#endif

namespace ridgeline::native {
namespace {

constexpr std::int32_t kHalf = 1 << (kWeightBits - 1);

std::uint8_t rounded(std::int32_t sum) {
  return static_cast<std::uint8_t>(std::clamp(sum >> kWeightBits, 0, 255));
}

void weigh_pixels_plain(const std::uint8_t* row, const Taps& taps, std::uint8_t* to) {
  for (std::size_t x = 0; x < taps.first.size(); ++x, to += 3) {
    std::int32_t red = kHalf;
    std::int32_t green = kHalf;
    std::int32_t blue = kHalf;
    const std::uint8_t* from = row + std::size_t{3} * static_cast<std::size_t>(taps.first[x]);
    const std::int32_t* weights = taps.weights.data() + taps.at[x];
    const std::int32_t* end = weights + std::ptrdiff_t{3} * taps.count[x];
    for (; weights != end; from += 3, weights += 3) {
      red += from[0] * *weights;
      green += from[1] * *weights;
      blue += from[2] * *weights;
    }
    to[0] = rounded(red);
    to[1] = rounded(green);
    to[2] = rounded(blue);
  }
}

void weigh_rows_plain(const std::uint8_t* rows, std::size_t stride, const std::int32_t* weights,
                      std::size_t count, std::size_t bytes, std::uint8_t* to) {
  for (std::size_t at = 0; at < bytes; at += kBytesAtOnce) {
    const std::size_t x = std::min(at, bytes - kBytesAtOnce);  // the last may overlap
    std::int32_t sums[kBytesAtOnce];
    std::fill_n(sums, kBytesAtOnce, kHalf);
    const std::uint8_t* from = rows + x;
    for (std::size_t y = 0; y < count; ++y, from += stride) {
      for (std::size_t i = 0; i < kBytesAtOnce; ++i) sums[i] += from[i] * weights[y];
    }
    for (std::size_t i = 0; i < kBytesAtOnce; ++i) to[x + i] = rounded(sums[i]);
  }
}

#if RIDGELINE_HAS_AVX2

constexpr std::size_t kLanes = 8;

__attribute__((target("avx2"))) inline __m256i widened(const std::uint8_t* from) {
  return _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from)));
}

__attribute__((target("avx2"))) inline __m256i products(const std::uint8_t* from,
                                                        const std::int32_t* weights) {
  const __m256i factors = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(weights));
  return _mm256_mullo_epi32(widened(from), factors);
}

__attribute__((target("avx2"))) void weigh_pixels_avx2(const std::uint8_t* row, const Taps& taps,
                                                       std::uint8_t* to) {
  for (std::size_t x = 0; x < taps.first.size(); ++x, to += 3) {
    __m256i sums[3] = {};
    const std::uint8_t* from = row + std::size_t{3} * static_cast<std::size_t>(taps.first[x]);
    const std::int32_t* weights = taps.weights.data() + taps.at[x];
    const std::int32_t* end = taps.weights.data() + taps.at[x + 1];
    for (; weights != end; weights += 3 * kLanes, from += 3 * kLanes) {
      sums[0] = _mm256_add_epi32(sums[0], products(from, weights));
      sums[1] = _mm256_add_epi32(sums[1], products(from + kLanes, weights + kLanes));
      sums[2] = _mm256_add_epi32(sums[2], products(from + 2 * kLanes, weights + 2 * kLanes));
    }
    // Every third of the 24 sums belongs to the same colour.
    alignas(__m256i) std::int32_t lanes[3 * kLanes];
    for (std::size_t v = 0; v < 3; ++v) {
      _mm256_store_si256(reinterpret_cast<__m256i*>(lanes + v * kLanes), sums[v]);
    }
    for (std::size_t c = 0; c < 3; ++c) {
      std::int32_t sum = kHalf;
      for (std::size_t i = c; i < 3 * kLanes; i += 3) sum += lanes[i];
      to[c] = rounded(sum);
    }
  }
}

/// Four vectors of sums, shifted and cut to 32 bytes. Packing keeps to halves of 128 bits, so the
/// words have to be put in order at the end.
__attribute__((target("avx2"))) inline __m256i packed(const __m256i* sums) {
  __m256i shifted[4];
  for (std::size_t v = 0; v < 4; ++v) shifted[v] = _mm256_srai_epi32(sums[v], kWeightBits);
  const __m256i low = _mm256_packs_epi32(shifted[0], shifted[1]);
  const __m256i high = _mm256_packs_epi32(shifted[2], shifted[3]);
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  return _mm256_permutevar8x32_epi32(_mm256_packus_epi16(low, high), order);
}

__attribute__((target("avx2"))) void weigh_rows_avx2(const std::uint8_t* rows, std::size_t stride,
                                                     const std::int32_t* weights, std::size_t count,
                                                     std::size_t bytes, std::uint8_t* to) {
  static_assert(kBytesAtOnce == 4 * kLanes);
  for (std::size_t at = 0; at < bytes; at += kBytesAtOnce) {
    const std::size_t x = std::min(at, bytes - kBytesAtOnce);  // the last may overlap
    __m256i sums[4];
    for (__m256i& sum : sums) sum = _mm256_set1_epi32(kHalf);
    const std::uint8_t* from = rows + x;
    for (std::size_t y = 0; y < count; ++y, from += stride) {
      const __m256i weight = _mm256_set1_epi32(weights[y]);
      for (std::size_t v = 0; v < 4; ++v) {
        const __m256i values = widened(from + v * kLanes);
        sums[v] = _mm256_add_epi32(sums[v], _mm256_mullo_epi32(values, weight));
      }
    }
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + x), packed(sums));
  }
}

bool has_avx2() {
  static const bool kFound = __builtin_cpu_supports("avx2") != 0;
  return kFound;
}

#endif

}  // namespace

#if RIDGELINE_HAS_AVX2

void weigh_pixels(const std::uint8_t* row, const Taps& taps, std::uint8_t* to) {
  (has_avx2() ? weigh_pixels_avx2 : weigh_pixels_plain)(row, taps, to);
}

void weigh_rows(const std::uint8_t* rows, std::size_t stride, const std::int32_t* weights,
                std::size_t count, std::size_t bytes, std::uint8_t* to) {
  (has_avx2() ? weigh_rows_avx2 : weigh_rows_plain)(rows, stride, weights, count, bytes, to);
}

#else

void weigh_pixels(const std::uint8_t* row, const Taps& taps, std::uint8_t* to) {
  weigh_pixels_plain(row, taps, to);
}

void weigh_rows(const std::uint8_t* rows, std::size_t stride, const std::int32_t* weights,
                std::size_t count, std::size_t bytes, std::uint8_t* to) {
  weigh_rows_plain(rows, stride, weights, count, bytes, to);
}

#endif

}  // namespace ridgeline::native
