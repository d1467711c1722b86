// Greedy longest-match, over one table for the starts of words and one for the rest.
#include "engines/native/inputs/text/word_piece.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "engines/native/inputs/text/unicode.hpp"

namespace ridgeline::native {
namespace {

bool starts_character(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
}

// The entries that begin with `prefix`, without it.
std::vector<VocabularyEntry> continuations(const std::vector<VocabularyEntry>& vocabulary,
                                           std::string_view prefix) {
  std::vector<VocabularyEntry> out;
  for (const VocabularyEntry& entry : vocabulary) {
    if (std::string_view(entry.token).starts_with(prefix)) {
      out.push_back({entry.token.substr(prefix.size()), entry.id});
    }
  }
  return out;
}

class WordPiece final : public TokenModel {
 public:
  WordPiece(const std::vector<VocabularyEntry>& vocabulary, const WordPieceOptions& options)
      : starts_(vocabulary),
        names_(starts_.names()),
        continuations_(continuations(vocabulary, options.continuing_subword_prefix)),
        unk_token_(options.unk_token),
        unk_id_(starts_.find(options.unk_token)),
        max_characters_(options.max_input_chars_per_word) {}

  Status tokenize(std::string_view word, std::vector<std::int64_t>& ids) const override {
    const std::size_t before = ids.size();
    if (std::count_if(word.begin(), word.end(), starts_character) > max_characters_) {
      return append_unknown(ids);
    }
    for (std::size_t start = 0; start < word.size();) {
      const Vocabulary& vocabulary = start == 0 ? starts_ : continuations_;
      const std::size_t end = longest_piece(vocabulary, word, start, ids);
      if (end == start) {
        ids.resize(before);
        return append_unknown(ids);
      }
      start = end;
    }
    return {};
  }

  std::optional<std::int64_t> id_of(std::string_view token) const override {
    return starts_.find(token);
  }
  std::optional<std::string_view> token_of(std::int64_t id) const override {
    const auto found = names_.find(id);
    return found == names_.end() ? std::nullopt : std::optional(found->second);
  }
  std::size_t size() const override { return starts_.size(); }
  std::int64_t largest_id() const override { return starts_.largest_id(); }

 private:
  // Appends the id of the longest piece at `start`; returns its end, or `start` without one.
  static std::size_t longest_piece(const Vocabulary& vocabulary, std::string_view word,
                                   std::size_t start, std::vector<std::int64_t>& ids) {
    std::size_t end = start + std::min(word.size() - start, vocabulary.longest());
    for (; end > start; --end) {
      if (end < word.size() && !starts_character(word[end])) continue;
      if (const auto id = vocabulary.find(word.substr(start, end - start))) {
        ids.push_back(*id);
        return end;
      }
    }
    return start;
  }

  Status append_unknown(std::vector<std::int64_t>& ids) const {
    if (!unk_id_) {
      return bad_input(
          fmt::format("the text has a word without known pieces, and the vocabulary "
                      "lacks the unknown token '{}'",
                      excerpt(unk_token_)));
    }
    ids.push_back(*unk_id_);
    return {};
  }

  Vocabulary starts_;
  std::unordered_map<std::int64_t, std::string_view> names_;
  Vocabulary continuations_;
  std::string unk_token_;
  std::optional<std::int64_t> unk_id_;
  std::int64_t max_characters_;
};

}  // namespace

TokenModelPtr make_word_piece(const std::vector<VocabularyEntry>& vocabulary,
                              const WordPieceOptions& options) {
  return std::make_shared<const WordPiece>(vocabulary, options);
}

Result<WordPieceOptions> parse_word_piece_options(const Json& model, std::string_view what) {
  const std::string where = fmt::format("{}: model", what);
  WordPieceOptions options;
  RIDGELINE_TRY(options.unk_token, get_string(model, "unk_token", where));
  RIDGELINE_TRY(options.continuing_subword_prefix,
                get_string(model, "continuing_subword_prefix", where));
  RIDGELINE_TRY(options.max_input_chars_per_word,
                get_int(model, "max_input_chars_per_word", where));
  if (options.max_input_chars_per_word < 0) {
    return bad_input(fmt::format("{}: 'max_input_chars_per_word' is negative", where));
  }
  return options;
}

}  // namespace ridgeline::native
