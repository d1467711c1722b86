// How far apart the outputs of two engines may be, by dtype.
//
// float32: both engines compute the same sums in another order. The error of a value is about the
// largest value times the type's rounding (6e-8) times the square root of the rounded steps behind
// it; hundreds of thousands of them stay within 1e-4 of the largest value, and a wrong operation,
// mask or weight does not. This holds on a GPU as well, as long as no product runs in TF32.
//
// bfloat16 and float16: the error of a whole model cannot be told beforehand, for it grows with its
// depth and depends on which values are rounded between two kernels. But both engines round the
// same model, so both are as far from the same model in float32, apart from luck. The reference is
// therefore transformers in float32 on the same weights, device and inputs, and the native engine
// may be at most twice as far from it as transformers in the same short dtype is. Twice: a fused
// kernel rounds at fewer places and an unfused one at more, and the largest of many errors scatters
// by some ten percent. Where transformers is exact by luck (a single output, a zero), two
// roundings of the type itself are still allowed. Where transformers' own error is a quarter of the
// largest value, the dtype is no use for the model, and nothing can be verified in it.
//
// An output of a few values, as CLIP's one logit for a pair, shows one draw of its error: that of
// the peer may be small by luck, and twice as much is then exceeded in 3 of 10 cases. The peer's
// largest error in any output stands for it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/error.hpp"

namespace ridgeline::study {

/// Errors are relative: the largest difference over the largest value of the reference.
struct VerifyBound {
  std::string_view dtype;
  bool is_direct;  ///< compared with transformers in the same dtype; else with its float32
  double floor;    ///< allowed in any case
  double factor;   ///< times the peer's own error; 0 where the floor is all
  /// Two logits of equal true order may appear swapped when they are nearer than this many bounds:
  /// twice the largest distance of the two engines, which is one bound where both are compared, and
  /// one and a half (ours, and the peer's half) where both are compared with a third.
  double swap;
};

/// All rows.
std::span<const VerifyBound> verify_bounds();

/// The row of a dtype; unknown: unsupported.
Result<VerifyBound> verify_bound(std::string_view dtype);

/// Outputs of fewer values are judged by the peer's largest error in any output.
inline constexpr std::int64_t kFewValues = 16;

/// Above this error of its own the peer's dtype proves nothing.
inline constexpr double kUselessError = 0.25;

/// What one output may be off; `peer_error` is the peer's own distance from the reference, which a
/// direct comparison has not.
double bound_of(const VerifyBound& row, const std::optional<double>& peer_error);

}  // namespace ridgeline::study
