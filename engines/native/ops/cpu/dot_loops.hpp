// Dot products of stored rows with an activation: the inner loops of row products.
#pragma once

#include "engines/native/ops/cpu/loops.hpp"
#include "engines/native/ops/cpu/vectors.hpp"

namespace ridgeline::native::ops::cpu {
namespace {

template <int kRows>
void dots_float32_of(const float* rows, std::int64_t stride, const float* x, std::int64_t size,
                     float* sums) {
  Floats all[kRows][2] = {};
  std::int64_t at = 0;
  for (; at + 2 * kLanes <= size; at += 2 * kLanes) {
    const Floats left = load(x + at);
    const Floats right = load(x + at + kLanes);
#pragma GCC unroll 2
    for (int row = 0; row < kRows; ++row) {
      all[row][0] += load(rows + row * stride + at) * left;
      all[row][1] += load(rows + row * stride + at + kLanes) * right;
    }
  }
  for (int row = 0; row < kRows; ++row) {
    float sum = sum_of(all[row][0] + all[row][1]);
    for (std::int64_t i = at; i < size; ++i) sum += rows[row * stride + i] * x[i];
    sums[row] = sum;
  }
}

#if defined(__AVX512BF16__)

// How far before its use memory is asked for, into the second level: what follows a row is the next
// one of its stretch. That saves a tenth of the time of these products on an EPYC (512 and 2048
// bytes hardly less), and nothing in float32 or 8 bits (docs/performance.md).
constexpr std::int64_t kBytesAhead = 1024;

// One instruction multiplies pairs of bfloat16 and adds them in float32; `x` stays as it is.
template <int kRows>
void dots_bfloat16_of(const std::uint16_t* rows, std::int64_t stride, const float* x,
                      std::int64_t size, float* sums) {
  const auto* halves = reinterpret_cast<const char*>(x);
  const auto load_pairs = [](const void* from) {
    __m512bh pairs;
    __builtin_memcpy(&pairs, from, sizeof pairs);
    return pairs;
  };
  __m512 all[kRows][2];
#pragma GCC unroll 2
  for (int row = 0; row < kRows; ++row) all[row][0] = all[row][1] = _mm512_setzero_ps();
  std::int64_t at = 0;
  for (; at + 64 <= size; at += 64) {
    const __m512bh left = load_pairs(halves + 2 * at);
    const __m512bh right = load_pairs(halves + 2 * at + 64);
#pragma GCC unroll 2
    for (int row = 0; row < kRows; ++row) {
      const std::uint16_t* own = rows + row * stride + at;
      __builtin_prefetch(reinterpret_cast<const char*>(own) + kBytesAhead, 0, 2);
      __builtin_prefetch(reinterpret_cast<const char*>(own) + kBytesAhead + 64, 0, 2);
      all[row][0] = _mm512_dpbf16_ps(all[row][0], load_pairs(own), left);
      all[row][1] = _mm512_dpbf16_ps(all[row][1], load_pairs(own + 32), right);
    }
  }
#pragma GCC unroll 2
  for (int row = 0; row < kRows; ++row) {
    float sum = sum_of(bits_as<Floats>(all[row][0]) + bits_as<Floats>(all[row][1]));
    for (std::int64_t i = at; i < size; ++i) {
      std::uint16_t bits;
      __builtin_memcpy(&bits, halves + 2 * i, sizeof bits);
      sum += widened(rows[row * stride + i]) * widened(bits);
    }
    sums[row] = sum;
  }
}

void prepare_bfloat16(const std::uint16_t* x, std::int64_t size, float* out) {
  __builtin_memcpy(out, x, static_cast<std::uint64_t>(size) * sizeof *x);
}

#else

// Two elements lie in a word of 32 bits: the odd one is a float32 once the lower half is cleared,
// the even one once it is moved up. So a vector of stored elements costs two operations and no
// conversion; `x` is split into even and odd elements for it.
template <int kRows>
void dots_bfloat16_of(const std::uint16_t* rows, std::int64_t stride, const float* x,
                      std::int64_t size, float* sums) {
  const float* even = x;
  const float* odd = x + (size + 1) / 2;
  const std::int64_t words = size / 2;
  Floats all[kRows][2] = {};
  std::int64_t at = 0;
  for (; at + kLanes <= words; at += kLanes) {
    const Floats evens = load(even + at);
    const Floats odds = load(odd + at);
#pragma GCC unroll 2
    for (int row = 0; row < kRows; ++row) {
      const Words both = load_as<Words>(rows + row * stride + 2 * at);
      all[row][0] += bits_as<Floats>(both << 16) * evens;
      all[row][1] += bits_as<Floats>(both & 0xFFFF0000u) * odds;
    }
  }
  for (int row = 0; row < kRows; ++row) {
    const std::uint16_t* own = rows + row * stride;
    float sum = sum_of(all[row][0] + all[row][1]);
    for (std::int64_t i = at; i < words; ++i) {
      sum += widened(own[2 * i]) * even[i] + widened(own[2 * i + 1]) * odd[i];
    }
    if (size % 2 != 0) sum += widened(own[size - 1]) * even[words];
    sums[row] = sum;
  }
}

// Even elements first, odd ones behind them.
void prepare_bfloat16(const std::uint16_t* x, std::int64_t size, float* out) {
  float* odd = out + (size + 1) / 2;
  std::int64_t at = 0;
  for (; at + kLanes <= size / 2; at += kLanes) {
    const Words both = load_as<Words>(x + 2 * at);
    store(out + at, bits_as<Floats>(both << 16));
    store(odd + at, bits_as<Floats>(both & 0xFFFF0000u));
  }
  for (at *= 2; at < size; ++at) (at % 2 == 0 ? out : odd)[at / 2] = widened(x[at]);
}

#endif

// Calls of a loop for as many rows as there are.
template <typename Call>
inline void for_count(int count, const Call& call) {
  static_assert(kRowGroup == 2);
  if (count == 2) return call.template operator()<2>();
  call.template operator()<1>();
}

void dots_float32(const float* rows, std::int64_t stride, int count, const float* x,
                  std::int64_t size, float* sums) {
  for_count(count, [&]<int kRows>() { dots_float32_of<kRows>(rows, stride, x, size, sums); });
}

void dots_bfloat16(const std::uint16_t* rows, std::int64_t stride, int count, const float* x,
                   std::int64_t size, float* sums) {
  for_count(count, [&]<int kRows>() { dots_bfloat16_of<kRows>(rows, stride, x, size, sums); });
}

void widen(const std::uint16_t* x, std::int64_t size, float* out) {
  std::int64_t at = 0;
  for (; at + kLanes <= size; at += kLanes) store(out + at, load(x + at));
  for (; at < size; ++at) out[at] = widened(x[at]);
}

// Half of the last bit that is kept, and a little less for even ones, is added; the bits of a NaN
// are made up, for its own could turn into infinity.
template <typename Bits, typename Value>
inline Bits rounded(Value value) {
  const Bits bits = bits_as<Bits>(value);
  const Bits up = bits + 0x7FFFu + ((bits >> 16) & 1u);
  return (value != value ? bits - bits + 0x7FC00000u : up) >> 16;
}

void narrow(const float* x, std::int64_t size, std::uint16_t* out) {
  std::int64_t at = 0;
  for (; at + kLanes <= size; at += kLanes) {
    const Halves halves = __builtin_convertvector(rounded<Words>(load(x + at)), Halves);
    __builtin_memcpy(out + at, &halves, sizeof halves);
  }
  for (; at < size; ++at) out[at] = static_cast<std::uint16_t>(rounded<std::uint32_t>(x[at]));
}

void from_int8(const std::int8_t* row, float scale, std::int64_t size, float* out) {
  std::int64_t at = 0;
  for (; at + kLanes <= size; at += kLanes) {
    store(out + at, __builtin_convertvector(load_as<Bytes>(row + at), Floats) * scale);
  }
  for (; at < size; ++at) out[at] = static_cast<float>(row[at]) * scale;
}

}  // namespace
}  // namespace ridgeline::native::ops::cpu
