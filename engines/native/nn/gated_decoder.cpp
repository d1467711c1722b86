// The decoder stack of Llama and its relatives.
#include "engines/native/nn/gated_decoder.hpp"

namespace ridgeline::native::nn {

GroupedAttention::GroupedAttention(Scope scope, const GatedDecoderShape& shape)
    : heads_(shape.heads),
      kv_heads_(shape.kv_heads),
      head_dim_(shape.head_dim),
      qkv_(scope, {"q_proj", "k_proj", "v_proj"}, shape.hidden,
           {shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim,
            shape.kv_heads * shape.head_dim},
           std::vector<bool>(3, shape.qkv_bias)),
      output_(scope / "o_proj", shape.heads * shape.head_dim, shape.hidden, shape.output_bias) {}

at::Tensor GroupedAttention::operator()(const at::Tensor& x, std::int64_t layer,
                                        const DecoderPass& pass) const {
  const at::Tensor heads = qkv_(x).unflatten(-1, {heads_ + 2 * kv_heads_, head_dim_});
  // Queries and keys lie side by side and turn by the same angles: one op for both.
  ops::rotate(heads.narrow(2, 0, heads_ + kv_heads_), pass.angles.cosine, pass.angles.sine);
  const at::Tensor query = heads.narrow(2, 0, heads_).transpose(1, 2);
  at::Tensor key = heads.narrow(2, heads_, kv_heads_).transpose(1, 2);
  at::Tensor value = heads.narrow(2, heads_ + kv_heads_, kv_heads_).transpose(1, 2);
  if (pass.cache != nullptr) {
    KvCache::View seen = pass.cache->append(layer, key, value);
    key = std::move(seen.key);
    value = std::move(seen.value);
  }
  const at::Tensor attended =
      ops::attention(query, key, value, pass.context.mask, pass.context.options);
  return output_(ops::contiguous(attended.transpose(1, 2)).flatten(2));
}

GatedDecoderLayer::GatedDecoderLayer(Scope scope, const GatedDecoderShape& shape)
    : attention_norm_(scope / "input_layernorm", shape.hidden, shape.norm_eps),
      attention_(scope / "self_attn", shape),
      mlp_norm_(scope / "post_attention_layernorm", shape.hidden, shape.norm_eps),
      gate_up_(scope / "mlp", {"gate_proj", "up_proj"}, shape.hidden, shape.intermediate,
               shape.mlp_bias),
      down_(scope / "mlp.down_proj", shape.intermediate, shape.hidden, shape.mlp_bias),
      activation_(shape.activation) {}

at::Tensor GatedDecoderLayer::operator()(at::Tensor x, std::int64_t layer,
                                         const DecoderPass& pass) const {
  x = ops::add_into(attention_(attention_norm_(x), layer, pass), x);
  return ops::add_into(down_(ops::gated(gate_up_(mlp_norm_(x)), activation_)), x);
}

GatedLayerTensors GatedDecoderLayer::tensors() const {
  return {.attention_norm = attention_norm_.weight(),
          .heads = attention_.qkv_.weight(),
          .heads_bias = attention_.qkv_.bias(),
          .output = attention_.output_.weight(),
          .output_bias = attention_.output_.bias(),
          .mlp_norm = mlp_norm_.weight(),
          .gate_up = gate_up_.weight(),
          .gate_up_bias = gate_up_.bias(),
          .down = down_.weight(),
          .down_bias = down_.bias()};
}

GatedDecoder::GatedDecoder(Scope scope, const GatedDecoderShape& shape)
    : embedding_(scope / "embed_tokens", shape.vocab_size, shape.hidden),
      norm_(scope / "norm", shape.hidden, shape.norm_eps) {
  for (std::int64_t i = 0; i < shape.layers; ++i) layers_.emplace_back(scope / "layers" / i, shape);
}

at::Tensor GatedDecoder::operator()(const at::Tensor& ids, const DecoderPass& pass) const {
  at::Tensor x = embedding_(ids);
  std::int64_t layer = 0;
  for (const GatedDecoderLayer& block : layers_) x = block(std::move(x), layer++, pass);
  return norm_(x);
}

}  // namespace ridgeline::native::nn
