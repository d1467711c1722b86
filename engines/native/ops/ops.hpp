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

#include "base/error.hpp"

namespace ridgeline::native::ops {

// --- matmul ---------------------------------------------------------------------------------

/// x [..., in] · weightᵀ [in, out] + bias [out] (bias may be undefined) → [..., out]. `weight` is
/// [out, in], plain or as pack_weight() returned it.
at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias);

/// The weight of linear() in the layout that oneDNN's product wants on this CPU: its values are the
/// same, and it serves linear() only. ATen's own product rearranges the weight in every call.
/// Throws c10::Error where oneDNN cannot take this dtype.
at::Tensor pack_weight(const at::Tensor& weight);

// --- attention ------------------------------------------------------------------------------

/// Which implementation of attention to use; the names of the `attention` optimization.
enum class AttentionKernel { kAuto, kFlash, kMath };

struct AttentionOptions {
  AttentionKernel kernel = AttentionKernel::kAuto;
  bool causal = false;
  std::optional<double> scale = std::nullopt;  ///< 1/sqrt(head_dim) if absent
};

/// query [B, H, Sq, D], key and value [B, H, Sk, D], mask undefined or boolean (true = attend) and
/// broadcastable to [B, H, Sq, Sk] → [B, H, Sq, D]. A mask and `causal` together are refused by
/// ATen: build one mask.
at::Tensor attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                     const at::Tensor& mask, const AttentionOptions& options);

/// The implementation that attention() runs for these inputs: "flash", "math", ….
std::string_view attention_kernel_name(const at::Tensor& query, const at::Tensor& key,
                                       const at::Tensor& value, const at::Tensor& mask,
                                       const AttentionOptions& options);

/// key_mask [B, S], non-zero = attend → boolean [B, 1, 1, S]; with `causal`, [B, 1, S, S] where a
/// query also sees no later key. An undefined key_mask with `causal` gives [1, 1, S, S].
at::Tensor attention_mask(const at::Tensor& key_mask, std::int64_t sequence, bool causal,
                          at::Device device);

// --- norm -----------------------------------------------------------------------------------

/// Layer norm over the last dimension with weight and bias of that size.
at::Tensor layer_norm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                      double eps);

// --- activation -----------------------------------------------------------------------------

enum class Activation { kGelu, kGeluTanh, kQuickGelu, kRelu, kSilu, kTanh };

/// The activation of a `hidden_act` string of config.json; unknown names list the known ones.
Result<Activation> activation_from(std::string_view name);

/// Applies the activation; overwrites `x`, which must not be needed afterwards.
at::Tensor activate(at::Tensor x, Activation activation);

// --- elementwise and lookup -------------------------------------------------------------------

/// a + b of equal shape or broadcast; overwrites `a`, which must not be needed afterwards.
at::Tensor add_into(at::Tensor a, const at::Tensor& b);

/// Rows of table [N, D] at ids (any shape, int64) → [*ids, D]. Ids outside [0, N) throw.
at::Tensor embedding(const at::Tensor& table, const at::Tensor& ids);

/// A contiguous copy when `x` is not contiguous already, else `x`.
at::Tensor contiguous(const at::Tensor& x);

}  // namespace ridgeline::native::ops
