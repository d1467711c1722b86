// The decoder stack of Llama and its relatives: RMS norms before attention and MLP, grouped-query
// attention with rotary positions, an MLP whose gate multiplies its value.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <deque>

#include "engines/native/nn/attention.hpp"
#include "engines/native/nn/kv_cache.hpp"
#include "engines/native/nn/layers.hpp"
#include "engines/native/nn/rotary.hpp"

namespace ridgeline::native::nn {

struct GatedDecoderShape {
  std::int64_t vocab_size;
  std::int64_t hidden;
  std::int64_t intermediate;
  std::int64_t layers;
  std::int64_t heads;
  std::int64_t kv_heads;  ///< divides `heads`
  std::int64_t head_dim;
  double norm_eps;
  ops::Activation activation;
  bool qkv_bias;
  bool output_bias;
  bool mlp_bias;
};

/// What one pass over the stack needs beside the tokens.
struct DecoderPass {
  Rotary::Angles angles;     ///< of the tokens of this pass
  AttentionContext context;  ///< mask of the queries of this pass over the keys they see
  KvCache* cache = nullptr;  ///< keys and values go through it when given
};

/// The tensors of a layer, for those who run it as a whole. Biases that it lacks are undefined.
struct GatedLayerTensors {
  at::Tensor attention_norm;  ///< [hidden]
  ops::ProductWeight heads;   ///< [(H + 2·G) · head_dim, hidden]: query, key, value
  at::Tensor heads_bias;
  ops::ProductWeight output;  ///< [hidden, H · head_dim]
  at::Tensor output_bias;
  at::Tensor mlp_norm;         ///< [hidden]
  ops::ProductWeight gate_up;  ///< [2 · intermediate, hidden]: gate, value
  at::Tensor gate_up_bias;
  ops::ProductWeight down;  ///< [hidden, intermediate]
  at::Tensor down_bias;
};

/// Attention of H query heads to G key heads.
struct GroupedAttention : Module {
  GroupedAttention(Scope scope, const GatedDecoderShape& shape);

  /// x [B, S, hidden] → [B, S, hidden].
  at::Tensor operator()(const at::Tensor& x, std::int64_t layer, const DecoderPass& pass) const;

 private:
  friend struct GatedDecoderLayer;

  std::int64_t heads_;
  std::int64_t kv_heads_;
  std::int64_t head_dim_;
  FusedLinear qkv_;
  Linear output_;
};

struct GatedDecoderLayer : Module {
  GatedDecoderLayer(Scope scope, const GatedDecoderShape& shape);

  at::Tensor operator()(at::Tensor x, std::int64_t layer, const DecoderPass& pass) const;

  GatedLayerTensors tensors() const;

 private:
  RmsNorm attention_norm_;
  GroupedAttention attention_;
  RmsNorm mlp_norm_;
  FusedLinear gate_up_;
  Linear down_;
  ops::Activation activation_;
};

struct GatedDecoder : Module {
  GatedDecoder(Scope scope, const GatedDecoderShape& shape);

  /// ids [B, S] → [B, S, hidden] after the final norm.
  at::Tensor operator()(const at::Tensor& ids, const DecoderPass& pass) const;

  /// The embedding table: its dtype and device are those of the activations.
  const at::Tensor& table() const { return embedding_.table(); }
  const std::deque<GatedDecoderLayer>& layers() const { return layers_; }
  const at::Tensor& last_norm() const { return norm_.weight(); }

 private:
  Embedding embedding_;
  std::deque<GatedDecoderLayer> layers_;
  RmsNorm norm_;
};

}  // namespace ridgeline::native::nn
