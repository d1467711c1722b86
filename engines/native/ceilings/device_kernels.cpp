// CUDA source that moves bytes as fast as the memory of a device allows.
#include "engines/native/ceilings/device_kernels.hpp"

#include <fmt/format.h>

namespace ridgeline::native::ceilings {

std::string device_source(Kind kind) {
  // "once": loads that leave no trace in L1 and fetch 256 bytes into L2, and stores that do not ask
  // to be kept. "plain": as the compiler writes them. "chunked": each block has one long piece.
  return fmt::format("#define KIND_{}\n", kernel_prefix(kind)) + R"cuda(
using Word = unsigned long long;
using Count = long long;

template <bool kOnce>
__device__ __forceinline__ ulonglong2 load(const ulonglong2* from) {
#if __CUDA_ARCH__ >= 800
  if (kOnce) {
    ulonglong2 value;
    asm volatile("ld.global.nc.L1::no_allocate.L2::256B.v2.u64 {%0, %1}, [%2];"
                 : "=l"(value.x), "=l"(value.y) : "l"(from));
    return value;
  }
#endif
  return *from;
}

template <bool kOnce>
__device__ __forceinline__ void store(ulonglong2* to, ulonglong2 value) {
  if (kOnce) {
    __stcs(to, value);
  } else {
    *to = value;
  }
}

// The tiles of this block: first, first + step, … below end.
struct Range {
  Count first, end, step;
};

template <bool kChunked>
__device__ __forceinline__ Range my_tiles(Count tiles) {
  if (!kChunked) return {blockIdx.x, tiles, gridDim.x};
  const Count blocks = gridDim.x;
  return {tiles * blockIdx.x / blocks, tiles * (blockIdx.x + 1) / blocks, 1};
}

template <int kThreads, int kLoads>
__device__ __forceinline__ Count place_of(Count tile) {
  return tile * (kThreads * kLoads) + threadIdx.x;
}

template <int kThreads, int kLoads, bool kOnce>
__device__ __forceinline__ void load_tile(const ulonglong2* from, ulonglong2 (&values)[kLoads]) {
#pragma unroll
  for (int i = 0; i < kLoads; ++i) values[i] = load<kOnce>(from + i * kThreads);
}

template <int kThreads, int kLoads, bool kOnce>
__device__ __forceinline__ void store_tile(ulonglong2* to, const ulonglong2 (&values)[kLoads]) {
#pragma unroll
  for (int i = 0; i < kLoads; ++i) store<kOnce>(to + i * kThreads, values[i]);
}

template <int kThreads, int kLoads, bool kOnce, bool kChunked>
__device__ __forceinline__ void read(const ulonglong2* from, Count tiles, Word* sums) {
  Word sum = 0;
  const Range range = my_tiles<kChunked>(tiles);
  for (Count tile = range.first; tile < range.end; tile += range.step) {
    ulonglong2 values[kLoads];
    load_tile<kThreads, kLoads, kOnce>(from + place_of<kThreads, kLoads>(tile), values);
#pragma unroll
    for (int i = 0; i < kLoads; ++i) sum += values[i].x + values[i].y;
  }
  __shared__ Word parts[32];
  for (int lane = 16; lane > 0; lane /= 2) sum += __shfl_xor_sync(~0u, sum, lane);
  if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = sum;
  __syncthreads();
  if (threadIdx.x == 0) {
    for (int part = 1; part < kThreads / 32; ++part) sum += parts[part];
    sums[blockIdx.x] = sum;
  }
}

template <int kThreads, int kLoads, bool kOnce, bool kChunked>
__device__ __forceinline__ void write(ulonglong2* to, Count tiles, Word word) {
  const Range range = my_tiles<kChunked>(tiles);
  for (Count tile = range.first; tile < range.end; tile += range.step) {
    ulonglong2 values[kLoads];
#pragma unroll
    for (int i = 0; i < kLoads; ++i) values[i] = {word, word};
    store_tile<kThreads, kLoads, kOnce>(to + place_of<kThreads, kLoads>(tile), values);
  }
}

template <int kThreads, int kLoads, bool kOnce, bool kChunked>
__device__ __forceinline__ void copy(ulonglong2* to, const ulonglong2* from, Count tiles) {
  const Range range = my_tiles<kChunked>(tiles);
  for (Count tile = range.first; tile < range.end; tile += range.step) {
    ulonglong2 values[kLoads];
    load_tile<kThreads, kLoads, kOnce>(from + place_of<kThreads, kLoads>(tile), values);
    store_tile<kThreads, kLoads, kOnce>(to + place_of<kThreads, kLoads>(tile), values);
  }
}

__device__ __forceinline__ float low(Word word) { return __uint_as_float((unsigned)word); }
__device__ __forceinline__ float high(Word word) { return __uint_as_float((unsigned)(word >> 32)); }

__device__ __forceinline__ Word triad_word(Word a, Word b, float scale) {
  const Word upper = __float_as_uint(fmaf(scale, high(b), high(a)));
  return upper << 32 | __float_as_uint(fmaf(scale, low(b), low(a)));
}

template <int kThreads, int kLoads, bool kOnce, bool kChunked>
__device__ __forceinline__ void triad(ulonglong2* to, const ulonglong2* a, const ulonglong2* b,
                                      Count tiles, float scale) {
  const Range range = my_tiles<kChunked>(tiles);
  for (Count tile = range.first; tile < range.end; tile += range.step) {
    const Count place = place_of<kThreads, kLoads>(tile);
    ulonglong2 values[kLoads], others[kLoads];
    load_tile<kThreads, kLoads, kOnce>(a + place, values);
    load_tile<kThreads, kLoads, kOnce>(b + place, others);
#pragma unroll
    for (int i = 0; i < kLoads; ++i) {
      values[i].x = triad_word(values[i].x, others[i].x, scale);
      values[i].y = triad_word(values[i].y, others[i].y, scale);
    }
    store_tile<kThreads, kLoads, kOnce>(to + place, values);
  }
}

#define BOUNDED(threads) extern "C" __global__ void __launch_bounds__(threads)
#if defined(KIND_read)
#define KERNELS(name, threads, loads, once, chunked)                                    \
  BOUNDED(threads) read_##name(const ulonglong2* from, Count tiles, Word* sums) {       \
    read<threads, loads, once, chunked>(from, tiles, sums);                             \
  }
#elif defined(KIND_write)
#define KERNELS(name, threads, loads, once, chunked)                                    \
  BOUNDED(threads) write_##name(ulonglong2* to, Count tiles, Word word) {               \
    write<threads, loads, once, chunked>(to, tiles, word);                              \
  }
