// CUDA source of the attention of one query to a cache, split over the context.
#include "engines/native/fused/cuda/source.hpp"

namespace ridgeline::native::fused {

const char* const kAttentionSource = R"cuda(
constexpr int kGroup = HEADS / KV_HEADS;  // queries that share a key head
constexpr int kAttentionThreads = 256;
constexpr int kAttentionWarps = kAttentionThreads / 32;
constexpr int kVectorsOfRow = HEAD_DIM / kElements;
constexpr int kBurst = ATTENTION_BURST;  // tokens that a worker has under way
constexpr int kMostSplits = 64;

// Lanes that share a row of the cache: the next power of two.
__host__ __device__ constexpr int lanes_of(int vectors) {
  int lanes = 1;
  while (lanes < vectors) lanes *= 2;
  return lanes;
}
constexpr int kLanes = lanes_of(kVectorsOfRow);
// A worker is kLanes neighbouring lanes: it goes through tokens of its own, with a running maximum
// and sum, and meets the other ones at the end only.
constexpr int kWorkers = kAttentionThreads / kLanes;

struct AttentionMemory {
  float sums[kAttentionWarps][kGroup][HEAD_DIM];
  float2 states[kAttentionWarps][kGroup];  // maximum (in powers of two) and sum
  float shares[kGroup][kMostSplits];
  unsigned arrived;
};

// Keys and values of a burst; row i of a worker is `kWorkers` tokens behind row i - 1.
struct Burst {
  uint4 keys[kBurst];
  uint4 values[kBurst];
};

__device__ __forceinline__ uint4 load_row(const Stored* from) {
  uint4 value;
  asm volatile("ld.global.cg.v4.u32 {%0, %1, %2, %3}, [%4];"
               : "=r"(value.x), "=r"(value.y), "=r"(value.z), "=r"(value.w)
               : "l"(from)
               : "memory");
  return value;
}

// The cache of one key head, and the tokens of this block in it.
struct Cache {
  const Stored* keys;
  const Stored* values;
  int end;

