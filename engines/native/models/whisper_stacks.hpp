// Whisper's two stacks: the encoder over log-mel frames, the decoder over tokens.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "engines/native/models/model.hpp"
#include "engines/native/nn/encoder_layer.hpp"

namespace ridgeline::native {

struct WhisperConfig {
  std::int64_t vocab_size, mel_bins, width;
  std::int64_t encoder_layers, encoder_heads, encoder_ffn;
  std::int64_t decoder_layers, decoder_heads, decoder_ffn;
  std::int64_t source_positions;  ///< encoder positions; half the frames of a window
  std::int64_t target_positions;  ///< longest token sequence
  ops::Activation activation;
  std::int64_t labels, classifier_width;
  bool weighted_layer_sum;

  /// From config.json, with the defaults of transformers. Errors: values out of bounds, heads that
  /// do not divide the width, an unknown activation.
  static Result<WhisperConfig> from(const Json& json);
};

struct WhisperEncoder : Module {
  WhisperEncoder(Scope scope, const WhisperConfig& config);

  /// features [B, mel, 2·positions] → [B, positions, width]. With `layers`, also the input of every
  /// layer, and last the result before the final norm is replaced by the normed one, as HF's
  /// hidden_states.
  at::Tensor operator()(const at::Tensor& features, const nn::AttentionContext& context,
                        std::vector<at::Tensor>* layers = nullptr) const;

 private:
  at::Tensor convolution1_, convolution1_bias_, convolution2_, convolution2_bias_, positions_;
  std::deque<nn::EncoderLayer> layers_;
  nn::LayerNorm norm_;
};

/// Caches of the decoder: of its own tokens, and of the encoder's frames.
struct WhisperCaches {
  nn::KvCache self;
  nn::KvCache cross;
};

struct WhisperDecoderLayer : Module {
  WhisperDecoderLayer(Scope scope, const WhisperConfig& config);

  nn::LayerNorm self_norm;
  nn::SelfAttention self;
  nn::LayerNorm cross_norm;
  nn::CrossAttention cross;
  nn::LayerNorm mlp_norm;
  nn::Mlp mlp;
};

struct WhisperDecoder : Module {
  WhisperDecoder(Scope scope, const WhisperConfig& config);

  /// ids [B, T] and the encoder's output → [B, T, width]. `self` has the mask of the tokens.
  at::Tensor operator()(const at::Tensor& ids, const at::Tensor& encoded,
                        const nn::AttentionContext& self, const nn::AttentionContext& cross) const;

  /// Puts the keys and values of the encoder's output into the cross caches.
  void keep_encoded(const at::Tensor& encoded, nn::KvCache& cross) const;

  /// The same over caches: the tokens [B, T] stand behind those that `caches.self` holds, which
  /// then holds them too.
  at::Tensor operator()(const at::Tensor& ids, WhisperCaches& caches,
                        const nn::AttentionContext& self, const nn::AttentionContext& cross) const;

  const at::Tensor& table() const { return tokens_.table(); }

 private:
  at::Tensor embed(const at::Tensor& ids, std::int64_t first_position) const;

  nn::Embedding tokens_;
  at::Tensor positions_;
  std::deque<WhisperDecoderLayer> layers_;
  nn::LayerNorm norm_;
};

}  // namespace ridgeline::native