#elif defined(KIND_copy)
#define KERNELS(name, threads, loads, once, chunked)                                    \
  BOUNDED(threads) copy_##name(ulonglong2* to, const ulonglong2* from, Count tiles) {   \
    copy<threads, loads, once, chunked>(to, from, tiles);                               \
  }
#else
#define KERNELS(name, threads, loads, once, chunked)                                    \
  BOUNDED(threads) triad_##name(ulonglong2* to, const ulonglong2* a,                    \
                                const ulonglong2* b, Count tiles, float scale) {        \
    triad<threads, loads, once, chunked>(to, a, b, tiles, scale);                       \
  }
#endif

KERNELS(once_8, 512, 8, true, false)
KERNELS(plain_8, 512, 8, false, false)
KERNELS(once_4, 512, 4, true, false)
KERNELS(plain_4, 1024, 4, false, false)
KERNELS(tile_4, 256, 4, true, false)
KERNELS(tile_2, 512, 2, false, false)
KERNELS(chunked_8, 512, 8, true, true)
KERNELS(once_16, 256, 16, true, false)
)cuda";
}

const char* kernel_prefix(Kind kind) {
  switch (kind) {
    case Kind::kRead:
      return "read";
    case Kind::kWrite:
      return "write";
    case Kind::kCopy:
      return "copy";
    case Kind::kTriad:
      return "triad";
    default:
      return "";
  }
}

}  // namespace ridgeline::native::ceilings
