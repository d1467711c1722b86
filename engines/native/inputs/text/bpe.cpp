// Words to the tokens of their characters, and reading what the model is made of.
#include "engines/native/inputs/text/bpe.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "base/file.hpp"
#include "engines/native/inputs/text/merge_table.hpp"
#include "engines/native/inputs/text/unicode.hpp"

namespace ridgeline::native {
namespace {

constexpr std::uint64_t kMaxMergesBytes = 64ull << 20;

// Places in a word are 32-bit numbers.
constexpr std::size_t kMaxSymbols = 1u << 30;

// Memory that is asked for at once: most words are shorter.
constexpr std::size_t kUsualWord = 64;

using Ids = std::vector<std::int64_t>;

class Bpe final : public TokenModel {
 public:
  Bpe(Vocabulary vocabulary, MergeTable merges, const BpeOptions& options)
      : vocabulary_(std::move(vocabulary)),
        names_(vocabulary_.names()),
        merges_(std::move(merges)),
        options_(options) {
    if (options_.unk_token) unk_id_ = vocabulary_.find(*options_.unk_token);
    for (std::size_t place = 0; place < kPlaces; ++place) {
      for (char32_t c = 0; c < kKnownCharacters; ++c) {
        std::string text;
        append_utf8(c, text);
        known_[place][c] = find(text, place);
      }
    }
    for (std::size_t byte = 0; byte < 256; ++byte) {
      byte_ids_[byte] = id_or_none(fmt::format("<0x{:02X}>", byte));
    }
  }

  Status tokenize(std::string_view word, Ids& ids) const override {
    if (options_.ignore_merges) {
      if (const auto id = vocabulary_.find(word)) {
        ids.push_back(*id);
        return {};
      }
    }
    Symbols symbols;
    symbols.reserve(std::min(word.size(), kUsualWord));
    RIDGELINE_CHECK(split(word, symbols));
    if (symbols.size() > kMaxSymbols) {
      return bad_input(fmt::format("a word has more than {} characters", kMaxSymbols));
    }
    merge_symbols(merges_, symbols);
    ids.insert(ids.end(), symbols.begin(), symbols.end());
    return {};
  }

  std::optional<std::int64_t> id_of(std::string_view token) const override {
    return vocabulary_.find(token);
  }
  std::optional<std::string_view> token_of(std::int64_t id) const override {
    const auto found = names_.find(id);
    return found == names_.end() ? std::nullopt : std::optional(found->second);
  }
  std::size_t size() const override { return vocabulary_.size(); }
  std::int64_t largest_id() const override { return vocabulary_.largest_id(); }

 private:
  static constexpr std::int32_t kNone = -1;
  static constexpr std::size_t kPlaces = 4;
  static constexpr std::size_t kNotFirst = 1;  // takes continuing_subword_prefix
  static constexpr std::size_t kLast = 2;      // takes end_of_word_suffix
  // ASCII, Latin and the characters of byte-level BPE are looked up in tables.
  static constexpr char32_t kKnownCharacters = 0x180;

  std::int32_t id_or_none(std::string_view token) const {
    const auto id = vocabulary_.find(token);
    return id ? static_cast<std::int32_t>(*id) : kNone;
  }

  // The text of a character in its place.
  std::string spelled(std::string_view character, std::size_t place) const {
    std::string text;
    if ((place & kNotFirst) != 0) text += options_.continuing_subword_prefix;
    text += character;
    if ((place & kLast) != 0) text += options_.end_of_word_suffix;
    return text;
  }

  std::int32_t find(std::string_view character, std::size_t place) const {
    const bool is_plain =
        ((place & kNotFirst) == 0 || options_.continuing_subword_prefix.empty()) &&
        ((place & kLast) == 0 || options_.end_of_word_suffix.empty());
    return id_or_none(is_plain ? character : std::string_view(spelled(character, place)));
  }

  // The characters of a word as tokens, before any merge.
  Status split(std::string_view word, Symbols& symbols) const {
    bool unknown = false;  // an unknown token that is not in `symbols` yet
    for (std::size_t at = 0; at < word.size();) {
      const std::size_t begin = at;
      const char32_t c = decode_utf8(word, at);
      const std::size_t place = (begin > 0 ? kNotFirst : 0) | (at == word.size() ? kLast : 0);
      const std::string_view text = word.substr(begin, at - begin);
      const std::int32_t id = c < kKnownCharacters ? known_[place][c] : find(text, place);
      if (id != kNone) {
        if (unknown) symbols.push_back(static_cast<std::int32_t>(*unk_id_));
        unknown = false;
        symbols.push_back(id);
        continue;
      }
      // Bytes go in front of an unknown token that waits: so does the tokenizers library.
      if (options_.byte_fallback && append_bytes(spelled(text, place), symbols)) continue;
      if (!options_.unk_token) continue;
      if (!unk_id_) {
        return bad_input(
            fmt::format("the text has an unknown character, and the vocabulary lacks "
                        "the unknown token '{}'",
                        excerpt(*options_.unk_token)));
      }
      if (unknown && !options_.fuse_unk) symbols.push_back(static_cast<std::int32_t>(*unk_id_));
      unknown = true;
    }
    if (unknown) symbols.push_back(static_cast<std::int32_t>(*unk_id_));
    return {};
  }

