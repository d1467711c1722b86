// Pre-tokenizers of tokenizer.json: normalized text to words.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"

namespace ridgeline::native {

class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;

  /// Appends the words of `text`, which are parts of it and never empty, to `words`.
  virtual void split(std::string_view text, std::vector<std::string_view>& words) const = 0;
};

using PreTokenizerPtr = std::shared_ptr<const PreTokenizer>;

/// Words end at white space; every punctuation character is a word.
PreTokenizerPtr make_bert_pre_tokenizer();

/// The pre-tokenizer that a "pre_tokenizer" entry describes: BertPreTokenizer, Whitespace,
/// WhitespaceSplit or a Sequence of them; null for null (the text is one word). Others are
/// kUnsupported, by name.
Result<PreTokenizerPtr> parse_pre_tokenizer(const Json& json, std::string_view what);

}  // namespace ridgeline::native
