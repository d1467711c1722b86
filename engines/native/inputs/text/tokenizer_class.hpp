// Which of transformers' tokenizer classes a folder is loaded with.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "engines/native/inputs/text/tokenizer_json.hpp"

namespace ridgeline::native {

/// What a class takes from tokenizer.json.
enum class TokenizerKind {
  kFile,      ///< everything: TokenizersBackend
  kBertFile,  ///< everything but the template of special tokens
  kBert,      ///< the vocabulary; this and the following build their stages themselves
  kLlama,     ///< the vocabulary, the merges and the post-processor
  kGpt2,      ///< likewise
  kWhisper,   ///< the vocabulary and the merges
  kClip,      ///< likewise
};

struct TokenizerClass {
  std::string_view name;
  TokenizerKind kind = TokenizerKind::kFile;
  bool token_type_ids = false;
  bool pad_left = false;  ///< where no file says otherwise

  bool has_bert_tokens() const {
    return kind == TokenizerKind::kBert || kind == TokenizerKind::kBertFile;
  }
  /// Whether the stages in tokenizer.json count.
  bool takes_stages() const {
    return kind == TokenizerKind::kFile || kind == TokenizerKind::kBertFile;
  }
};

/// Chooses as AutoTokenizer of transformers 5.23 does, by the class that tokenizer_config.json
/// (`settings`) or config.json (`model`) names, and by the model's type. `file` is tokenizer.json,
/// or null. A folder that says nothing is BERT's when it has no tokenizer.json. Errors: a class
/// that is not supported, by name.
Result<TokenizerClass> choose_tokenizer_class(const std::string& folder,
                                              const TokenizerFile& settings,
                                              const TokenizerFile& model,
                                              const TokenizerFile* file);

}  // namespace ridgeline::native
