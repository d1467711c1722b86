// Greedy decoding as generate(do_sample=False, num_beams=1) of transformers does it.
#pragma once

#include <cstdint>

#include "base/error.hpp"
#include "engines/native/checkpoint/generation_config.hpp"
#include "engines/native/models/decoding.hpp"

namespace ridgeline::native {

struct Generated {
  at::Tensor sequences;  ///< [B, prompt + new], or [B, new] for decoding without a prompt
  at::Tensor tokens;     ///< [B, new], the new ones alone
  at::Tensor logits;     ///< [B, new, V] before suppression; undefined unless asked for
};

/// At most `max_new_tokens`; ends when every row has produced an end token, and pads the others.
Result<Generated> generate_greedy(Decoding& decoding, const GenerationConfig& config,
                                  std::int64_t max_new_tokens, bool keep_logits);

}  // namespace ridgeline::native
