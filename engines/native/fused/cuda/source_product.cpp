// CUDA source of the products of a decoding step: weights are streamed once, everything between two
// products is a prologue or an epilogue of one.
#include "engines/native/fused/cuda/source.hpp"

namespace ridgeline::native::fused {

const char* const kProductSource = R"cuda(
// --- what a lane holds of the input: its columns, kVectors times kElements of them ------------

// x · weight in float32; the norm itself is a factor that the result is multiplied by. `weight` is
// read before the kernels before this one have ended.
template <int kVectors>
struct NormedInput {
  static constexpr int kSharedVectors = 0;
  const float* x;
  const Stored* weight;
  float values[kVectors][kElements];
  float squares = 0;

  __device__ __forceinline__ NormedInput(const float* from, const Stored* norm)
      : x(from), weight(norm) {}

  __device__ __forceinline__ void prepare(int vector, int column) {
    uint4 scale = make_uint4(0, 0, 0, 0);
    if (column < HIDDEN) scale = *reinterpret_cast<const uint4*>(weight + column);
    widen(scale, values[vector]);
  }
  __device__ __forceinline__ void load(int vector, int column) {
    if (column >= HIDDEN) return;
#pragma unroll
    for (int k = 0; k < kElements; k += 4) {
      const float4 four = load_fresh(x + column + k);
      squares += four.x * four.x + four.y * four.y + four.z * four.z + four.w * four.w;
      values[vector][k] *= four.x;
      values[vector][k + 1] *= four.y;
      values[vector][k + 2] *= four.z;
      values[vector][k + 3] *= four.w;
    }
  }
  __device__ __forceinline__ void get(int vector, float (&out)[kElements]) const {
#pragma unroll
    for (int k = 0; k < kElements; ++k) out[k] = values[vector][k];
  }
};

// float32 values as they are.
template <int kVectors, int kColumns>
struct WideInput {
  static constexpr int kSharedVectors = 0;
  const float* x;
  float values[kVectors][kElements];

  __device__ __forceinline__ explicit WideInput(const float* from) : x(from) {}

  __device__ __forceinline__ void prepare(int, int) {}
  __device__ __forceinline__ void load(int vector, int column) {
#pragma unroll
    for (int k = 0; k < kElements; k += 4) {
      float4 four = make_float4(0, 0, 0, 0);
      if (column < kColumns) four = load_fresh(x + column + k);
      values[vector][k] = four.x;
      values[vector][k + 1] = four.y;
      values[vector][k + 2] = four.z;
      values[vector][k + 3] = four.w;
    }
  }
  __device__ __forceinline__ void get(int vector, float (&out)[kElements]) const {
#pragma unroll
    for (int k = 0; k < kElements; ++k) out[k] = values[vector][k];
  }
};

// Values of the weights' dtype, each lane's own in shared memory: rows of this product are long,
// and its registers hold weights.
template <int kVectors, int kColumns, int kThreads>
struct StoredInput {
  static constexpr int kSharedVectors = kVectors * kThreads;
  const Stored* x;

  __device__ __forceinline__ explicit StoredInput(const Stored* from) : x(from) {}

  __device__ __forceinline__ void prepare(int, int) {}
  __device__ __forceinline__ void load(int vector, int column) {
    float4 values = make_float4(0, 0, 0, 0);
    if (column < kColumns) values = load_fresh(reinterpret_cast<const float*>(x + column));
    *reinterpret_cast<float4*>(shared_memory + vector * kThreads + threadIdx.x) = values;
  }
  __device__ __forceinline__ void get(int vector, float (&out)[kElements]) const {
    widen(shared_memory[vector * kThreads + threadIdx.x], out);
  }
};

// --- the product ------------------------------------------------------------------------------

// Adds up kRows values of each lane over the lanes of a warp; afterwards lane l has the sum of row
// row_of_lane<kRows>(l) in values[0]. Each exchange halves the rows that a lane keeps.
template <int kRows>
__device__ __forceinline__ void add_up_rows(float (&values)[kRows]) {
  int apart = 16;
#pragma unroll
  for (int kept = kRows / 2; kept > 0; kept /= 2) {
    const bool upper = threadIdx.x & apart;
#pragma unroll
    for (int i = 0; i < kept; ++i) {
      const float mine = upper ? values[i + kept] : values[i];
      const float theirs = upper ? values[i] : values[i + kept];
      values[i] = mine + __shfl_xor_sync(0xffffffffu, theirs, apart);
    }
    apart /= 2;
  }
#pragma unroll
  for (; apart > 0; apart /= 2) values[0] += __shfl_xor_sync(0xffffffffu, values[0], apart);
}
template <int kRows>
__device__ __forceinline__ int row_of_lane() {
  return threadIdx.x % 32 / (32 / kRows);
}

// Rows across a team of warps: each warp has a slice of kVectors · 32 vectors of the columns, its
// input in registers, and goes through the rows of its block without waiting for anybody. Sums meet
// in shared memory once, at the end. kTeams teams share the rows of a block. The first rows are
// asked for before the kernels before this one have ended.
template <int kUnitRows, int kColumns, int kTeamWarps, int kTeams, int kVectors, int kInFlight>
struct Product {
  static constexpr int kThreads = kTeamWarps * kTeams * 32;
  static constexpr int kSpan = 32 * kElements;  // columns that one load of a warp covers
  static constexpr bool kWhole = kColumns == kSpan * kTeamWarps * kVectors;
  static constexpr int kRows = kInFlight / kVectors > 1 ? kInFlight / kVectors : 1;
  static_assert((kRows & (kRows - 1)) == 0, "rows are added up in halves");
  static_assert(kSpan * kTeamWarps * kVectors >= kColumns, "the team covers all columns");
  using Row = uint4[kVectors];

