// A streaming reader: vocabularies have more keys than a tree that keeps their order can take.
#include "engines/native/inputs/text/tokenizer_json.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <unordered_set>
#include <utility>

#include "base/file.hpp"
#include "engines/native/inputs/text/unicode.hpp"

namespace ridgeline::native {
namespace {

constexpr std::uint64_t kMaxBytes = 64ull << 20;
// Each costs about 100 bytes; the largest real vocabularies have half a million.
constexpr std::size_t kMaxMerges = 4'000'000;

/// Builds the tree from the parser's events; in the vocabulary and the merges it keeps pairs
/// instead.
class Reader final : public nlohmann::json_sax<Json> {
 public:
  explicit Reader(TokenizerFile& file) : file_(file) {}

  Json& root() { return root_; }
  const std::string& problem() const { return problem_; }

  bool null() override { return scalar(nullptr); }
  bool boolean(bool value) override { return scalar(value); }
  bool number_integer(number_integer_t value) override { return number(value); }
  bool number_unsigned(number_unsigned_t value) override { return number(value); }
  bool number_float(number_float_t value, const string_t&) override { return scalar(value); }
  bool string(string_t& value) override {
    return in_merges_ ? merge_text(value) : scalar(std::move(value));
  }
  bool binary(binary_t&) override { return fail("binary data"); }

  bool start_object(std::size_t) override {
    if (in_merges_) return fail("a merge is an object");
    if (in_vocabulary_) return fail("an id of the vocabulary is an object");
    if (at_field("vocab")) {
      in_vocabulary_ = true;
      return true;
    }
    return open(Json::object());
  }
  bool start_array(std::size_t) override {
    if (in_vocabulary_) return fail("an id of the vocabulary is an array");
    if (in_merges_) return start_pair();
    if (at_field("merges")) {
      in_merges_ = true;
      file_.has_merges = true;
      return true;
    }
    return open(Json::array());
  }
  bool end_object() override {
    if (in_vocabulary_) {
      in_vocabulary_ = false;
      return true;
    }
    return close();
  }
  bool end_array() override {
    if (in_pair_) return end_pair();
    if (in_merges_) {
      in_merges_ = false;
      return true;
    }
    return close();
  }

  bool key(string_t& value) override {
    key_ = std::move(value);
    if (in_vocabulary_) return true;
    if (!open_.back().keys.insert(key_).second)
      return fail("the key '" + excerpt(key_) + "' stands twice");
    return true;
  }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    return fail(fmt::format("not valid JSON at byte {}", position));
  }

 private:
  struct Open {
    Json* value = nullptr;
    std::unordered_set<std::string> keys = {};
    std::string name = {};  // the key under which it stands
  };

  bool at_field(std::string_view field) const {
    return open_.size() == 2 && open_[1].name == "model" && open_[1].value->is_object() &&
           key_ == field;
  }

  bool start_pair() {
    if (in_pair_) return fail("a merge has an array inside");
    in_pair_ = true;
    pair_.clear();
    return true;
  }

  bool end_pair() {
    in_pair_ = false;
    if (pair_.size() != 2) return fail("a merge is not two tokens");
    return add_merge({std::move(pair_[0]), std::move(pair_[1])});
  }

  bool merge_text(string_t& value) {
    if (in_pair_) {
      if (pair_.size() == 2) return fail("a merge is more than two tokens");
      pair_.push_back(std::move(value));
      return true;
    }
    Result<MergeRule> rule = parse_merge_rule(value, "model");
    if (!rule) return fail(rule.error().message);
    return add_merge(std::move(*rule));
  }

  bool add_merge(MergeRule rule) {
    if (file_.merges.size() >= kMaxMerges) {
      return fail(fmt::format("more than {} merges", kMaxMerges));
    }
    file_.merges.push_back(std::move(rule));
    return true;
  }

  bool fail(std::string problem) {
    if (problem_.empty()) problem_ = std::move(problem);
    return false;
  }

