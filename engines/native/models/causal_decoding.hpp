// Decoding of a decoder-only language model with a preallocated cache.
#pragma once

#include <memory>

#include "engines/native/fused/decode_step.hpp"
#include "engines/native/models/decoding.hpp"
#include "engines/native/nn/gated_decoder.hpp"
#include "engines/native/nn/kv_cache.hpp"
#include "engines/native/nn/rotary.hpp"

namespace ridgeline::native {

/// Ids of a batch and where they are padded.
struct CausalPrompt {
  at::Tensor ids;        ///< [B, S]
  at::Tensor mask;       ///< [B, S], undefined when nothing is padded
  at::Tensor positions;  ///< [B or 1, S], undefined: 0, 1, 2, …
};

/// What a pass over a decoder with a language-model head runs. The model that owns it outlives it.
struct CausalStack {
  const nn::GatedDecoder* decoder;
  const nn::Rotary* rotary;
  const ops::ProductWeight* head;
  std::int64_t window = 0;  ///< sliding window; 0: none
  ops::AttentionChoice attention;

  /// Dtype and device of activations.
  at::TensorOptions activations() const;
  /// Mask and causality of a whole prompt.
  nn::AttentionContext prompt_context(const CausalPrompt& prompt) const;
  at::Tensor logits(const at::Tensor& hidden) const {
    return ops::linear(hidden, *head, at::Tensor());
  }
  fused::DecoderTensors tensors() const;
};

class CausalDecoding final : public Decoding {
 public:
  /// Steps run by `kernels` when given.
  CausalDecoding(CausalStack stack, CausalPrompt prompt, const nn::KvCacheShape& shape,
                 const fused::DecodeKernels* kernels);

  at::Tensor prefill() override;
  at::Tensor step(const at::Tensor& tokens) override;
  void snapshot() override { cache_.snapshot(); }
  void restore() override { cache_.restore(); }
  at::Tensor prompt() const override { return prompt_.ids; }
  std::int64_t prompt_length() const override { return prompt_.ids.size(1); }
  std::int64_t batch() const override { return prompt_.ids.size(0); }
  std::int64_t cache_bytes() const override { return cache_.bytes(); }

 private:
  nn::Rotary::Angles angles(std::int64_t begin, std::int64_t count) const;
  nn::Rotary::Angles turn(std::int64_t begin, std::int64_t count) const;
  at::Tensor slots_seen(std::int64_t visible) const;

  CausalStack stack_;
  CausalPrompt prompt_;
  nn::KvCache cache_;
  at::Tensor positions_;      // [B, capacity] of padded prompts, else undefined
  nn::Rotary::Angles table_;  // of all positions; undefined when it depends on the length
  at::Tensor valid_;          // [B, 1, 1, tokens] of padded prompts: which tokens may be seen
  std::unique_ptr<fused::DecodeStep> fused_step_;
};

}  // namespace ridgeline::native