  __device__ __forceinline__ static int column_of(int vector) {
    return (threadIdx.x / 32 % kTeamWarps * kVectors + vector) * kSpan +
           threadIdx.x % 32 * kElements;
  }

  template <typename RowOf>
  __device__ __forceinline__ static void load(Row& row, const Stored* weight, RowOf row_of,
                                              int first_unit, int index) {
    const int unit = first_unit + index / kUnitRows;
    const Stored* from = weight + (Index)row_of(unit, index % kUnitRows) * kColumns;
#pragma unroll
    for (int v = 0; v < kVectors; ++v) {
      const int column = column_of(v);
      row[v] = kWhole || column < kColumns ? load_once(from + column) : make_uint4(0, 0, 0, 0);
    }
  }

  template <typename Input>
  __device__ __forceinline__ static float multiply(const Row& row, const Input& input) {
    float sum = 0;
#pragma unroll
    for (int v = 0; v < kVectors; ++v) {
      float w[kElements];
      float x[kElements];
      widen(row[v], w);
      input.get(v, x);
#pragma unroll
      for (int k = 0; k < kElements; ++k) sum = fmaf(w[k], x[k], sum);
    }
    return sum;
  }

  // row_of(unit, i): the i-th row of a unit; finish(unit, sums): what one thread does with the
  // result of a unit, once all sums are there.
  template <typename RowOf, typename Input, typename Finish>
  __device__ __forceinline__ static void run(const Stored* weight, int units, RowOf row_of,
                                             Input input, const Finish& finish) {
    auto* partial = reinterpret_cast<float*>(shared_memory + Input::kSharedVectors);
    const int first_unit = (int)((Index)units * blockIdx.x / gridDim.x);
    const int rows =
        ((int)((Index)units * (blockIdx.x + 1) / gridDim.x) - first_unit) * kUnitRows;
    const int warp = threadIdx.x / 32 % kTeamWarps;
    const int team = threadIdx.x / 32 / kTeamWarps;
    int row = team * kRows;
    Row buffer[kRows];
#pragma unroll
    for (int i = 0; i < kRows; ++i) {
      if (row + i < rows) load(buffer[i], weight, row_of, first_unit, row + i);
    }
#pragma unroll
    for (int v = 0; v < kVectors; ++v) input.prepare(v, column_of(v));
    // Not before the loads above: the next kernel's would go ahead of them.
    let_next_start();
    wait_for_earlier();
#pragma unroll
    for (int v = 0; v < kVectors; ++v) input.load(v, column_of(v));
    for (; row < rows; row += kTeams * kRows) {
        float sums[kRows];
#pragma unroll
      for (int i = 0; i < kRows; ++i) {
        sums[i] = multiply(buffer[i], input);
        const int next = row + kTeams * kRows + i;
        if (next < rows) load(buffer[i], weight, row_of, first_unit, next);
      }
      add_up_rows(sums);
      const int mine = row + row_of_lane<kRows>();
      if (threadIdx.x % (32 / kRows) == 0 && mine < rows) partial[warp * rows + mine] = sums[0];
    }
    finish.share(input);
    __syncthreads();
    for (int i = threadIdx.x; i < rows / kUnitRows; i += kThreads) {
      float sums[kUnitRows];
#pragma unroll
      for (int k = 0; k < kUnitRows; ++k) {
        sums[k] = 0;
#pragma unroll
        for (int w = 0; w < kTeamWarps; ++w) sums[k] += partial[w * rows + i * kUnitRows + k];
      }
      finish(first_unit + i, sums);
    }
  }
};

// Wraps what is done with the sums. Without a norm there is nothing to share.
template <typename Emit>
struct Plainly {
  Emit emit;

