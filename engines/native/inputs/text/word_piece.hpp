// WordPiece: the longest pieces first, from the left (Wu et al. 2016; the model of BERT).
#pragma once

#include <string>
#include <vector>

#include "base/json.hpp"
#include "engines/native/inputs/text/token_model.hpp"
#include "engines/native/inputs/text/vocabulary.hpp"

namespace ridgeline::native {

struct WordPieceOptions {
  std::string unk_token = "[UNK]";
  std::string continuing_subword_prefix = "##";
  std::int64_t max_input_chars_per_word = 100;  ///< longer words are unknown
};

/// A word that cannot be split into known pieces is the unknown token; tokenize() fails when the
/// vocabulary lacks that one.
TokenModelPtr make_word_piece(const std::vector<VocabularyEntry>& vocabulary,
                              const WordPieceOptions& options);

/// The options of the "model" entry of a tokenizer.json.
Result<WordPieceOptions> parse_word_piece_options(const Json& model, std::string_view what);

}  // namespace ridgeline::native
