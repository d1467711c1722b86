// The stages that tokenizer classes of transformers 5.23 build themselves.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "engines/native/inputs/text/bpe.hpp"
#include "engines/native/inputs/text/pipeline.hpp"
#include "engines/native/inputs/text/tokenizer_config.hpp"
#include "engines/native/inputs/text/vocabulary.hpp"

namespace ridgeline::native {

/// What a class builds from: of tokenizer.json, or of a vocabulary file with its merges.
struct ModelParts {
  std::string path;  ///< for errors
  std::vector<VocabularyEntry> vocabulary;
  std::vector<MergeRule> merges;
};

/// Gives the named special tokens that the files leave out the defaults of the class.
void add_default_tokens(TokenizerConfig& config);

/// Sets model, normalizer, pre-tokenizer and decoder as the class of `config` does.
Status build_class_stages(const ModelParts& parts, const TokenizerConfig& config,
                          TextTokenizer::Pipeline& pipeline);

/// What a class makes of the post-processor once the special tokens are known: Bert's, Clip's and
/// Whisper's replace it. `folder` is for errors.
Status set_class_post_processor(const std::string& folder, const TokenizerConfig& config,
                                TextTokenizer::Pipeline& pipeline);

/// The template that stands in where a folder has none: begin and end of text where
/// `add_bos_token` and `add_eos_token` ask for them.
Status set_bos_eos_template(const std::string& folder, const TokenizerConfig& config,
                            TextTokenizer::Pipeline& pipeline);

}  // namespace ridgeline::native
