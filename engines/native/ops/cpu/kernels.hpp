// CPU kernels of our own, where ATen leaves most of the memory bandwidth unused or costs more than
// the work: products of one or a few rows with a large weight, and what stands between them in a
// decoding step. float32 and bfloat16, sums in float32. They use the threads of ATen.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace ridgeline::native::ops::cpu {

/// Whether a tensor is on the CPU and of a dtype that the kernels take.
bool is_served(const at::Tensor& x);

// --- products ---------------------------------------------------------------------------------

/// x [..., in] · weightᵀ + bias → [..., out] for a few rows. Streams each row of `weight` [out, in]
/// once. All of one dtype; bias may be undefined.
at::Tensor row_product(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias);

/// The rows of a weight in 8 bits: weight[o] ≈ rows[o] · scales[o], symmetric, the largest
/// magnitude of a row being 127.
struct Int8Rows {
  at::Tensor rows;    ///< int8 [out, in]; apart by a multiple of 64, zeros between
  at::Tensor scales;  ///< float32 [out]
};

/// `weight` [out, in], float32 or bfloat16, or meta: then the result is too.
Int8Rows to_int8(const at::Tensor& weight);

/// The same product with rows in 8 bits. `x` is rounded to 15 bits and a sign, with a scale for
/// every 256 elements: an error far below that of the weights.
at::Tensor row_product(const at::Tensor& x, const Int8Rows& weight, const at::Tensor& bias);

/// For many rows: the weight is widened to x's dtype a block at a time, which stays in the cache.
at::Tensor block_product(const at::Tensor& x, const Int8Rows& weight, const at::Tensor& bias);

// --- the rest of a decoding step --------------------------------------------------------------

/// rms_norm() of contiguous rows.
at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps);

/// x [..., 2·F], contiguous: a gate and a value side by side → silu(gate) · value [..., F].
at::Tensor silu_gate(const at::Tensor& x);

/// rotate() of ops.hpp; the features of a head lie side by side, as do the angles.
void rotate(const at::Tensor& x, const at::Tensor& cosine, const at::Tensor& sine);

/// Copies key and value [B, H, S, D] into the slots [at, at + S) of caches [B, H, capacity, D] of
/// their dtype; features lie side by side.
void store(const at::Tensor& key, const at::Tensor& value, const at::Tensor& key_cache,
           const at::Tensor& value_cache, std::int64_t at);

/// Whether attend() takes these: one query position, at most a mask of keys [B or 1, 1, 1, S].
bool can_attend(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                const at::Tensor& mask);

/// Attention of one position: query [B, H, 1, D], key and value [B, G, S, D] where G divides H →
/// [B, H, 1, D]. Reads each key and value once for its group of queries from the cache they lie in.
/// A query that may see no key at all gives NaN, as ATen does.
at::Tensor attend(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                  const at::Tensor& mask, double scale);

}  // namespace ridgeline::native::ops::cpu
