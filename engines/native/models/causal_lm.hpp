// Decoder-only language models over the gated decoder stack, with the heads that transformers gives
// each of them. A family adds its config fields and nothing else.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "engines/native/models/model.hpp"
#include "engines/native/nn/gated_decoder.hpp"

namespace ridgeline::native {

enum class CausalHead { kNone, kLanguageModel, kSequence, kToken, kQuestion };

struct CausalLmConfig {
  nn::GatedDecoderShape shape;
  nn::RotaryConfig rotary;
  std::int64_t window = 0;  ///< sliding window; 0: none
  bool tie_word_embeddings = false;
  std::optional<std::int64_t> pad_token_id;
  std::int64_t labels = 2;
  CausalHead head = CausalHead::kNone;
  /// Where ForQuestionAnswering keeps the stack; all other heads have it under "model".
  std::string question_base = "transformer";
};

/// The fields that Llama and its relatives share, with Llama's defaults: sizes, activation, rotary
/// parameters, biases, head_dim, ties, labels. The head is the one of `request.architecture`, whose
/// name is `prefix` and "ForCausalLM", "Model", "ForSequenceClassification", ….
Result<CausalLmConfig> read_causal_lm_config(const ModelRequest& request, std::string_view prefix);

std::unique_ptr<Model> make_causal_lm(Scope root, CausalLmConfig config);

}  // namespace ridgeline::native
