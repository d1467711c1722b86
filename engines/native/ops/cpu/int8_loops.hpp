// Products of 8-bit rows with activations rounded to whole numbers. Integer products add up exactly
// within a block, and need far fewer instructions than widening each weight to float32.
#pragma once

#include "engines/native/ops/cpu/dot_loops.hpp"

namespace ridgeline::native::ops::cpu {
namespace {

// Largest magnitude; NaN when an element is not finite, so that the product shows it.
float reach(const float* x, std::int64_t size) {
  Floats most = {};
  Floats spoiled = {};
  std::int64_t at = 0;
  for (; at + kLanes <= size; at += kLanes) {
    const Floats values = load(x + at);
    most = larger(most, larger(values, -values));
    spoiled += values * 0.f;
  }
  float largest = 0;
  float rest = sum_of(spoiled);
  for (std::int64_t lane = 0; lane < kLanes; ++lane) {
    if (most[lane] > largest) largest = most[lane];
  }
  for (; at < size; ++at) {
    const float magnitude = __builtin_fabsf(x[at]);
    if (magnitude > largest) largest = magnitude;
    rest += x[at] * 0.f;
  }
  return largest + rest;
}

// x · factor, rounded, of one block; zeros up to `room`.
void round_block(const float* x, std::int64_t count, std::int64_t room, float factor,
                 std::int16_t* out) {
  constexpr float kRound = 12582912.f;  // 1.5·2²³: adding it leaves whole numbers
  constexpr std::int32_t kRoundBits = 0x4B400000;
  std::int64_t at = 0;
  for (; at + kLanes <= count; at += kLanes) {
    const Floats shifted = load(x + at) * factor + kRound;
    const Shorts shorts = __builtin_convertvector(bits_as<Ints>(shifted) - kRoundBits, Shorts);
    __builtin_memcpy(out + at, &shorts, sizeof shorts);
  }
  for (; at < count; ++at) {
    out[at] =
        static_cast<std::int16_t>(bits_as<std::int32_t>(x[at] * factor + kRound) - kRoundBits);
  }
  for (; at < room; ++at) out[at] = 0;
}

// Calls finish(values, block, room) on each block that was rounded to magnitudes up to `most`.
template <typename Finish>
void round_blocks(const float* x, std::int64_t size, std::int64_t padded, float most,
                  const RoundedRow& out, const Finish& finish) {
  for (std::int64_t begin = 0; begin < padded; begin += kInt8Block) {
    const std::int64_t left = size > begin ? size - begin : 0;
    const std::int64_t count = left < kInt8Block ? left : kInt8Block;
    const std::int64_t room = padded - begin < kInt8Block ? padded - begin : kInt8Block;
    const float largest = reach(x + begin, count);
    const float factor = largest > 1e-30f ? most / largest : 0.f;
    RoundedBlock& block = out.blocks[begin / kInt8Block];
    block = {largest / most, 0};
    round_block(x + begin, count, room, factor, out.values + begin);
    finish(out.values + begin, block, room);
  }
}

#if defined(__AVX512VNNI__)

// One instruction multiplies 64 unsigned bytes with signed ones and adds fours. The weights become
// unsigned by adding 128; the activations are two signed bytes, 128 · high + low, kept apart: 64 of
// the one, then 64 of the other.
constexpr float kMostRounded = 127 * 128 + 63;

void round(const float* x, std::int64_t size, std::int64_t padded, const RoundedRow& out) {
  round_blocks(x, size, padded, kMostRounded, out,
               [](std::int16_t* values, RoundedBlock& block, std::int64_t room) {
                 std::int32_t sum = 0;
                 for (std::int64_t at = 0; at < room; at += kInt8Step) {
                   std::int8_t bytes[2 * kInt8Step];
                   for (std::int64_t i = 0; i < kInt8Step; ++i) {
                     const int high = (values[at + i] + 64) >> 7;
                     bytes[i] = static_cast<std::int8_t>(high);
                     bytes[kInt8Step + i] = static_cast<std::int8_t>(values[at + i] - 128 * high);
                     sum += values[at + i];
                   }
                   __builtin_memcpy(values + at, bytes, sizeof bytes);
                 }
                 block.offset = -128 * sum;
               });
}

template <int kRows>
void dots_int8_of(const std::int8_t* rows, std::int64_t stride, std::int64_t padded,
                  const RoundedRow& x, float* sums) {
  const __m512i flip = _mm512_set1_epi8(static_cast<char>(0x80));
  Floats all[kRows] = {};
  for (std::int64_t begin = 0; begin < padded; begin += kInt8Block) {
    const std::int64_t end = begin + kInt8Block < padded ? begin + kInt8Block : padded;
    __m512i high[kRows];
    __m512i low[kRows];
    const RoundedBlock& block = x.blocks[begin / kInt8Block];
    const __m512i offset = _mm512_zextsi128_si512(_mm_cvtsi32_si128(block.offset));
#pragma GCC unroll 2
    for (int row = 0; row < kRows; ++row) {
      high[row] = _mm512_setzero_si512();
      low[row] = offset;
    }
    for (std::int64_t at = begin; at < end; at += kInt8Step) {
      const __m512i x_high = _mm512_loadu_si512(x.values + at);
      const __m512i x_low = _mm512_loadu_si512(x.values + at + kInt8Step / 2);
#pragma GCC unroll 2
      for (int row = 0; row < kRows; ++row) {
        const __m512i weights =
            _mm512_xor_si512(_mm512_loadu_si512(rows + row * stride + at), flip);
        high[row] = _mm512_dpbusd_epi32(high[row], weights, x_high);
        low[row] = _mm512_dpbusd_epi32(low[row], weights, x_low);
      }
    }
#pragma GCC unroll 2
    for (int row = 0; row < kRows; ++row) {
      const Ints sum = (bits_as<Ints>(high[row]) << 7) + bits_as<Ints>(low[row]);
      all[row] += __builtin_convertvector(sum, Floats) * block.scale;
    }
  }
  for (int row = 0; row < kRows; ++row) sums[row] = sum_of(all[row]);
}

#else

// Products of int8 with int16, neighbours added: an instruction of its own nearly everywhere. A sum
// of a block stays below 256 · 127 · 32767 < 2³¹ over all lanes.
constexpr float kMostRounded = 32767;

#if defined(__AVX512BW__)
constexpr std::int64_t kInt8Lanes = 32;
inline Ints pair_products(const std::int8_t* row, const std::int16_t* x) {
  const __m512i wide =
      _mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i_u*>(row)));
  return bits_as<Ints>(_mm512_madd_epi16(wide, _mm512_loadu_si512(x)));
}
#elif defined(__AVX2__)
constexpr std::int64_t kInt8Lanes = 16;
inline Ints pair_products(const std::int8_t* row, const std::int16_t* x) {
  const __m256i wide =
      _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i_u*>(row)));
  return bits_as<Ints>(
      _mm256_madd_epi16(wide, _mm256_loadu_si256(reinterpret_cast<const __m256i_u*>(x))));
}
#elif defined(__SSE2__)
constexpr std::int64_t kInt8Lanes = 8;
inline Ints pair_products(const std::int8_t* row, const std::int16_t* x) {
  const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i_u*>(row));
  const __m128i wide = _mm_srai_epi16(_mm_unpacklo_epi8(bytes, bytes), 8);
  return bits_as<Ints>(
      _mm_madd_epi16(wide, _mm_loadu_si128(reinterpret_cast<const __m128i_u*>(x))));
}
#else
constexpr std::int64_t kInt8Lanes = kLanes;
inline Ints pair_products(const std::int8_t* row, const std::int16_t* x) {
  return __builtin_convertvector(load_as<Bytes>(row), Ints) *
         __builtin_convertvector(load_as<Shorts>(x), Ints);
}
#endif

