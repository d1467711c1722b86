// Added tokens: texts that are found before anything else is done, such as [SEP] and [MASK].
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "engines/native/inputs/text/normalizer.hpp"
#include "engines/native/inputs/text/token_model.hpp"

namespace ridgeline::native {

/// The fields mean what they mean in tokenizer.json.
struct AddedToken {
  std::string content;
  bool single_word = false;  ///< only where no letter, digit or mark stands beside it
  bool lstrip = false;       ///< takes the white space before it
  bool rstrip = false;       ///< takes the white space after it
  bool normalized = false;   ///< looked for in the normalized text, in its normalized form
  bool special = false;

  bool operator==(const AddedToken&) const = default;
};

/// Finds the longest of many texts that starts at a place: a trie over bytes.
class TextTrie {
 public:
  void insert(std::string_view text, std::int64_t value);
  bool empty() const { return nodes_.empty(); }

  struct Match {
    std::size_t length = 0;
    std::int64_t value = 0;
  };
  std::optional<Match> longest_at(std::string_view text, std::size_t at) const;

 private:
  struct Node {
    std::optional<std::int64_t> value;
    std::map<unsigned char, std::uint32_t> children;
  };
  std::vector<Node> nodes_;
  bool first_bytes_[256] = {};
};

class AddedVocabulary {
 public:
  /// As Tokenizer.add_tokens: an id of the model where it knows the text, else the next free one;
  /// a token that is there already takes the new properties. Empty texts are passed over. Errors:
  /// a token whose normalized form is empty; ids above kMaxTokenId.
  Status add(std::span<const AddedToken> tokens, const TokenModel& model,
             const Normalizer* normalizer);

  /// Whether special tokens in a text are left to the model (split_special_tokens).
  void split_special_tokens(bool split) { split_special_ = split; }

  /// A part of a text: an added token, or text between them.
  struct Piece {
    std::string_view text;
    std::optional<std::int64_t> id;
  };

  /// Appends the parts of `text`, looking for the tokens that are normalized, or for the others.
  void split(std::string_view text, bool normalized, std::vector<Piece>& pieces) const;

  /// The id of an added token or else of one of the model's.
  std::optional<std::int64_t> id_of(std::string_view token, const TokenModel& model) const;

  /// The text of an added token, normalized where it is looked for so, or else of one of the
  /// model's: what decoding shows.
  std::optional<std::string_view> token_of(std::int64_t id, const TokenModel& model) const;
  bool is_special(std::string_view token) const { return specials_.contains(token); }

  const std::map<std::int64_t, AddedToken>& tokens() const { return by_id_; }

 private:
  std::int64_t next_id(const TokenModel& model) const;
  Status rebuild(const Normalizer* normalizer);

  std::map<std::string, std::int64_t, std::less<>> ids_;
  std::map<std::int64_t, AddedToken> by_id_;
  std::set<std::string, std::less<>> specials_;
  std::map<std::int64_t, std::string> normalized_;  // of the tokens with that property
  TextTrie raw_trie_;
  TextTrie normalized_trie_;
  bool split_special_ = false;
};

}  // namespace ridgeline::native
