// The pre-norm transformer block and stacks of it.
#include "engines/native/nn/encoder_layer.hpp"

#include <utility>

namespace ridgeline::native::nn {

EncoderLayer::EncoderLayer(Scope scope, const EncoderLayerNames& names,
                           const EncoderLayerShape& shape)
    : attention_norm_(scope / names.attention_norm, shape.hidden, shape.norm_eps),
      attention_(
          scope, names.attention,
          {shape.hidden, shape.heads, shape.head_dim, /*bias=*/shape.qkv_bias, shape.key_bias}),
      mlp_norm_(scope / names.mlp_norm, shape.hidden, shape.norm_eps),
      mlp_(scope, names.up, names.down, shape.hidden, shape.intermediate, shape.activation) {}

at::Tensor EncoderLayer::operator()(at::Tensor x, const AttentionContext& context) const {
  x = ops::add_into(x, attention_(attention_norm_(x), context));
  return ops::add_into(x, mlp_(mlp_norm_(x)));
}

EncoderLayers::EncoderLayers(Scope scope, std::int64_t count, const EncoderLayerNames& names,
                             const EncoderLayerShape& shape) {
  for (std::int64_t i = 0; i < count; ++i) layers_.emplace_back(scope / i, names, shape);
}

at::Tensor EncoderLayers::operator()(at::Tensor x, const AttentionContext& context) const {
  for (const EncoderLayer& layer : layers_) x = layer(std::move(x), context);
  return x;
}

}  // namespace ridgeline::native::nn
