// Multi-head attention over projected heads: within one sequence, and from one to another.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "engines/native/nn/kv_cache.hpp"
#include "engines/native/nn/layers.hpp"

namespace ridgeline::native::nn {

/// How files name the projections, relative to the scope of the attention.
struct AttentionNames {
  std::string query;
  std::string key;
  std::string value;
  std::string output;
};

struct AttentionShape {
  std::int64_t hidden;  ///< width of the residual stream
  std::int64_t heads;
  std::int64_t head_dim;
  bool bias = true;      ///< of query, key and value
  bool key_bias = true;  ///< of the key alone, where query and value have one
  bool output_bias = true;
};

/// What a forward pass asks of every attention in it.
struct AttentionContext {
  at::Tensor mask;  ///< undefined, or boolean and broadcastable to [B, H, Sq, Sk]
  ops::AttentionOptions options;
};

/// Self-attention with one fused projection of query, key and value.
struct SelfAttention : Module {
  SelfAttention(Scope scope, const AttentionNames& names, const AttentionShape& shape);

  /// x [B, S, hidden] → [B, S, hidden].
  at::Tensor operator()(const at::Tensor& x, const AttentionContext& context) const;
  /// The same behind the tokens of a cache, for layer `layer` of it.
  at::Tensor operator()(const at::Tensor& x, const AttentionContext& context, KvCache& cache,
                        std::int64_t layer) const;

 private:
  AttentionShape shape_;
  FusedLinear qkv_;
  Linear output_;
};

/// Attention of one sequence to another one.
struct CrossAttention : Module {
  CrossAttention(Scope scope, const AttentionNames& names, const AttentionShape& shape);

  /// x [B, S, hidden], source [B, T, hidden] → [B, S, hidden].
  at::Tensor operator()(const at::Tensor& x, const at::Tensor& source,
                        const AttentionContext& context) const;
  /// The two halves of it: keys and values [B, heads, T, head_dim] of the source, views of one
  /// product; and the attention of x to keys and values that were kept.
  KvCache::View project(const at::Tensor& source) const;
  at::Tensor operator()(const at::Tensor& x, const KvCache::View& source,
                        const AttentionContext& context) const;

 private:
  AttentionShape shape_;
  Linear query_;
  FusedLinear key_value_;
  Linear output_;
};

}  // namespace ridgeline::native::nn
