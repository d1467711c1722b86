// Whisper's encoder and decoder.
#include "engines/native/models/whisper_stacks.hpp"

#include "engines/native/ops/conv.hpp"

namespace ridgeline::native {
namespace {

constexpr double kNormEps = 1e-5;

nn::AttentionNames names() {
  return {"q_proj", "k_proj", "v_proj", "out_proj"};
}

nn::AttentionShape shape(const WhisperConfig& c, std::int64_t heads) {
  return {c.width, heads, c.width / heads, /*bias=*/true, /*key_bias=*/false};
}

nn::EncoderLayerNames encoder_names() {
  return {.attention = {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj",
                        "self_attn.out_proj"},
          .attention_norm = "self_attn_layer_norm",
          .up = "fc1",
          .down = "fc2",
          .mlp_norm = "final_layer_norm"};
}

nn::EncoderLayerShape encoder_shape(const WhisperConfig& c) {
  return {.hidden = c.width,
          .heads = c.encoder_heads,
          .head_dim = c.width / c.encoder_heads,
          .intermediate = c.encoder_ffn,
          .norm_eps = kNormEps,
          .activation = c.activation,
          .qkv_bias = true,
          .key_bias = false};
}

}  // namespace

WhisperEncoder::WhisperEncoder(Scope scope, const WhisperConfig& c)
    : norm_(scope / "layer_norm", c.width, kNormEps) {
  constexpr std::int64_t kKernel = 3;
  scope.parameter(convolution1_, "conv1.weight", {c.width, c.mel_bins, kKernel}, Init::kWeight)
      .convolution();
  scope.parameter(convolution1_bias_, "conv1.bias", {c.width}, Init::kBias);
  scope.parameter(convolution2_, "conv2.weight", {c.width, c.width, kKernel}, Init::kWeight)
      .convolution();
  scope.parameter(convolution2_bias_, "conv2.bias", {c.width}, Init::kBias);
  scope.parameter(positions_, "embed_positions.weight", {c.source_positions, c.width},
                  Init::kEmbedding);
  for (std::int64_t i = 0; i < c.encoder_layers; ++i) {
    layers_.emplace_back(scope / "layers" / i, encoder_names(), encoder_shape(c));
  }
}

at::Tensor WhisperEncoder::operator()(const at::Tensor& features,
                                      const nn::AttentionContext& context,
                                      std::vector<at::Tensor>* layers) const {
  using ops::Activation;
  at::Tensor x = ops::activate(ops::conv1d(features, convolution1_, convolution1_bias_, 1, 1),
                               Activation::kGelu);
  x = ops::activate(ops::conv1d(x, convolution2_, convolution2_bias_, 2, 1), Activation::kGelu);
  x = ops::add_rows(ops::contiguous(x.transpose(1, 2)), positions_, 0);
  for (const nn::EncoderLayer& layer : layers_) {
    if (layers != nullptr) layers->push_back(ops::copy(x));
    x = layer(std::move(x), context);
  }
  x = norm_(x);
  if (layers != nullptr) layers->push_back(x);
  return x;
}

WhisperDecoderLayer::WhisperDecoderLayer(Scope scope, const WhisperConfig& c)
    : self_norm(scope / "self_attn_layer_norm", c.width, kNormEps),
      self(scope / "self_attn", names(), shape(c, c.decoder_heads)),
      cross_norm(scope / "encoder_attn_layer_norm", c.width, kNormEps),
      cross(scope / "encoder_attn", names(), shape(c, c.decoder_heads)),
      mlp_norm(scope / "final_layer_norm", c.width, kNormEps),
      mlp(scope, "fc1", "fc2", c.width, c.decoder_ffn, c.activation) {}

WhisperDecoder::WhisperDecoder(Scope scope, const WhisperConfig& c)
    : tokens_(scope / "embed_tokens", c.vocab_size, c.width),
      norm_(scope / "layer_norm", c.width, kNormEps) {
  scope.parameter(positions_, "embed_positions.weight", {c.target_positions, c.width},
                  Init::kEmbedding);
  for (std::int64_t i = 0; i < c.decoder_layers; ++i) {
    layers_.emplace_back(scope / "layers" / i, c);
  }
}

at::Tensor WhisperDecoder::embed(const at::Tensor& ids, std::int64_t first_position) const {
  return ops::add_rows(tokens_(ids), positions_, first_position);
}

at::Tensor WhisperDecoder::operator()(const at::Tensor& ids, const at::Tensor& encoded,
                                      const nn::AttentionContext& self,
                                      const nn::AttentionContext& cross) const {
  at::Tensor x = embed(ids, 0);
  for (const WhisperDecoderLayer& layer : layers_) {
    x = ops::add_into(layer.self(layer.self_norm(x), self), x);
    x = ops::add_into(layer.cross(layer.cross_norm(x), encoded, cross), x);
    x = ops::add_into(layer.mlp(layer.mlp_norm(x)), x);
  }
  return norm_(x);
}

void WhisperDecoder::keep_encoded(const at::Tensor& encoded, nn::KvCache& cross) const {
  cross.clear();
  std::int64_t at = 0;
  for (const WhisperDecoderLayer& layer : layers_) {
    const nn::KvCache::View projected = layer.cross.project(encoded);
    cross.append(at++, projected.key, projected.value);
  }
  cross.advance(encoded.size(1));
}

at::Tensor WhisperDecoder::operator()(const at::Tensor& ids, WhisperCaches& caches,
                                      const nn::AttentionContext& self,
                                      const nn::AttentionContext& cross) const {
  at::Tensor x = embed(ids, caches.self.length());
  std::int64_t at = 0;
  for (const WhisperDecoderLayer& layer : layers_) {
    x = ops::add_into(layer.self(layer.self_norm(x), self, caches.self, at), x);
    x = ops::add_into(layer.cross(layer.cross_norm(x), caches.cross.all(at), cross), x);
    x = ops::add_into(layer.mlp(layer.mlp_norm(x)), x);
    ++at;
  }
  caches.self.advance(ids.size(1));
  return norm_(x);
}

}  // namespace ridgeline::native
