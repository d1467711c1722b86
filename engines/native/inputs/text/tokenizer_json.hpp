// Reading tokenizer.json: the vocabulary into a list, the rest into a tree.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"
#include "engines/native/inputs/text/added_tokens.hpp"
#include "engines/native/inputs/text/bpe.hpp"
#include "engines/native/inputs/text/vocabulary.hpp"

namespace ridgeline::native {

/// A tokenizer.json as read; `root` is an object without "model"."vocab" and "model"."merges".
struct TokenizerFile {
  std::string path;
  std::shared_ptr<const Json> root;
  std::vector<VocabularyEntry> vocabulary = {};
  std::vector<MergeRule> merges = {};
  bool has_merges = false;
  bool mentions_byte_level = false;  ///< the text has "ByteLevel" in quotes somewhere
};

/// Reads a JSON object of at most 64 MiB; an object "model"."vocab" of token: id pairs goes to
/// `vocabulary`, an array "model"."merges" of "a b" or ["a", "b"] to `merges`. Time is linear in
/// the size, however many keys an object has. Errors: not JSON, nested deeper than kMaxJsonDepth, a
/// key given twice (outside the vocabulary, where the last one counts), ids that are no integers
/// from 0 to kMaxTokenId, merges that are not two tokens.
Result<TokenizerFile> read_tokenizer_file(const std::string& path);

/// A vocab.json: an object of token: id pairs. Errors: not that, or no pairs.
Result<std::vector<VocabularyEntry>> read_vocabulary_json(const std::string& path);

/// The type of the model: "BPE" and "WordPiece" also where old files leave it out and have the
/// fields.
Result<std::string> model_type(const TokenizerFile& file);

/// "added_tokens" with their ids. Ids are what the file says, not what the tokenizer gives.
struct NumberedToken {
  std::int64_t id = 0;
  AddedToken token;
};
Result<std::vector<NumberedToken>> added_tokens_of(const TokenizerFile& file);

/// One added token as an object; absent fields are false, `normalized` is "not special".
Result<AddedToken> parse_added_token(const Json& json, std::string_view what);

}  // namespace ridgeline::native
