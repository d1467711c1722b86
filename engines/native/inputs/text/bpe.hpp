// Byte-pair encoding (Sennrich et al. 2016) with the options of the tokenizers library.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"
#include "engines/native/inputs/text/token_model.hpp"
#include "engines/native/inputs/text/vocabulary.hpp"

namespace ridgeline::native {

/// Two tokens that become one; earlier ones first.
struct MergeRule {
  std::string left;
  std::string right;
};

struct BpeOptions {
  std::optional<std::string> unk_token = std::nullopt;  ///< without it, unknown characters are lost
  std::string continuing_subword_prefix = {};           ///< of characters that do not begin a word
  std::string end_of_word_suffix = {};                  ///< of the last character of a word
  bool fuse_unk = false;       ///< unknown characters side by side are one token
  bool byte_fallback = false;  ///< unknown characters become <0xHH> tokens where all are known
  bool ignore_merges = false;  ///< a word that is a token is that token
};

/// `what` names the file in errors: a merge of tokens, or into one, that is not in the vocabulary.
/// tokenize() fails when an unknown token is needed and not in the vocabulary. It takes
/// O(n log n) for a word of n characters.
Result<TokenModelPtr> make_bpe(const std::vector<VocabularyEntry>& vocabulary,
                               const std::vector<MergeRule>& merges, const BpeOptions& options,
                               std::string_view what);

/// The options of the "model" entry of a tokenizer.json.
Result<BpeOptions> parse_bpe_options(const Json& model, std::string_view what);

/// "a b": two tokens with one blank between. Errors: another number of blanks.
Result<MergeRule> parse_merge_rule(std::string_view line, std::string_view what);

/// The lines of a merges.txt, without those that begin with "#version".
Result<std::vector<MergeRule>> read_merges(const std::string& path);

}  // namespace ridgeline::native
