// Inner loops of the CPU kernels, one table for each instruction set. Each of loops_*.cpp is
// compiled for its set and exports one table; best_loops() picks at run time.
//
// The headers that hold the loops include nothing of the standard library: a template that is
// instantiated there could be the copy that the linker keeps for the whole program, instructions
// and all.
#pragma once

#include <cstdint>

namespace ridgeline::native::ops::cpu {

/// Elements of a row that share one scale of the activations, in products with 8-bit weights; rows
/// are stored in multiples of kInt8Step, zeros at the end.
inline constexpr std::int64_t kInt8Block = 256;
inline constexpr std::int64_t kInt8Step = 64;

/// Rows that one call multiplies at most: they share what is loaded of the activation. They should
/// lie far apart, each the start of a stretch of rows that the next calls go on with: the hardware
/// then follows that many streams, and reads faster than along one of them, with or without
/// prefetches of ours (docs/performance.md has the figures).
inline constexpr int kRowGroup = 2;

/// Activations in whole numbers, in an order of the table's own: `values` has room for the padded
/// row, `blocks` for one entry each kInt8Block elements.
struct RoundedBlock {
  float scale;
  std::int32_t offset;  ///< added to each sum of a block, in some tables
};
struct RoundedRow {
  std::int16_t* values;
  RoundedBlock* blocks;
};

/// Keys and values of one key head, bfloat16 given by its bits. Rows lie `*_stride` elements apart.
template <typename Stored>
struct CachedHead {
  const Stored* key;
  const Stored* value;
  std::int64_t key_stride;
  std::int64_t value_stride;
  const bool* mask;  ///< [tokens], true: attend; or nullptr
  std::int64_t tokens;
  std::int64_t key_size;
  std::int64_t value_size;
  const Stored* next_key = nullptr;  ///< keys that this thread will read next, or nullptr
};

/// Attention of `queries` rows, scaled already, to one head: exp(q·k - largest) · v is added up,
/// not divided by its sum yet, so that parts of a long context can be put together. A part whose
/// keys are all masked has the largest score -infinity and the sum 0.
struct AttentionPart {
  const float* query;  ///< [queries, key_size]
  std::int64_t queries;
  float* scores;   ///< [tokens], scratch
  float* sums;     ///< [queries], out
  float* largest;  ///< [queries], out
  float* out;      ///< [queries, value_size]
};

/// Rows are `size` elements; bfloat16 is given by its bits, the upper half of a float32. Sums are
/// float32.
struct Loops {
  const char* name;  ///< "baseline", "avx2", "avx512", "avx512vnni", "avx512bf16"

  /// Products of `count` rows, 1 to kRowGroup and `stride` elements apart, with x → sums.
  void (*dots_float32)(const float* rows, std::int64_t stride, int count, const float* x,
                       std::int64_t size, float* sums);
  /// `x` as prepare_bfloat16() leaves it.
  void (*dots_bfloat16)(const std::uint16_t* rows, std::int64_t stride, int count, const float* x,
                        std::int64_t size, float* sums);
  /// Rows of `padded` elements, a multiple of kInt8Step; `x` as round() leaves it.
  void (*dots_int8)(const std::int8_t* rows, std::int64_t stride, int count, const RoundedRow& x,
                    std::int64_t padded, float* sums);

  /// For dots_bfloat16, in an order of the table's own; `out` has room for `size` floats.
  void (*prepare_bfloat16)(const std::uint16_t* x, std::int64_t size, float* out);
  void (*widen)(const std::uint16_t* x, std::int64_t size, float* out);
  /// Rounds to nearest even.
  void (*narrow)(const float* x, std::int64_t size, std::uint16_t* out);
  /// x in whole numbers of at least 14 bits and a sign, a scale for each kInt8Block elements.
  void (*round)(const float* x, std::int64_t size, std::int64_t padded, const RoundedRow& out);
  /// row · scale → out.
  void (*from_int8)(const std::int8_t* row, float scale, std::int64_t size, float* out);

  /// x · scale · weight → out, with scale = 1 / sqrt(mean of x² + eps).
  void (*rms_norm)(const float* x, const float* weight, std::int64_t size, float eps, float* out);
  /// silu(gate) · value → out.
  void (*silu_gate)(const float* gate, const float* value, std::int64_t size, float* out);
  /// (first, second) ← (first · cosine - second · sine, second · cosine + first · sine).
  void (*rotate)(float* first, float* second, const float* cosine, const float* sine,
                 std::int64_t size);

  void (*attend_float32)(const CachedHead<float>& head, const AttentionPart& part);
  void (*attend_bfloat16)(const CachedHead<std::uint16_t>& head, const AttentionPart& part);
};

extern const Loops kBaselineLoops;
#if defined(__x86_64__)
extern const Loops kAvx2Loops;
extern const Loops kAvx512Loops;
extern const Loops kAvx512VnniLoops;
extern const Loops kAvx512Bf16Loops;
#endif

/// The table for this processor.
const Loops& best_loops();

}  // namespace ridgeline::native::ops::cpu
