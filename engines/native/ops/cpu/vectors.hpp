// Vectors of one instruction set for the inner loops: kLanes is set by the file that includes this.
#pragma once

#include <cstdint>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace ridgeline::native::ops::cpu {
namespace {

constexpr std::int64_t kLanes = RIDGELINE_LANES;
using Floats = float __attribute__((vector_size(kLanes * 4)));
using Ints = std::int32_t __attribute__((vector_size(kLanes * 4)));
using Words = std::uint32_t __attribute__((vector_size(kLanes * 4)));
using Halves = std::uint16_t __attribute__((vector_size(kLanes * 2)));
using Shorts = std::int16_t __attribute__((vector_size(kLanes * 2)));
using Bytes = std::int8_t __attribute__((vector_size(kLanes)));

template <typename Vector, typename Element>
inline Vector load_as(const Element* from) {
  Vector values;
  __builtin_memcpy(&values, from, sizeof values);
  return values;
}

template <typename To, typename From>
inline To bits_as(From from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  __builtin_memcpy(&to, &from, sizeof to);
  return to;
}

inline Floats load(const float* from) {
  return load_as<Floats>(from);
}

inline Floats load(const std::uint16_t* from) {
#if defined(__AVX512F__)
  const __m256i bits = _mm256_loadu_si256(reinterpret_cast<const __m256i_u*>(from));
  return bits_as<Floats>(bits_as<Words>(_mm512_maskz_cvtepu16_epi32(0xFFFF, bits)) << 16);
#elif defined(__AVX2__)
  const __m128i bits = _mm_loadu_si128(reinterpret_cast<const __m128i_u*>(from));
  return bits_as<Floats>(bits_as<Words>(_mm256_cvtepu16_epi32(bits)) << 16);
#else
  return bits_as<Floats>(__builtin_convertvector(load_as<Halves>(from), Words) << 16);
#endif
}

inline void store(float* to, Floats values) {
  __builtin_memcpy(to, &values, sizeof values);
}

inline float widened(float value) {
  return value;
}

inline float widened(std::uint16_t bits) {
  return bits_as<float>(static_cast<std::uint32_t>(bits) << 16);
}

// Rows are short: adding lane by lane would take as long as a row does. So the upper half goes on
// the lower one, and so on; four sums at once take hardly longer than one.
#if defined(__AVX2__)

inline __m256 halved(Floats values) {
#if defined(__AVX512F__)
  // The plain forms of these pass on an undefined register, of which g++ 12 warns.
  const auto all = bits_as<__m512d>(values);
  return _mm256_add_ps(_mm256_castpd_ps(_mm512_maskz_extractf64x4_pd(0xF, all, 0)),
                       _mm256_castpd_ps(_mm512_maskz_extractf64x4_pd(0xF, all, 1)));
#else
  return bits_as<__m256>(values);
#endif
}

inline float sum_of(Floats values) {
  const __m256 eight = halved(values);
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

inline void sums_of(const Floats (&values)[4], float* sums) {
  const __m256 pairs = _mm256_hadd_ps(_mm256_hadd_ps(halved(values[0]), halved(values[1])),
                                      _mm256_hadd_ps(halved(values[2]), halved(values[3])));
  _mm_storeu_ps(sums, _mm_add_ps(_mm256_castps256_ps128(pairs), _mm256_extractf128_ps(pairs, 1)));
}

#else

inline float sum_of(Floats values) {
  float sum = 0;
  for (std::int64_t lane = 0; lane < kLanes; ++lane) sum += values[lane];
  return sum;
}

inline void sums_of(const Floats (&values)[4], float* sums) {
  for (int i = 0; i < 4; ++i) sums[i] = sum_of(values[i]);
}

#endif

inline Floats larger(Floats a, Floats b) {
  return a > b ? a : b;
}

// eˣ to 2 units in the last place for |x| < 87; 0 below, and large above. 2ⁿ · eʳ with |r| <=
// log(2)/2, the latter by its Taylor polynomial to degree 7.
inline Floats exp_of(Floats x) {
  const Floats zero = {};
  const Floats low = zero - 87.f;
  const Floats clamped = x < low ? low : (x > zero + 88.f ? zero + 88.f : x);
  // Adding 1.5·2²³ rounds to whole numbers, which then stand in the lowest bits.
  const Floats shifted = clamped * 1.44269504f + 12582912.f;
  const Floats whole = shifted - 12582912.f;
  // log(2) in two parts, so that the product with the whole number is exact.
  const Floats r = (clamped - whole * 0.693359375f) + whole * 2.12194440e-4f;
  Floats power = zero + 1.f / 5040;
  power = power * r + 1.f / 720;
  power = power * r + 1.f / 120;
  power = power * r + 1.f / 24;
  power = power * r + 1.f / 6;
  power = power * r + 0.5f;
  power = power * r + 1.f;
  power = power * r + 1.f;
  const Ints exponent = (bits_as<Ints>(shifted) - 0x4B400000 + 127) << 23;
  return x < low ? zero : power * bits_as<Floats>(exponent);
}

}  // namespace
}  // namespace ridgeline::native::ops::cpu
