// CUDA source that the fused kernels share: element types, loads, ordering between kernels.
#include "engines/native/fused/cuda/source.hpp"

namespace ridgeline::native::fused {

// Products read activations from shared memory and weights as 16-byte vectors; everything is summed
// in float32. "Stored" is the dtype of weights, cache and logits.
const char* const kCommonSource = R"cuda(
using Index = long long;

#if defined(STORED_FLOAT32)
struct Stored { float bits; };
#else
struct Stored { unsigned short bits; };
#endif

// What a launch grants beyond the arrays that kernels declare themselves.
extern __shared__ uint4 shared_memory[];

// Elements of one 16-byte vector.
constexpr int kElements = 16 / (int)sizeof(Stored);

#if defined(STORED_BFLOAT16)
__device__ __forceinline__ float widen(Stored x) { return __uint_as_float((unsigned)x.bits << 16); }
__device__ __forceinline__ Stored narrow(float x) {
  Stored result;
  asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(result.bits) : "f"(x));
  return result;
}
__device__ __forceinline__ void widen_pair(unsigned pair, float& low, float& high) {
  low = __uint_as_float(pair << 16);
  high = __uint_as_float(pair & 0xffff0000u);
}
#elif defined(STORED_FLOAT16)
__device__ __forceinline__ float widen(Stored x) {
  float result;
  asm("cvt.f32.f16 %0, %1;" : "=f"(result) : "h"(x.bits));
  return result;
}
__device__ __forceinline__ Stored narrow(float x) {
  Stored result;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(result.bits) : "f"(x));
  return result;
}
__device__ __forceinline__ void widen_pair(unsigned pair, float& low, float& high) {
  low = widen(Stored{(unsigned short)(pair & 0xffffu)});
  high = widen(Stored{(unsigned short)(pair >> 16)});
}
#else
__device__ __forceinline__ float widen(Stored x) { return x.bits; }
__device__ __forceinline__ Stored narrow(float x) { return {x}; }
#endif

__device__ __forceinline__ void widen(const uint4& vector, float (&out)[kElements]) {
#if defined(STORED_FLOAT32)
  out[0] = __uint_as_float(vector.x);
  out[1] = __uint_as_float(vector.y);
  out[2] = __uint_as_float(vector.z);
  out[3] = __uint_as_float(vector.w);
#else
  widen_pair(vector.x, out[0], out[1]);
  widen_pair(vector.y, out[2], out[3]);
  widen_pair(vector.z, out[4], out[5]);
  widen_pair(vector.w, out[6], out[7]);
#endif
}

// A vector of weights: read once, so that it leaves no trace in L1.
__device__ __forceinline__ uint4 load_once(const Stored* from) {
  uint4 value;
  asm volatile("ld.global.nc.L1::no_allocate.L2::256B.v4.u32 {%0, %1, %2, %3}, [%4];"
               : "=r"(value.x), "=r"(value.y), "=r"(value.z), "=r"(value.w)
               : "l"(from));
  return value;
}

// What an earlier kernel wrote: from L2, because L1 may hold older values while kernels overlap.
__device__ __forceinline__ float4 load_fresh(const float* from) {
  float4 value;
  asm volatile("ld.global.cg.v4.f32 {%0, %1, %2, %3}, [%4];"
               : "=f"(value.x), "=f"(value.y), "=f"(value.z), "=f"(value.w)
               : "l"(from)
               : "memory");
  return value;
}

// Programmatic dependent launch: the next kernel of the stream may start now, and waits itself for
// what this one writes. Architectures without it run one kernel after the other.
__device__ __forceinline__ void let_next_start() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}
__device__ __forceinline__ void wait_for_earlier() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

__device__ __forceinline__ float minus_infinity() { return __int_as_float(0xff800000u); }

__device__ __forceinline__ float sum_of_warp(float value) {
#pragma unroll
  for (int apart = 16; apart > 0; apart /= 2) value += __shfl_xor_sync(0xffffffffu, value, apart);
  return value;
}

__device__ __forceinline__ float max_of_warp(float value) {
#pragma unroll
  for (int apart = 16; apart > 0; apart /= 2) {
    value = fmaxf(value, __shfl_xor_sync(0xffffffffu, value, apart));
  }
  return value;
}
)cuda";

}  // namespace ridgeline::native::fused