  template <typename Input>
  __device__ __forceinline__ void share(const Input&) const {}
  template <int kRows>
  __device__ __forceinline__ void operator()(int unit, float (&sums)[kRows]) const {
    emit(unit, sums);
  }
};

// With one: the squares of the first team's warps give the factor.
template <int kTeamWarps, typename Emit>
struct Normed {
  float* squares;
  Emit emit;

  template <typename Input>
  __device__ __forceinline__ void share(const Input& input) const {
    const float sum = sum_of_warp(input.squares);
    if (threadIdx.x % 32 == 0 && threadIdx.x / 32 < kTeamWarps) squares[threadIdx.x / 32] = sum;
  }
  template <int kRows>
  __device__ __forceinline__ void operator()(int unit, float (&sums)[kRows]) const {
    float total = 0;
#pragma unroll
    for (int warp = 0; warp < kTeamWarps; ++warp) total += squares[warp];
    const float factor = rsqrtf(total / HIDDEN + EPSILON);
#pragma unroll
    for (int k = 0; k < kRows; ++k) sums[k] *= factor;
    emit(unit, sums);
  }
};

#define KERNEL(name)           \
  extern "C" __global__ void __launch_bounds__(name##_WARPS * name##_TEAMS * 32, name##_RESIDENT)
#define PRODUCT(name, unit_rows, columns) \
  Product<unit_rows, columns, name##_WARPS, name##_TEAMS, name##_VECTORS, name##_IN_FLIGHT>
constexpr int kQueryWidth = HEADS * HEAD_DIM;

// --- the kernels of one layer -------------------------------------------------------------------

// Two rows of a head that belong together: those that rotary positions turn by one angle, else
// neighbours.
struct HeadRows {
  static constexpr int kUnitsOfHead = HEAD_DIM / 2;
  static constexpr int kTurnedHeads = HEADS + KV_HEADS;

  __device__ __forceinline__ static bool turns(int unit) {
    return unit / kUnitsOfHead < kTurnedHeads && unit % kUnitsOfHead < PAIRS;
  }
  // The feature within its head.
  __device__ __forceinline__ static int feature(int unit, int row) {
    const int j = unit % kUnitsOfHead;
    if (unit / kUnitsOfHead >= kTurnedHeads) return 2 * j + row;
    return j < PAIRS ? j + row * PAIRS : 2 * j + row;
  }
  __device__ __forceinline__ int operator()(int unit, int row) const {
    return unit / kUnitsOfHead * HEAD_DIM + feature(unit, row);
  }
};

// Query, key and value of the normed input; query and key are turned; key and value go to `slot` of
// the cache [KV_HEADS, slots, HEAD_DIM]. query [HEADS, HEAD_DIM] is float32.
KERNEL(HEADS_PRODUCT)
project_heads(const Stored* weight, const Stored* bias, const float* x, const Stored* norm,
              const Stored* cosine, const Stored* sine, float* query, Stored* keys, Stored* values,
              Index slot, Index slots) {
  __shared__ float squares[HEADS_PRODUCT_WARPS];
  const HeadRows rows;
  const auto emit = [&](int unit, const float (&sums)[2]) {
    float first = sums[0];
    float second = sums[1];
#if QKV_BIAS
    first += widen(bias[rows(unit, 0)]);
    second += widen(bias[rows(unit, 1)]);
#endif
    if (HeadRows::turns(unit)) {
      const float c = widen(cosine[unit % HeadRows::kUnitsOfHead]);
      const float s = widen(sine[unit % HeadRows::kUnitsOfHead]);
      const float turned = first * c - second * s;
      second = second * c + first * s;
      first = turned;
    }
    const int head = unit / HeadRows::kUnitsOfHead;
    const int i = HeadRows::feature(unit, 0);
    const int j = HeadRows::feature(unit, 1);
    if (head < HEADS) {
      query[head * HEAD_DIM + i] = first;
      query[head * HEAD_DIM + j] = second;
      return;
    }
    const bool is_key = head < HeadRows::kTurnedHeads;
    const Index row = (head - (is_key ? HEADS : HeadRows::kTurnedHeads)) * slots + slot;
    Stored* to = (is_key ? keys : values) + row * HEAD_DIM;
    to[i] = narrow(first);
    to[j] = narrow(second);
  };
  PRODUCT(HEADS_PRODUCT, 2, HIDDEN)::run(
      weight, (HEADS + 2 * KV_HEADS) * HeadRows::kUnitsOfHead, rows,
      NormedInput<HEADS_PRODUCT_VECTORS>(x, norm),
      Normed<HEADS_PRODUCT_WARPS, decltype(emit)>{squares, emit});
}

struct OneRow {
  __device__ __forceinline__ int operator()(int unit, int) const { return unit; }
};

// x += attended · weightᵀ.
KERNEL(OUTPUT_PRODUCT)
project_output(const Stored* weight, const Stored* bias, const float* attended, float* x) {
  const auto emit = [&](int unit, const float (&sums)[1]) {
    float sum = sums[0];
#if OUTPUT_BIAS
    sum += widen(bias[unit]);
#endif
    x[unit] = __ldcg(x + unit) + sum;
  };
  PRODUCT(OUTPUT_PRODUCT, 1, kQueryWidth)::run(
      weight, HIDDEN, OneRow{}, WideInput<OUTPUT_PRODUCT_VECTORS, kQueryWidth>(attended),
      Plainly<decltype(emit)>{emit});
}

// A row of the gate, and the row of the value that it multiplies.
struct GateAndValue {
  __device__ __forceinline__ int operator()(int unit, int row) const {
    return unit + row * INTERMEDIATE;
  }
};

__device__ __forceinline__ float activated(float x) {
#if defined(ACTIVATION_SILU)
  return x / (1.f + __expf(-x));
#elif defined(ACTIVATION_GELU_TANH)
  return 0.5f * x * (1.f + tanhf(0.7978845608028654f * (x + 0.044715f * x * x * x)));
#elif defined(ACTIVATION_GELU)
  return 0.5f * x * (1.f + erff(x * 0.7071067811865476f));
#else
  return fmaxf(x, 0.f);
#endif
}

// hidden = activation(gate) · value of the normed input, rounded as the next product takes it.
KERNEL(GATE_PRODUCT)
project_gate(const Stored* weight, const Stored* bias, const float* x, const Stored* norm,
             Stored* hidden) {
  __shared__ float squares[GATE_PRODUCT_WARPS];
  const auto emit = [&](int unit, const float (&sums)[2]) {
    float gate = sums[0];
    float value = sums[1];
#if MLP_BIAS
    gate += widen(bias[unit]);
    value += widen(bias[unit + INTERMEDIATE]);
#endif
    hidden[unit] = narrow(activated(gate) * value);
  };
  PRODUCT(GATE_PRODUCT, 2, HIDDEN)::run(
      weight, INTERMEDIATE, GateAndValue{}, NormedInput<GATE_PRODUCT_VECTORS>(x, norm),
      Normed<GATE_PRODUCT_WARPS, decltype(emit)>{squares, emit});
}

// x += hidden · weightᵀ.
KERNEL(DOWN_PRODUCT)
project_down(const Stored* weight, const Stored* bias, const Stored* hidden, float* x) {
  const auto emit = [&](int unit, const float (&sums)[1]) {
    float sum = sums[0];
#if MLP_BIAS
    sum += widen(bias[unit]);
#endif
    x[unit] = __ldcg(x + unit) + sum;
  };
  PRODUCT(DOWN_PRODUCT, 1, INTERMEDIATE)::run(
      weight, HIDDEN, OneRow{}, StoredInput<DOWN_PRODUCT_VECTORS, INTERMEDIATE,
                  DOWN_PRODUCT_WARPS * DOWN_PRODUCT_TEAMS * 32>(hidden),
      Plainly<decltype(emit)>{emit});
}

// --- before and after the layers --------------------------------------------------------------

// The row of a token, widened. Lets the next kernel start only when the step before is done: from
// there on, what that step wrote may be read without waiting.
extern "C" __global__ void __launch_bounds__(256)
embed(const Stored* table, const Index* token, float* x) {
  wait_for_earlier();
  let_next_start();
  const int at = blockIdx.x * 256 + threadIdx.x;
  if (at < HIDDEN) x[at] = widen(table[*token * HIDDEN + at]);
}

// Logits of the normed input.
KERNEL(LOGITS_PRODUCT)
project_logits(const Stored* weight, const float* x, const Stored* norm, Stored* logits) {
  __shared__ float squares[LOGITS_PRODUCT_WARPS];
  const auto emit = [&](int unit, const float (&sums)[1]) { logits[unit] = narrow(sums[0]); };
  PRODUCT(LOGITS_PRODUCT, 1, HIDDEN)::run(
      weight, VOCABULARY, OneRow{}, NormedInput<LOGITS_PRODUCT_VECTORS>(x, norm),
      Normed<LOGITS_PRODUCT_WARPS, decltype(emit)>{squares, emit});
}
)cuda";

}  // namespace ridgeline::native::fused
