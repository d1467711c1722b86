// The stages of a tokenizer put together; what TextTokenizer holds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "engines/native/inputs/text/added_tokens.hpp"
#include "engines/native/inputs/text/decoder.hpp"
#include "engines/native/inputs/text/normalizer.hpp"
#include "engines/native/inputs/text/post_processor.hpp"
#include "engines/native/inputs/text/pre_tokenizer.hpp"
#include "engines/native/inputs/text/text_tokenizer.hpp"
#include "engines/native/inputs/text/token_model.hpp"
#include "engines/native/inputs/text/tokenizer_class.hpp"

namespace ridgeline::native {

/// What CLIP's tokens have at the ends of words.
inline constexpr std::string_view kClipSuffix = "</w>";

/// Tokens around the text before, which Whisper's decoding skips.
struct WhisperMarks {
  std::int64_t prompt = 0;      ///< <|startofprev|>
  std::int64_t transcript = 0;  ///< <|startoftranscript|>
};

struct TextTokenizer::Pipeline {
  AddedVocabulary added;
  NormalizerPtr normalizer;       ///< may be null
  PreTokenizerPtr pre_tokenizer;  ///< may be null
  TokenModelPtr model;
  PostProcessor post_processor;
  DecoderPtr decoder;                    ///< may be null
  std::optional<Error> decoder_problem;  ///< why there is none that can be used
  TokenizerKind kind = TokenizerKind::kFile;
  bool is_bpe = false;                        ///< the model is a byte-pair encoding
  std::optional<WhisperMarks> whisper_marks;  ///< of Whisper's class
  bool clean_up_spaces = false;               ///< decoding takes blanks before punctuation away

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