  bool append_bytes(std::string_view text, Symbols& symbols) const {
    const auto id = [&](char c) { return byte_ids_[static_cast<unsigned char>(c)]; };
    if (std::any_of(text.begin(), text.end(), [&](char c) { return id(c) == kNone; })) return false;
    for (const char c : text) symbols.push_back(id(c));
    return true;
  }

  Vocabulary vocabulary_;
  std::unordered_map<std::int64_t, std::string_view> names_;
  MergeTable merges_;
  BpeOptions options_;
  std::optional<std::int64_t> unk_id_;
  std::array<std::array<std::int32_t, kKnownCharacters>, kPlaces> known_{};
  std::array<std::int32_t, 256> byte_ids_{};
};

}  // namespace

Result<TokenModelPtr> make_bpe(const std::vector<VocabularyEntry>& vocabulary,
                               const std::vector<MergeRule>& merges, const BpeOptions& options,
                               std::string_view what) {
  Vocabulary tokens(vocabulary);
  MergeTable table(merges.size());
  const std::size_t prefix = options.continuing_subword_prefix.size();
  for (std::size_t rank = 0; rank < merges.size(); ++rank) {
    const auto& [left, right] = merges[rank];
    std::string merged = left;
    if (right.size() >= prefix) merged.append(right, prefix);
    std::int32_t ids[3] = {};
    const std::string_view names[3] = {left, right, merged};
    for (std::size_t i = 0; i < 3; ++i) {
      const auto id = tokens.find(names[i]);
      if (!id || right.size() < prefix) {
        return bad_input(
            fmt::format("{}: merge {} needs the token '{}', which is not in the vocabulary", what,
                        rank + 1, excerpt(names[i])));
      }
      ids[i] = static_cast<std::int32_t>(*id);
    }
    table.insert(ids[0], ids[1], {static_cast<std::uint32_t>(rank), ids[2]});
  }
  return TokenModelPtr(std::make_shared<const Bpe>(std::move(tokens), std::move(table), options));
}

Result<BpeOptions> parse_bpe_options(const Json& model, std::string_view what) {
  const std::string where = fmt::format("{}: model", what);
  BpeOptions options;
  if (model.contains("unk_token") && !model["unk_token"].is_null()) {
    RIDGELINE_TRY(options.unk_token, get_string(model, "unk_token", where));
  }
  RIDGELINE_TRY(options.continuing_subword_prefix,
                get_string(model, "continuing_subword_prefix", where, ""));
  RIDGELINE_TRY(options.end_of_word_suffix, get_string(model, "end_of_word_suffix", where, ""));
  RIDGELINE_TRY(options.fuse_unk, get_bool(model, "fuse_unk", where, false));
  RIDGELINE_TRY(options.byte_fallback, get_bool(model, "byte_fallback", where, false));
  RIDGELINE_TRY(options.ignore_merges, get_bool(model, "ignore_merges", where, false));
  RIDGELINE_TRY(const double dropout, get_number(model, "dropout", where, 0));
  if (dropout != 0) return unsupported(fmt::format("{}: 'dropout' is not supported", where));
  return options;
}

Result<MergeRule> parse_merge_rule(std::string_view line, std::string_view what) {
  const std::size_t blank = line.find(' ');
  if (blank == std::string_view::npos || line.find(' ', blank + 1) != std::string_view::npos) {
    return bad_input(fmt::format("{}: the merge '{}' is not two tokens with a blank between", what,
                                 excerpt(line)));
  }
  return MergeRule{std::string(line.substr(0, blank)), std::string(line.substr(blank + 1))};
}

Result<std::vector<MergeRule>> read_merges(const std::string& path) {
  RIDGELINE_TRY(const std::string text, read_text_file(path, kMaxMergesBytes));
  if (const auto at = invalid_utf8_at(text)) {
    return bad_input(fmt::format("{}: not valid UTF-8 at byte {}", path, *at));
  }
  std::vector<MergeRule> merges;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    std::string_view line = std::string_view(text).substr(begin, end - begin);
    begin = end + 1;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.starts_with("#version")) continue;
    RIDGELINE_TRY(MergeRule rule, parse_merge_rule(line, path));
    merges.push_back(std::move(rule));
  }
  return merges;
}

}  // namespace ridgeline::native
