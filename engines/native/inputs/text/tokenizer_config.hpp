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
#include "engines/native/inputs/text/tokenizer_json.hpp"

namespace ridgeline::native {

/// What AutoTokenizer of transformers 5 does with a class of tokenizers.
struct TokenizerClass {
  std::string_view name;
  /// Builds the pipeline from the vocabulary and tokenizer_config.json: of tokenizer.json it takes
  /// the vocabulary alone, whatever normalizer stands there.
  bool rebuilds = false;
  /// Has BERT's special tokens and puts [CLS] and [SEP] around, whatever the file says.
  bool is_bert = false;
  bool token_type_ids = false;
};

struct TokenizerConfig {
  TokenizerClass tokenizer_class;
  BertNormalizerOptions normalizer;

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

  /// The entry of `named`, or null.
  const std::optional<AddedToken>* find(std::string_view name) const;
};

/// Reads the files that are there; all may be absent. `file` is the folder's tokenizer.json, if
/// there is one. Errors: values of wrong types; a tokenizer class that is not supported, by name.
Result<TokenizerConfig> read_tokenizer_config(const std::string& folder, const TokenizerFile* file);

}  // namespace ridgeline::native