  template <typename Wanted>
  __device__ __forceinline__ void load(Burst& burst, int token, Wanted wanted) const {
    const int part = threadIdx.x % kLanes;
    if (part >= kVectorsOfRow) return;
#pragma unroll
    for (int i = 0; i < kBurst; ++i) {
      const int row = token + i * kWorkers;
      if (row >= end || !wanted(row)) continue;
      const Index at = (Index)row * HEAD_DIM + part * kElements;
      burst.keys[i] = load_row(keys + at);
      burst.values[i] = load_row(values + at);
    }
  }
};

// What a worker has seen so far.
struct Seen {
  float sums[kGroup][kElements];
  float largest[kGroup];
  float total[kGroup];
};

__device__ __forceinline__ void see(Seen& seen, const Burst& burst, int token, int end,
                                    const float (&query)[kGroup][kElements]) {
  float scores[kBurst][kGroup];
#pragma unroll
  for (int i = 0; i < kBurst; ++i) {
    float key[kElements];
    widen(burst.keys[i], key);
#pragma unroll
    for (int head = 0; head < kGroup; ++head) {
      float sum = 0;
#pragma unroll
      for (int k = 0; k < kElements; ++k) sum = fmaf(query[head][k], key[k], sum);
      scores[i][head] = sum;
    }
  }
#pragma unroll
  for (int apart = kLanes / 2; apart > 0; apart /= 2) {
#pragma unroll
    for (int i = 0; i < kBurst; ++i) {
#pragma unroll
      for (int head = 0; head < kGroup; ++head) {
        scores[i][head] += __shfl_xor_sync(0xffffffffu, scores[i][head], apart);
      }
    }
  }
#pragma unroll
  for (int head = 0; head < kGroup; ++head) {
    float largest = seen.largest[head];
#pragma unroll
    for (int i = 0; i < kBurst; ++i) {
      if (token + i * kWorkers >= end) scores[i][head] = minus_infinity();
      largest = fmaxf(largest, scores[i][head]);
    }
    // A worker may see no token at all.
    const float base = largest == minus_infinity() ? 0.f : largest;
    const float correction = exp2f(seen.largest[head] - base);
    seen.largest[head] = largest;
    seen.total[head] *= correction;
#pragma unroll
    for (int k = 0; k < kElements; ++k) seen.sums[head][k] *= correction;
#pragma unroll
    for (int i = 0; i < kBurst; ++i) {
      scores[i][head] = exp2f(scores[i][head] - base);
      seen.total[head] += scores[i][head];
    }
  }
#pragma unroll
  for (int i = 0; i < kBurst; ++i) {
    float value[kElements];
    widen(burst.values[i], value);
#pragma unroll
    for (int head = 0; head < kGroup; ++head) {
#pragma unroll
      for (int k = 0; k < kElements; ++k) {
        seen.sums[head][k] = fmaf(scores[i][head], value[k], seen.sums[head][k]);
      }
    }
  }
}

// The workers of a warp put together, into shared memory.
__device__ __forceinline__ void leave(AttentionMemory& memory, Seen& seen) {
  const int part = threadIdx.x % kLanes;
  const int warp = threadIdx.x / 32;
#pragma unroll
  for (int head = 0; head < kGroup; ++head) {
    float largest = seen.largest[head];
#pragma unroll
    for (int apart = kLanes; apart < 32; apart *= 2) {
      largest = fmaxf(largest, __shfl_xor_sync(0xffffffffu, largest, apart));
    }
    const float base = largest == minus_infinity() ? 0.f : largest;
    const float share = exp2f(seen.largest[head] - base);
    float total = seen.total[head] * share;
#pragma unroll
    for (int apart = kLanes; apart < 32; apart *= 2) {
      total += __shfl_xor_sync(0xffffffffu, total, apart);
    }
#pragma unroll
    for (int k = 0; k < kElements; ++k) {
      float sum = seen.sums[head][k] * share;
#pragma unroll
      for (int apart = kLanes; apart < 32; apart *= 2) {
        sum += __shfl_xor_sync(0xffffffffu, sum, apart);
      }
      if (threadIdx.x % 32 == part && part < kVectorsOfRow) {
        memory.sums[warp][head][part * kElements + k] = sum;
      }
    }
    if (threadIdx.x % 32 == 0) memory.states[warp][head] = make_float2(largest, total);
  }
}

// Maximum and sum of `count` states, one every `stride` from `states` on.
__device__ __forceinline__ float2 join(const float2* states, int count, int stride) {
  float2 all = make_float2(minus_infinity(), 0.f);
#pragma unroll
  for (int i = 0; i < count; ++i) all.x = fmaxf(all.x, states[i * stride].x);
#pragma unroll
  for (int i = 0; i < count; ++i) {
    all.y = fmaf(exp2f(states[i * stride].x - all.x), states[i * stride].y, all.y);
  }
  return all;
}

// The splits of one key head put together, by the block that comes last. A warp a head finds the
// share of each split; then a thread a pair of features.
__device__ __forceinline__ void combine(AttentionMemory& memory, int group, int splits,
                                        const float* sums, const float2* states, float* attended) {
  const int lane = threadIdx.x % 32;
  for (int head = threadIdx.x / 32; head < kGroup; head += kAttentionWarps) {
    float2 mine[kMostSplits / 32];
    float largest = minus_infinity();
#pragma unroll
    for (int i = 0; i < kMostSplits / 32; ++i) {
      const int split = i * 32 + lane;
      mine[i] = make_float2(minus_infinity(), 0.f);
      if (split < splits) mine[i] = __ldcg(&states[split * HEADS + group * kGroup + head]);
      largest = fmaxf(largest, mine[i].x);
    }
    largest = max_of_warp(largest);
    float total = 0;
#pragma unroll
    for (int i = 0; i < kMostSplits / 32; ++i) {
      mine[i].x = exp2f(mine[i].x - largest);
      total = fmaf(mine[i].x, mine[i].y, total);
    }
    total = sum_of_warp(total);
#pragma unroll
    for (int i = 0; i < kMostSplits / 32; ++i) {
      memory.shares[head][i * 32 + lane] = mine[i].x / total;
    }
  }
  __syncthreads();
  constexpr int kAtOnce = 16;
  for (int i = threadIdx.x * 2; i < kGroup * HEAD_DIM; i += kAttentionThreads * 2) {
    const int head = i / HEAD_DIM;
    const float* from = sums + (group * kGroup + head) * HEAD_DIM + i % HEAD_DIM;
    float2 sum = make_float2(0, 0);
    for (int first = 0; first < splits; first += kAtOnce) {
      float2 parts[kAtOnce];
#pragma unroll
      for (int k = 0; k < kAtOnce; ++k) {
        parts[k] = make_float2(0, 0);
        if (first + k < splits) {
          parts[k] = __ldcg(reinterpret_cast<const float2*>(
              from + (Index)(first + k) * HEADS * HEAD_DIM));
        }
      }
#pragma unroll
      for (int k = 0; k < kAtOnce; ++k) {
        if (first + k >= splits) break;
        sum.x = fmaf(memory.shares[head][first + k], parts[k].x, sum.x);
        sum.y = fmaf(memory.shares[head][first + k], parts[k].y, sum.y);
      }
    }
    *reinterpret_cast<float2*>(attended + group * kGroup * HEAD_DIM + i) = sum;
  }
}

// attended [HEADS, HEAD_DIM] of query (float32) over the first `visible` slots of the cache
// [KV_HEADS, slots, HEAD_DIM]; the token in `newest` comes from the kernel before. Block (key head
// + KV_HEADS · split). sums [splits, HEADS, HEAD_DIM], states [splits, HEADS]: scratch; arrivals
// [KV_HEADS]: zeros, and zeros again afterwards.
extern "C" __global__ void __launch_bounds__(kAttentionThreads, ATTENTION_RESIDENT)
attend(const float* query, const Stored* keys, const Stored* values, Index visible, Index newest,
       Index slots, float* sums, float2* states, unsigned* arrivals, float* attended) {
  AttentionMemory& memory = *reinterpret_cast<AttentionMemory*>(shared_memory);
  let_next_start();
  const int group = blockIdx.x % KV_HEADS;
  const int split = blockIdx.x / KV_HEADS;
  const int splits = gridDim.x / KV_HEADS;
  const int end = (int)(visible * (split + 1) / splits);
  int token = (int)(visible * split / splits) + threadIdx.x / kLanes;
  const Index head_offset = group * slots * HEAD_DIM;
  const Cache cache = {keys + head_offset, values + head_offset, end};
  const int part = threadIdx.x % kLanes;

  // embed() makes this safe: all tokens but the newest were there before this step began.
  Burst burst = {};
  cache.load(burst, token, [&](int row) { return row != newest; });
  wait_for_earlier();
  cache.load(burst, token, [&](int row) { return row == newest; });
  float mine[kGroup][kElements];
#pragma unroll
  for (int head = 0; head < kGroup; ++head) {
#pragma unroll
    for (int k = 0; k < kElements; k += 4) {
      float4 four = make_float4(0, 0, 0, 0);
      if (part < kVectorsOfRow) {
        four = load_fresh(query + (group * kGroup + head) * HEAD_DIM + part * kElements + k);
      }
      // Powers of two instead of e: SCALE · log2(e).
      constexpr float kScale = SCALE * 1.4426950408889634f;
      mine[head][k] = four.x * kScale;
      mine[head][k + 1] = four.y * kScale;
      mine[head][k + 2] = four.z * kScale;
      mine[head][k + 3] = four.w * kScale;
    }
  }

  Seen seen = {};
#pragma unroll
  for (int head = 0; head < kGroup; ++head) seen.largest[head] = minus_infinity();
  // All lanes of a warp stay together: its first token decides.
  for (int first = token - threadIdx.x % 32 / kLanes; first < end; first += kBurst * kWorkers) {
    Burst next = {};
    cache.load(next, token + kBurst * kWorkers, [](int) { return true; });
    see(seen, burst, token, end, mine);
    burst = next;
    token += kBurst * kWorkers;
  }
  leave(memory, seen);
  __syncthreads();
  for (int i = threadIdx.x; i < kGroup * HEAD_DIM; i += kAttentionThreads) {
    const int head = i / HEAD_DIM;
    const float2 all = join(&memory.states[0][head], kAttentionWarps, kGroup);
    float sum = 0;
#pragma unroll
    for (int warp = 0; warp < kAttentionWarps; ++warp) {
      sum = fmaf(exp2f(memory.states[warp][head].x - all.x), memory.sums[warp][head][i % HEAD_DIM],
                 sum);
    }
    const int whole = group * kGroup + head;
    if (splits == 1) {
      attended[whole * HEAD_DIM + i % HEAD_DIM] = sum / all.y;
    } else {
      sums[((Index)split * HEADS + whole) * HEAD_DIM + i % HEAD_DIM] = sum;
      if (i % HEAD_DIM == 0) states[split * HEADS + whole] = all;
    }
  }
  if (splits == 1) return;
  __threadfence();
  __syncthreads();
  if (threadIdx.x == 0) memory.arrived = atomicAdd(&arrivals[group], 1u);
  __syncthreads();
  if (memory.arrived + 1 != (unsigned)splits) return;
  __threadfence();
  combine(memory, group, splits, sums, states, attended);
  if (threadIdx.x == 0) arrivals[group] = 0;
}
)cuda";

}  // namespace ridgeline::native::fused