void round(const float* x, std::int64_t size, std::int64_t padded, const RoundedRow& out) {
  round_blocks(x, size, padded, kMostRounded, out,
               [](std::int16_t*, RoundedBlock&, std::int64_t) {});
}

template <int kRows>
void dots_int8_of(const std::int8_t* rows, std::int64_t stride, std::int64_t padded,
                  const RoundedRow& x, float* sums) {
  Floats all[kRows] = {};
  for (std::int64_t begin = 0; begin < padded; begin += kInt8Block) {
    const std::int64_t end = begin + kInt8Block < padded ? begin + kInt8Block : padded;
    Ints sum[kRows] = {};
    for (std::int64_t step = begin; step < end; step += kInt8Step) {
      for (std::int64_t at = step; at < step + kInt8Step; at += kInt8Lanes) {
#pragma GCC unroll 2
        for (int row = 0; row < kRows; ++row) {
          sum[row] += pair_products(rows + row * stride + at, x.values + at);
        }
      }
    }
    const float scale = x.blocks[begin / kInt8Block].scale;
    for (int row = 0; row < kRows; ++row) {
      all[row] += __builtin_convertvector(sum[row], Floats) * scale;
    }
  }
  for (int row = 0; row < kRows; ++row) sums[row] = sum_of(all[row]);
}

#endif

void dots_int8(const std::int8_t* rows, std::int64_t stride, int count, const RoundedRow& x,
               std::int64_t padded, float* sums) {
  for_count(count, [&]<int kRows>() { dots_int8_of<kRows>(rows, stride, padded, x, sums); });
}

}  // namespace
}  // namespace ridgeline::native::ops::cpu
