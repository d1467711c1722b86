// What stands beside the vocabulary: tokenizer_config.json, special_tokens_map.json,
// added_tokens.json, and config.json for the tokenizer's class.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "engines/native/inputs/text/added_tokens.hpp"
#include "engines/native/inputs/text/normalizer.hpp"
#include "engines/native/inputs/text/tokenizer_class.hpp"
#include "engines/native/inputs/text/tokenizer_json.hpp"

namespace ridgeline::native {

/// Settings of single classes; those of Llama and GPT-2 mean what they mean in transformers.
struct ClassSettings {
  BertNormalizerOptions bert;
  bool legacy = false;
  std::optional<bool> add_prefix_space;  ///< absent: not named, or null
  std::optional<bool> add_bos_token;     ///< these two count only without a tokenizer.json
  std::optional<bool> add_eos_token;
  std::string language;  ///< of Whisper; empty: none
  std::string task;
  bool predict_timestamps = false;
};

struct TokenizerConfig {
  TokenizerClass tokenizer_class;
  ClassSettings settings;

  /// bos, eos, unk, sep, pad, cls and mask token, then others, as "pad_token": a key that is absent
  /// takes the default of the class, one without a value was null.
  std::vector<std::pair<std::string, std::optional<AddedToken>>> named;
  std::vector<AddedToken> declared;  ///< with properties, by ascending id
  std::vector<AddedToken> extra;     ///< additional special tokens

  std::optional<std::int64_t> model_max_length;  ///< absent: no truncation
  std::optional<bool> pad_left;
  std::optional<bool> truncate_left;
  bool attention_mask = true;
  bool token_type_ids = false;
  bool split_special_tokens = false;
  bool clean_up_spaces = false;      ///< decoding takes blanks before punctuation away
  bool clean_up_bpe_spaces = false;  ///< and does so for byte-pair encodings too
  bool fix_mistral_regex = false;    ///< the flag is set, and the folder is one that it is for

  /// The entry of `named`, or null.
  const std::optional<AddedToken>* find(std::string_view name) const;
  /// The text of a named token; empty when there is none.
  std::string content_of(std::string_view name) const;
};

/// Reads the files that are there; all may be absent. `file` is the folder's tokenizer.json, if
/// there is one. Errors: values of wrong types; a tokenizer class that is not supported, by name.
Result<TokenizerConfig> read_tokenizer_config(const std::string& folder, const TokenizerFile* file);

}  // namespace ridgeline::native
