// Registering added tokens and finding them in a text, leftmost first and longest first.
#include "engines/native/inputs/text/added_tokens.hpp"

#include <fmt/format.h>

#include "engines/native/inputs/text/unicode.hpp"
#include "engines/native/inputs/text/vocabulary.hpp"

namespace ridgeline::native {
namespace {

// Each byte costs a node of a trie; real files hold a few thousand short texts.
constexpr std::size_t kMaxBytes = 4u << 20;

// Where the character before `at` starts. `at` must not be 0.
std::size_t previous(std::string_view text, std::size_t at) {
  do {
    --at;
  } while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80);
  return at;
}

bool has_before(std::string_view text, std::size_t at, std::uint8_t property) {
  if (at == 0) return false;
  std::size_t start = previous(text, at);
  return Characters::get().has(decode_utf8(text, start), property);
}

bool has_after(std::string_view text, std::size_t at, std::uint8_t property) {
  if (at == text.size()) return false;
  return Characters::get().has(decode_utf8(text, at), property);
}

std::size_t skip_space_before(std::string_view text, std::size_t at) {
  while (has_before(text, at, kWhitespace)) at = previous(text, at);
  return at;
}

std::size_t skip_space_after(std::string_view text, std::size_t at) {
  while (has_after(text, at, kWhitespace)) decode_utf8(text, at);
  return at;
}

}  // namespace

void TextTrie::insert(std::string_view text, std::int64_t value) {
  if (nodes_.empty()) nodes_.emplace_back();
  first_bytes_[static_cast<unsigned char>(text.front())] = true;
  std::uint32_t node = 0;
  for (const char c : text) {
    const auto [child, is_new] = nodes_[node].children.try_emplace(
        static_cast<unsigned char>(c), static_cast<std::uint32_t>(nodes_.size()));
    node = child->second;
    if (is_new) nodes_.emplace_back();
  }
  if (!nodes_[node].value) nodes_[node].value = value;
}

std::optional<TextTrie::Match> TextTrie::longest_at(std::string_view text, std::size_t at) const {
  if (!first_bytes_[static_cast<unsigned char>(text[at])]) return std::nullopt;
  std::optional<Match> longest;
  std::uint32_t node = 0;
  for (std::size_t end = at; end < text.size();) {
    const auto child = nodes_[node].children.find(static_cast<unsigned char>(text[end]));
    if (child == nodes_[node].children.end()) break;
    node = child->second;
    ++end;
    if (nodes_[node].value) longest = Match{end - at, *nodes_[node].value};
  }
  return longest;
}

std::int64_t AddedVocabulary::next_id(const TokenModel& model) const {
  const auto model_size = static_cast<std::int64_t>(model.size());
  if (by_id_.empty()) return model_size;
  const std::int64_t largest = by_id_.rbegin()->first;
  return largest >= model_size ? largest + 1 : model_size;
}

std::optional<std::int64_t> AddedVocabulary::id_of(std::string_view token,
                                                   const TokenModel& model) const {
  const auto found = ids_.find(token);
  return found != ids_.end() ? std::optional(found->second) : model.id_of(token);
}

Status AddedVocabulary::add(std::span<const AddedToken> tokens, const TokenModel& model,
                            const Normalizer* normalizer) {
  std::int64_t next = next_id(model);
  for (const AddedToken& token : tokens) {
    if (token.content.empty()) continue;
    const auto known = id_of(token.content, model);
    const std::int64_t id = known ? *known : next++;
    if (id > kMaxTokenId) {
      return bad_input(fmt::format("the added token '{}' has no id left", excerpt(token.content)));
    }
    ids_.insert_or_assign(token.content, id);
    if (token.special) specials_.insert(token.content);
    by_id_.insert_or_assign(id, token);
  }
  return rebuild(normalizer);
}

Status AddedVocabulary::rebuild(const Normalizer* normalizer) {
  raw_trie_ = {};
  normalized_trie_ = {};
  normalized_.clear();
  std::size_t bytes = 0;
  for (const auto& [id, token] : by_id_) bytes += token.content.size();
  if (bytes > kMaxBytes) {
    return bad_input(fmt::format("the added tokens are longer than {} bytes together", kMaxBytes));
  }
  for (const auto& [id, token] : by_id_) {
    if (!token.normalized || normalizer == nullptr) {
      (token.normalized ? normalized_trie_ : raw_trie_).insert(token.content, id);
      continue;
    }
    std::string text;
    RIDGELINE_CHECK(normalizer->normalize(token.content, text));
    if (text.empty()) {
      return bad_input(fmt::format("the added token with id {} normalizes to nothing", id));
    }
    normalized_trie_.insert(text, id);
    normalized_.emplace(id, std::move(text));
  }
  return {};
}

std::optional<std::string_view> AddedVocabulary::token_of(std::int64_t id,
                                                          const TokenModel& model) const {
  if (const auto changed = normalized_.find(id); changed != normalized_.end()) {
    return changed->second;
  }
  const auto found = by_id_.find(id);
  return found != by_id_.end() ? std::optional<std::string_view>(found->second.content)
                               : model.token_of(id);
}

void AddedVocabulary::split(std::string_view text, bool normalized,
                            std::vector<Piece>& pieces) const {
  const TextTrie& trie = normalized ? normalized_trie_ : raw_trie_;
  const auto append_text = [&](std::size_t begin, std::size_t end) {
    if (begin < end) pieces.push_back({text.substr(begin, end - begin), std::nullopt});
  };
  std::size_t done = 0;
  for (std::size_t at = 0; !trie.empty() && at < text.size();) {
    const auto match = trie.longest_at(text, at);
    if (!match) {
      ++at;
      continue;
    }
    // What is looked for next starts after the match itself, whatever becomes of it.
    std::size_t begin = at;
    std::size_t end = at + match->length;
    at = end;
    const AddedToken& token = by_id_.at(match->value);
    if (split_special_ && specials_.contains(token.content)) continue;
    if (token.single_word && (has_before(text, begin, kWord) || has_after(text, end, kWord))) {
      continue;
    }
    if (token.lstrip) begin = skip_space_before(text, begin);
    if (token.rstrip) end = skip_space_after(text, end);
    append_text(done, begin);
    pieces.push_back({{}, match->value});
    done = end;
  }
  append_text(done, text.size());
}

}  // namespace ridgeline::native
