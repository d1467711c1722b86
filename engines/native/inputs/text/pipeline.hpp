// The stages of a tokenizer put together; what TextTokenizer holds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "engines/native/inputs/text/added_tokens.hpp"
#include "engines/native/inputs/text/normalizer.hpp"
#include "engines/native/inputs/text/post_processor.hpp"
#include "engines/native/inputs/text/pre_tokenizer.hpp"
#include "engines/native/inputs/text/text_tokenizer.hpp"
#include "engines/native/inputs/text/token_model.hpp"

namespace ridgeline::native {

struct TextTokenizer::Pipeline {
  AddedVocabulary added;
  NormalizerPtr normalizer;       ///< may be null
  PreTokenizerPtr pre_tokenizer;  ///< may be null
  TokenModelPtr model;
  PostProcessor post_processor;

  std::optional<std::int64_t> pad_id;
  std::optional<std::int64_t> max_length;
  bool pad_left = false;
  bool truncate_left = false;
  bool attention_mask = true;
  bool token_type_ids = true;
  std::vector<std::int64_t> special_ids;
  std::int64_t vocab_size = 0;
  std::int64_t id_limit = 0;
};

/// Reads the files of a folder and puts the stages together.
Result<TextTokenizer::Pipeline> load_pipeline(const std::string& folder);

}  // namespace ridgeline::native
