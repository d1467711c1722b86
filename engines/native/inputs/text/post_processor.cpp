// Templates of special tokens, and reading them.
#include "engines/native/inputs/text/post_processor.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "engines/native/inputs/text/unicode.hpp"
#include "engines/native/inputs/text/vocabulary.hpp"

namespace ridgeline::native {
namespace {

using Kind = TemplatePiece::Kind;
using Pieces = std::vector<TemplatePiece>;

Result<std::int64_t> checked_id(const Json& json, std::string_view what) {
  if (!json.is_number_integer() || json < 0 || json > kMaxTokenId) {
    return bad_input(
        fmt::format("{}: a token id must be an integer from 0 to {}", what, kMaxTokenId));
  }
  return json.get<std::int64_t>();
}

Result<TemplatePiece> parse_piece(const Json& json, const Json& tokens, std::string_view what) {
  TemplatePiece piece;
  if (!json.is_object() || json.size() != 1) {
    return bad_input(fmt::format("{}: a part of a template is not an object of one key", what));
  }
  const std::string& kind = json.items().begin().key();
  const Json& body = json.items().begin().value();
  RIDGELINE_TRY(const std::string id, get_string(body, "id", what));
  RIDGELINE_TRY(piece.type_id, get_int(body, "type_id", what));
  if (piece.type_id < 0 || piece.type_id > kMaxTokenId) {
    return bad_input(fmt::format("{}: 'type_id' is out of range", what));
  }
  if (kind == "Sequence" && (id == "A" || id == "B")) {
    piece.kind = id == "A" ? Kind::kFirst : Kind::kSecond;
    return piece;
  }
  const auto token = tokens.find(id);
  if (kind != "SpecialToken" || token == tokens.end() || !token->is_object() ||
      !token->contains("ids") || !(*token)["ids"].is_array()) {
    return bad_input(
        fmt::format("{}: cannot use the template's {} '{}'", what, excerpt(kind), excerpt(id)));
  }
  piece.kind = Kind::kSpecial;
  for (const Json& entry : (*token)["ids"]) {
    RIDGELINE_TRY(const std::int64_t token_id, checked_id(entry, what));
    piece.ids.push_back(token_id);
  }
  return piece;
}

Result<Pieces> parse_pieces(const Json& json, std::string_view key, const Json& tokens,
                            std::string_view what) {
  const auto list = json.find(std::string(key));
  if (list == json.end() || !list->is_array()) {
    return bad_input(fmt::format("{}: '{}' must be an array", what, key));
  }
  Pieces pieces;
  for (const Json& entry : *list) {
    RIDGELINE_TRY(TemplatePiece piece, parse_piece(entry, tokens, what));
    pieces.push_back(std::move(piece));
  }
  return pieces;
}

// ["[SEP]", 102]
Result<std::int64_t> parse_named_id(const Json& json, const char* key, std::string_view what) {
  const auto entry = json.find(key);
  if (entry == json.end() || !entry->is_array() || entry->size() != 2) {
    return bad_input(fmt::format("{}: '{}' must be a token and its id", what, key));
  }
  return checked_id((*entry)[1], what);
}

Result<PostProcessor> parse_template(const Json& json, std::string_view what) {
  const Json tokens = json.value("special_tokens", Json::object());
  PostProcessor out;
  RIDGELINE_TRY(out.single, parse_pieces(json, "single", tokens, what));
  RIDGELINE_TRY(out.pair, parse_pieces(json, "pair", tokens, what));
  return out;
}

Result<PostProcessor> parse_sequence(const Json& json, std::string_view what) {
  const auto list = json.find("processors");
  if (list == json.end() || !list->is_array()) {
    return bad_input(fmt::format("{}: a Sequence needs an array 'processors'", what));
  }
  std::optional<PostProcessor> out;
  for (const Json& entry : *list) {
    RIDGELINE_TRY(PostProcessor step, parse_post_processor(entry, what));
    if (entry.is_object() && entry.value("type", Json()) == "ByteLevel") continue;
    if (out) {
      return unsupported(
          fmt::format("{}: a Sequence of several post-processors is not supported", what));
    }
    out = std::move(step);
  }
  return out.value_or(PostProcessor{});
}

}  // namespace

std::size_t PostProcessor::added(bool is_pair) const {
  std::size_t count = 0;
  for (const TemplatePiece& piece : is_pair ? pair : single) count += piece.ids.size();
  return count;
}

void PostProcessor::process(std::span<const std::int64_t> first,
                            std::optional<std::span<const std::int64_t>> second,
                            bool add_special_tokens, std::vector<std::int64_t>& ids,
                            std::vector<std::int64_t>& type_ids) const {
  for (const TemplatePiece& piece : second ? pair : single) {
    if (piece.kind == Kind::kSpecial && !add_special_tokens) continue;
    std::span<const std::int64_t> part = piece.ids;
    if (piece.kind == Kind::kFirst) part = first;
    if (piece.kind == Kind::kSecond) part = second.value_or(std::span<const std::int64_t>());
    ids.insert(ids.end(), part.begin(), part.end());
    type_ids.insert(type_ids.end(), part.size(), piece.type_id);
  }
}

PostProcessor bert_post_processor(std::int64_t cls_id, std::int64_t sep_id) {
  const TemplatePiece cls{Kind::kSpecial, 0, {cls_id}};
  const TemplatePiece sep{Kind::kSpecial, 0, {sep_id}};
  const TemplatePiece last_sep{Kind::kSpecial, 1, {sep_id}};
  return {{cls, {Kind::kFirst, 0}, sep},
          {cls, {Kind::kFirst, 0}, sep, {Kind::kSecond, 1}, last_sep}};
}

PostProcessor roberta_post_processor(std::int64_t cls_id, std::int64_t sep_id) {
  const TemplatePiece cls{Kind::kSpecial, 0, {cls_id}};
  const TemplatePiece sep{Kind::kSpecial, 0, {sep_id}};
  return {{cls, {Kind::kFirst, 0}, sep},
          {cls, {Kind::kFirst, 0}, sep, sep, {Kind::kSecond, 0}, sep}};
}

PostProcessor surrounding_post_processor(const std::vector<std::int64_t>& before,
                                         std::int64_t after) {
  const TemplatePiece start{Kind::kSpecial, 0, before};
  return {{start, {Kind::kFirst, 0}, {Kind::kSpecial, 0, {after}}},
          {start, {Kind::kFirst, 0}, {Kind::kSecond, 1}, {Kind::kSpecial, 1, {after}}}};
}

Result<PostProcessor> parse_post_processor(const Json& json, std::string_view what) {
  if (json.is_null()) return PostProcessor{};
  const std::string where = fmt::format("{}: post_processor", what);
  RIDGELINE_TRY(const std::string type, get_string(json, "type", where));
  if (type == "ByteLevel") return PostProcessor{};
  if (type == "Sequence") return parse_sequence(json, what);
  if (type == "BertProcessing" || type == "RobertaProcessing") {
    RIDGELINE_TRY(const std::int64_t sep, parse_named_id(json, "sep", where));
    RIDGELINE_TRY(const std::int64_t cls, parse_named_id(json, "cls", where));
    return type == "BertProcessing" ? bert_post_processor(cls, sep)
                                    : roberta_post_processor(cls, sep);
  }
  if (type == "TemplateProcessing") return parse_template(json, where);
  return unsupported(
      fmt::format("{}: the post-processor '{}' is not supported", what, excerpt(type)));
}

}  // namespace ridgeline::native
