// A pre-norm transformer block without rotation or cache: x + attention(norm(x)), then
// x + mlp(norm(x)).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "engines/native/nn/attention.hpp"
#include "engines/native/nn/mlp.hpp"

namespace ridgeline::native::nn {

/// How files name the parts, relative to the scope of the block.
struct EncoderLayerNames {
  AttentionNames attention;
  std::string attention_norm;
  std::string up;
  std::string down;
  std::string mlp_norm;
};

struct EncoderLayerShape {
  std::int64_t hidden;
  std::int64_t heads;
  std::int64_t head_dim;
  std::int64_t intermediate;
  double norm_eps;
  ops::Activation activation;
  bool qkv_bias = true;  ///< whether query, key and value have a bias; the output always has one
  bool key_bias = true;  ///< of the key alone, where the others have one
};

struct EncoderLayer : Module {
  EncoderLayer(Scope scope, const EncoderLayerNames& names, const EncoderLayerShape& shape);

  /// x [B, S, hidden] → [B, S, hidden]; overwrites `x`.
  at::Tensor operator()(at::Tensor x, const AttentionContext& context) const;

 private:
  LayerNorm attention_norm_;
  SelfAttention attention_;
  LayerNorm mlp_norm_;
  Mlp mlp_;
};

/// `count` blocks, named scope / 0, scope / 1, ….
struct EncoderLayers : Module {
  EncoderLayers(Scope scope, std::int64_t count, const EncoderLayerNames& names,
                const EncoderLayerShape& shape);

  /// x [B, S, hidden] → [B, S, hidden]; overwrites `x`.
  at::Tensor operator()(at::Tensor x, const AttentionContext& context) const;

 private:
  std::deque<EncoderLayer> layers_;
};

}  // namespace ridgeline::native::nn
