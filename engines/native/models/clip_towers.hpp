// The two encoders of CLIP: pre-norm blocks over tokens of a text, and over patches of an image.
#pragma once

#include <cstdint>
#include <vector>

#include "engines/native/models/image_inputs.hpp"
#include "engines/native/models/model.hpp"
#include "engines/native/nn/encoder_layer.hpp"
#include "engines/native/nn/patch_embedding.hpp"

namespace ridgeline::native {

struct ClipTextConfig {
  nn::EncoderLayerShape layer;
  std::int64_t layers;
  std::int64_t vocab_size;
  std::int64_t positions;
  std::int64_t projection;    ///< width of the model "with projection"
  std::int64_t eos_token_id;  ///< 2 means "the largest id", see ClipText::bind()

  /// Reads a `text_config`.
  static Result<ClipTextConfig> from(const Json& config);
};

struct ClipVisionConfig {
  nn::EncoderLayerShape layer;
  std::int64_t layers;
  std::int64_t projection;  ///< width of the model "with projection"
  nn::PatchShape patches;   ///< images and patches are square

  /// Reads a `vision_config`.
  static Result<ClipVisionConfig> from(const Json& config);
};

/// What a tower gives.
struct ClipFeatures {
  at::Tensor hidden;  ///< [B, tokens, hidden]
  at::Tensor pooled;  ///< [B, hidden]
};

/// Texts of one call.
struct ClipTexts {
  at::Tensor ids;        ///< [B, S]
  at::Tensor positions;  ///< [B or 1, S]
  at::Tensor mask;       ///< [B, S], undefined when nothing is padded
  at::Tensor ends;       ///< [B]: the token whose features stand for the text
};

/// Causal blocks and a norm; pooled at the end of the text.
class ClipText : Module {
 public:
  ClipText(Scope scope, const ClipTextConfig& config);

  Result<std::vector<InputSpec>> input_specs(const Workload& workload) const;
  /// The end of a text is its first eos_token_id. An eos_token_id of 2 stands for the largest id:
  /// configs of the first release name 2, where their tokenizer has 49407.
  Result<ClipTexts> bind(const NamedTensors& inputs) const;
  ClipFeatures operator()(const ClipTexts& texts, const ops::AttentionChoice& kernel) const;
  Model::AttentionProbe attention_probe(const NamedTensors& inputs) const;

 private:
  ClipTextConfig config_;
  nn::Embedding tokens_;
  nn::Embedding positions_;
  nn::EncoderLayers layers_;
  nn::LayerNorm norm_;
};

/// Norm, blocks; pooled at the class token, which alone has a norm behind the blocks.
class ClipVision : Module {
 public:
  ClipVision(Scope scope, const ClipVisionConfig& config);

  Result<std::vector<InputSpec>> input_specs(const Workload& workload) const {
    return image_specs(workload, config_.patches);
  }
  Result<Images> bind(const NamedTensors& inputs) const {
    return bind_images(inputs, config_.patches, positions_);
  }
  /// [B, 1 + patches, hidden] behind the blocks.
  at::Tensor encode(const Images& images, const ops::AttentionChoice& kernel) const;
  ClipFeatures operator()(const Images& images, const ops::AttentionChoice& kernel) const;
  Model::AttentionProbe attention_probe(const NamedTensors& inputs) const;

 private:
  ClipVisionConfig config_;
  at::Tensor class_token_;  // [hidden]
  nn::PatchEmbedding patches_;
  at::Tensor positions_;  // [1 + patches, hidden]
  nn::LayerNorm first_norm_;
  nn::EncoderLayers layers_;
  nn::LayerNorm last_norm_;
};

}  // namespace ridgeline::native
