// The instruction set of the engine. Each op states its cost to the active ledger, gives an empty
// tensor of the right shape for meta inputs, and otherwise is one ATen call.
//
// Views (transpose, slice, reshape of contiguous memory) move nothing and are not ops. Everything
// that computes or copies goes through here; a test watches every ATen call and proves it.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "engines/native/ops/attention_choice.hpp"

namespace ridgeline::native::ops {

// --- matmul ---------------------------------------------------------------------------------

/// A weight [out, in] in 8 bits: weight[o] ≈ rows[o] · scales[o].
struct Int8Weight {
  at::Tensor rows;    ///< int8 [out, in]; undefined where there is none
  at::Tensor scales;  ///< float32 [out]
};

/// The weight [out, in] of linear(), in up to two layouts: the optimizations choose which.
struct ProductWeight {
  at::Tensor plain;         ///< undefined where only another layout is kept
  at::Tensor packed;        ///< as pack_weight() returns it; undefined where there is none
  Int8Weight int8;          ///< as quantize_weight() returns it; then there is no other
  bool row_kernel = false;  ///< products of few rows run row_product() on `plain`

  const at::Tensor& any() const {
    return plain.defined() ? plain : packed.defined() ? packed : int8.rows;
  }
};

/// x [..., in] · weightᵀ [in, out] + bias [out] (bias may be undefined) → [..., out].
at::Tensor linear(const at::Tensor& x, const ProductWeight& weight, const at::Tensor& bias);

/// The weight of linear() in the layout that oneDNN's product wants on this CPU: its values are the
/// same, and it serves linear() only. ATen's own product rearranges the weight in every call.
/// Throws c10::Error where oneDNN cannot take this dtype.
at::Tensor pack_weight(const at::Tensor& weight);

/// The weight of linear() in 8 bits with a scale a row, on a CPU or meta: what linear() then reads
/// is a quarter of float32. Each weight is off by up to 1/254 of the largest one of its row.
Int8Weight quantize_weight(const at::Tensor& weight);

/// Rows up to which linear() prefers row_product(): beyond, a blocked product reads the weights
/// less often.
inline constexpr std::int64_t kFewRows = 4;

/// Whether row_product() takes weights of this dtype on this device.
bool has_row_product(at::ScalarType dtype, at::Device device);

// --- attention ------------------------------------------------------------------------------

struct AttentionOptions {
  AttentionChoice kernel = {};
  bool causal = false;
  std::optional<double> scale = std::nullopt;  ///< 1/sqrt(head_dim) if absent
};

/// The sizes of a call of attention(), by which an AttentionChoice chooses.
AttentionCase attention_case(const at::Tensor& query, const at::Tensor& key, const at::Tensor& mask,
                             bool causal);

/// query [B, H, Sq, D], key and value [B, G, Sk, D] where G divides H (each of the G heads serves
/// H / G neighbouring queries), mask undefined, boolean (true = attend) or as additive_mask() gives
/// it, broadcastable to [B, H, Sq, Sk] → [B, H, Sq, D]. A mask and `causal` together are refused by
/// ATen: build one mask. A chosen implementation that cannot take the inputs gives way to the one
/// that ATen would choose.
at::Tensor attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                     const at::Tensor& mask, const AttentionOptions& options);

/// The implementation that attention() runs for these inputs: "flash", "math", ….
std::string_view attention_kernel_name(const at::Tensor& query, const at::Tensor& key,
                                       const at::Tensor& value, const at::Tensor& mask,
                                       const AttentionOptions& options);

/// Keys or values [B, G, S, D], each head repeated for `heads` / G neighbouring queries →
/// [B, heads, S, D].
at::Tensor repeat_heads(const at::Tensor& x, std::int64_t heads);

/// A boolean mask (true = attend) as what is added to the scores, in `dtype`. Implementations make
/// it of a boolean one in every call: where several layers share a mask, make it once.
at::Tensor additive_mask(const at::Tensor& mask, at::ScalarType dtype);

/// key_mask [B, S], non-zero = attend → boolean [B, 1, 1, S].
at::Tensor attention_mask(const at::Tensor& key_mask);

/// key_mask [B, S] or undefined → boolean [B or 1, 1, S, S] where a query also sees no later key,
/// and with a `window` (0: none) query i keys j > i - window only. A query that would see no key at
/// all sees itself: it would turn into NaN, and that would spread over its batch row.
at::Tensor causal_mask(const at::Tensor& key_mask, std::int64_t sequence, std::int64_t window,
                       at::Device device);

// --- norm -----------------------------------------------------------------------------------

/// Layer norm over the last dimension with weight and bias of that size.
at::Tensor layer_norm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                      double eps);

/// x / sqrt(mean(x²) + eps) · weight over the last dimension; the mean in float32.
at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps);

// --- activation -----------------------------------------------------------------------------

enum class Activation { kGelu, kGeluTanh, kQuickGelu, kRelu, kSilu, kTanh };

/// The activation of a `hidden_act` string of config.json; unknown names list the known ones.
Result<Activation> activation_from(std::string_view name);

/// Applies the activation; overwrites `x`, which must not be needed afterwards.
at::Tensor activate(at::Tensor x, Activation activation);

/// x [..., 2·F], a gate and a value side by side → activation(gate) · value [..., F].
at::Tensor gated(const at::Tensor& x, Activation activation);

// --- elementwise and lookup -------------------------------------------------------------------

/// a + b of equal shape or broadcast; overwrites `a`, which must not be needed afterwards.
at::Tensor add_into(at::Tensor a, const at::Tensor& b);

/// a [B, S, D] + rows [first, first + S) of a table of positions [N, D]; overwrites `a`.
at::Tensor add_rows(at::Tensor a, const at::Tensor& table, std::int64_t first);

/// A copy of `x`, for what is kept while `x` is overwritten.
at::Tensor copy(const at::Tensor& x);

/// Sum of the parts, each times its entry of softmax(weights [parts.size()]).
at::Tensor weighted_sum(const std::vector<at::Tensor>& parts, const at::Tensor& weights);

/// Rows of table [N, D] at ids (any shape, int64) → [*ids, D]. Ids outside [0, N) throw.
at::Tensor embedding(const at::Tensor& table, const at::Tensor& ids);

/// Turns the first 2·R features of every head by the angles of its position, in place: the pairs
/// are (i, i + R). x [B, S, H, D], any strides; cosine and sine [B or 1, S, 1, R] in x's dtype.
void rotate(const at::Tensor& x, const at::Tensor& cosine, const at::Tensor& sine);

/// Writes key and value [B, H, S, D] into slots [at, at + S) of the caches [B, H, capacity, D].
/// `visible_bytes`: what the attention that follows reads of the caches, for the compulsory bytes.
void store(const at::Tensor& key, const at::Tensor& value, const at::Tensor& key_cache,
           const at::Tensor& value_cache, std::int64_t at, double visible_bytes);

/// x [B, S, D] at one position a row [B], int64 → [B, D].
at::Tensor take(const at::Tensor& x, const at::Tensor& positions);

/// Writes values [B] into column `at` of table [B, N]; both int64.
void put_column(const at::Tensor& table, std::int64_t at, const at::Tensor& values);

/// logits [B, V] → index of the largest [B], int64; of equal ones the first.
at::Tensor argmax(const at::Tensor& logits);

/// x with its last dimension turned: element i goes to (i + shift) mod size.
at::Tensor turned(const at::Tensor& x, std::int64_t shift);

/// A contiguous copy when `x` is not contiguous already, else `x`.
at::Tensor contiguous(const at::Tensor& x);

}  // namespace ridgeline::native::ops