  // Where a new value goes; keys are known to be new, so that no search is needed.
  Json* place(Json value) {
    if (open_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    Json& parent = *open_.back().value;
    if (parent.is_array()) {
      parent.push_back(std::move(value));
      return &parent.back();
    }
    auto& object = parent.get_ref<Json::object_t&>();
    object.Json::object_t::Container::emplace_back(key_, std::move(value));
    return &object.back().second;
  }

  bool open(Json value) {
    if (open_.size() >= static_cast<std::size_t>(kMaxJsonDepth)) {
      return fail(fmt::format("JSON nested deeper than {}", kMaxJsonDepth));
    }
    Json* placed = place(std::move(value));
    open_.push_back({placed, {}, key_});
    return true;
  }

  bool close() {
    open_.pop_back();
    return true;
  }

  template <typename T>
  bool scalar(T&& value) {
    if (in_vocabulary_) return fail("the id of '" + excerpt(key_) + "' is not an integer");
    if (in_merges_) return fail("a merge is not a text");
    place(Json(std::forward<T>(value)));
    return true;
  }

  template <typename T>
  bool number(T value) {
    if (!in_vocabulary_) return scalar(value);
    if (std::cmp_less(value, 0) || std::cmp_greater(value, kMaxTokenId)) {
      return fail(
          fmt::format("the id {} of '{}' is not from 0 to {}", value, excerpt(key_), kMaxTokenId));
    }
    file_.vocabulary.push_back({std::move(key_), static_cast<std::int64_t>(value)});
    return true;
  }

  TokenizerFile& file_;
  Json root_;
  std::vector<Open> open_;
  std::string key_;
  bool in_vocabulary_ = false;
  bool in_merges_ = false;
  bool in_pair_ = false;
  std::vector<std::string> pair_;
  std::string problem_;
};

}  // namespace

Result<TokenizerFile> read_tokenizer_file(const std::string& path) {
  RIDGELINE_TRY(const std::string text, read_text_file(path, kMaxBytes));
  TokenizerFile file{path, nullptr};
  file.mentions_byte_level = text.find("\"ByteLevel\"") != std::string::npos;
  Reader reader(file);
  if (!Json::sax_parse(text, &reader)) {
    return bad_input(fmt::format("{}: {}", path, reader.problem()));
  }
  if (!reader.root().is_object()) return bad_input(fmt::format("{}: not a JSON object", path));
  file.root = std::make_shared<const Json>(std::move(reader.root()));
  return file;
}

Result<std::vector<VocabularyEntry>> read_vocabulary_json(const std::string& path) {
  RIDGELINE_TRY(const TokenizerFile file, read_tokenizer_file(path));
  std::vector<VocabularyEntry> entries;
  for (const auto& [token, id] : file.root->items()) {
    if (!id.is_number_integer() || id < 0 || id > kMaxTokenId) {
      return bad_input(
          fmt::format("{}: the id of '{}' is not from 0 to {}", path, excerpt(token), kMaxTokenId));
    }
    entries.push_back({token, id.get<std::int64_t>()});
  }
  if (entries.empty()) return bad_input(fmt::format("{}: there are no tokens", path));
  return entries;
}

Result<std::string> model_type(const TokenizerFile& file) {
  const Json& model = entry_of(*file.root, "model");
  if (!model.is_object()) return bad_input(fmt::format("{}: 'model' is missing", file.path));
  std::string_view untyped = "without a type";
  if (model.contains("max_input_chars_per_word")) untyped = "WordPiece";
  if (file.has_merges) untyped = "BPE";
  return get_string(model, "type", fmt::format("{}: model", file.path), untyped);
}

Result<AddedToken> parse_added_token(const Json& json, std::string_view what) {
  AddedToken token;
  RIDGELINE_TRY(token.content, get_string(json, "content", what));
  RIDGELINE_TRY(token.single_word, get_bool(json, "single_word", what, false));
  RIDGELINE_TRY(token.lstrip, get_bool(json, "lstrip", what, false));
  RIDGELINE_TRY(token.rstrip, get_bool(json, "rstrip", what, false));
  RIDGELINE_TRY(token.special, get_bool(json, "special", what, false));
  RIDGELINE_TRY(token.normalized, get_bool(json, "normalized", what, !token.special));
  return token;
}

Result<std::vector<NumberedToken>> added_tokens_of(const TokenizerFile& file) {
  const Json& list = entry_of(*file.root, "added_tokens");
  const std::string what = fmt::format("{}: added_tokens", file.path);
  std::vector<NumberedToken> out;
  if (list.is_null()) return out;
  if (!list.is_array()) return bad_input(fmt::format("{} is not an array", what));
  for (const Json& entry : list) {
    NumberedToken numbered;
    RIDGELINE_TRY(numbered.id, get_int(entry, "id", what));
    if (numbered.id < 0 || numbered.id > kMaxTokenId) {
      return bad_input(
          fmt::format("{}: the id {} is not from 0 to {}", what, numbered.id, kMaxTokenId));
    }
    RIDGELINE_TRY(numbered.token, parse_added_token(entry, what));
    out.push_back(std::move(numbered));
  }
  return out;
}

}  // namespace ridgeline::native
