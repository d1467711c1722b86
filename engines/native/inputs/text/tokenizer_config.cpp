// Merges the files as PreTrainedTokenizerBase.from_pretrained of transformers 5.23 does.
#include "engines/native/inputs/text/tokenizer_config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "engines/native/inputs/text/unicode.hpp"

namespace ridgeline::native {
namespace {

constexpr std::string_view kNamedTokens[] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                             "pad_token", "cls_token", "mask_token"};

constexpr std::string_view kForcedCleanUp =
    "clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output";

// Above this, transformers takes a length for "no limit" (LARGE_INTEGER).
constexpr double kNoLimit = 1e20;

/// A JSON file of a folder with its path; the root is null when there is no such file.
Result<TokenizerFile> read_optional(const std::string& folder, const char* name) {
  const std::string path = folder + "/" + name;
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) {
    return TokenizerFile{path, std::make_shared<const Json>(Json::object())};
  }
  return read_tokenizer_file(path);
}

bool is_named(std::string_view key) {
  return std::find(std::begin(kNamedTokens), std::end(kNamedTokens), key) != std::end(kNamedTokens);
}

// A text, or an object with properties; `special` is set for the latter when it must be.
Result<AddedToken> parse_token(const Json& json, bool always_special, std::string_view what) {
  if (json.is_string()) {
    AddedToken token;
    token.content = json.get<std::string>();
    token.special = true;
    return token;
  }
  if (!json.is_object()) {
    return bad_input(fmt::format("{}: a special token must be a text or an object", what));
  }
  RIDGELINE_TRY(AddedToken token, parse_added_token(json, what));
  if (always_special && !token.special) {
    token.special = true;
    RIDGELINE_TRY(token.normalized, get_bool(json, "normalized", what, false));
  }
  return token;
}

/// Collects special tokens from tokenizer_config.json and then special_tokens_map.json.
class TokenCollector {
 public:
  Status add(const TokenizerFile& file, bool is_map) {
    const std::string& what = file.path;
    for (const auto& [key, value] : file.root->items()) {
      const bool token_key = key.size() > 6 && key.ends_with("_token");
      if (is_named(key) || (token_key && (value.is_string() || is_token_object(value)))) {
        RIDGELINE_CHECK(add_named(key, value, is_map, what));
      }
    }
    const Json* extra = &entry_of(*file.root, "extra_special_tokens");
    const Json& additional = entry_of(*file.root, "additional_special_tokens");
    // The first file that has a list of the old name decides, were it empty.
    if (extra->empty() && !has_extra_) extra = &additional;
    has_extra_ = has_extra_ || !extra->is_null();
    return add_extra(*extra, is_map, what);
  }

  void move_to(TokenizerConfig& config) {
    for (const std::string_view key : kNamedTokens) {
      if (const auto found = named_.find(key); found != named_.end()) {
        config.named.emplace_back(key, std::move(found->second));
      }
    }
    for (auto* list : {&from_map_, &specific_}) {
      for (auto& [key, token] : *list) config.named.emplace_back(key, std::move(token));
    }
    config.extra = std::move(extra_);
  }

 private:
  static bool is_token_object(const Json& value) {
    return value.is_object() && value.contains("content");
  }

  Status add_named(const std::string& key, const Json& value, bool is_map, std::string_view what) {
    std::optional<AddedToken> token;
    if (!value.is_null()) {
      RIDGELINE_TRY(token, parse_token(value, is_map, what));
    }
    if (is_named(key)) {
      named_.insert_or_assign(key, std::move(token));
    } else {
      (is_map ? from_map_ : specific_).emplace_back(key, std::move(token));
    }
    return {};
  }

  Status add_extra(const Json& list, bool is_map, std::string_view what) {
    if (list.is_null()) return {};
    if (!list.is_array() && !list.is_object()) {
      return bad_input(fmt::format("{}: additional special tokens must be a list", what));
    }
    for (const auto& [key, value] : list.items()) {
      RIDGELINE_TRY(AddedToken token, parse_token(value, is_map, what));
      if (list.is_object()) {
        specific_.emplace_back(key, std::move(token));
      } else {
        extra_.push_back(std::move(token));
      }
    }
    return {};
  }

  using NamedToken = std::pair<std::string, std::optional<AddedToken>>;

  std::map<std::string, std::optional<AddedToken>, std::less<>> named_;
  std::vector<NamedToken> from_map_;
  std::vector<NamedToken> specific_;
  std::vector<AddedToken> extra_;
  bool has_extra_ = false;
};

using TokensById = std::map<std::int64_t, AddedToken>;

Result<TokensById> parse_added_tokens_decoder(const Json& json, std::string_view what) {
  const std::string where = fmt::format("{}: added_tokens_decoder", what);
  if (!json.is_object()) return bad_input(fmt::format("{} is not an object", where));
  TokensById out;
  for (const auto& [key, value] : json.items()) {
    std::int64_t id = 0;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
    if (error != std::errc() || end != key.data() + key.size() || id < 0 || id > kMaxTokenId) {
      return bad_input(
          fmt::format("{}: the id '{}' is not from 0 to {}", where, excerpt(key), kMaxTokenId));
    }
    RIDGELINE_TRY(AddedToken token, parse_added_token(value, where));
    out.insert_or_assign(id, std::move(token));
  }
  return out;
}

// added_tokens.json of old checkpoints: {"text": id}.
Status add_legacy_tokens(const TokenizerFile& file, const TokenizerConfig& config,
                         TokensById& tokens) {
  std::set<std::string_view> specials;
  for (const auto& [name, token] : config.named) {
    if (token) specials.insert(token->content);
  }
  for (const AddedToken& token : config.extra) specials.insert(token.content);
  for (const auto& [text, id] : file.root->items()) {
    if (!id.is_number_integer() || id < 0 || id > kMaxTokenId) {
      return bad_input(fmt::format("{}: the id of '{}' is not from 0 to {}", file.path,
                                   excerpt(text), kMaxTokenId));
    }
    AddedToken token;
    token.content = text;
    token.special = specials.contains(text);
    token.normalized = !token.special;
    tokens.insert_or_assign(id.get<std::int64_t>(), std::move(token));
  }
  return {};
}

Status read_tokens(const std::string& folder, const TokenizerFile& main, const TokenizerFile* file,
                   TokenizerConfig& config) {
  TokenCollector collector;
  RIDGELINE_CHECK(collector.add(main, false));
  TokensById declared;
  const Json& decoder = entry_of(*main.root, "added_tokens_decoder");
  const bool has_decoder = main.root->contains("added_tokens_decoder");
  if (has_decoder) {
    RIDGELINE_TRY(declared, parse_added_tokens_decoder(decoder, main.path));
  } else {
    RIDGELINE_TRY(const TokenizerFile map, read_optional(folder, "special_tokens_map.json"));
    RIDGELINE_CHECK(collector.add(map, true));
  }
  collector.move_to(config);
  if (!has_decoder) {
    RIDGELINE_TRY(const TokenizerFile legacy, read_optional(folder, "added_tokens.json"));
    RIDGELINE_CHECK(add_legacy_tokens(legacy, config, declared));
    if (file != nullptr) {
      RIDGELINE_TRY(const std::vector<NumberedToken> numbered, added_tokens_of(*file));
      for (const NumberedToken& entry : numbered) declared.insert_or_assign(entry.id, entry.token);
    }
  }
  for (auto& [id, token] : declared) config.declared.push_back(std::move(token));
  return {};
}

Result<std::optional<std::int64_t>> parse_max_length(const TokenizerFile& main) {
  for (const char* key : {"model_max_length", "max_len"}) {
    const Json& value = entry_of(*main.root, key);
    if (value.is_null()) continue;
    RIDGELINE_TRY(const double length, get_number(*main.root, key, main.path));
    if (length > kNoLimit) return std::optional<std::int64_t>();
    // Lengths that no text reaches are as good as none, and fit in no integer.
    if (length > 9e18) return std::optional<std::int64_t>();
    RIDGELINE_TRY(const std::int64_t limit, get_int(*main.root, key, main.path));
    if (limit < 0) return bad_input(fmt::format("{}: '{}' is negative", main.path, key));
    return std::optional(limit);
  }
  return std::optional<std::int64_t>();
}

Result<std::optional<bool>> parse_side(const TokenizerFile& main, const char* key) {
  RIDGELINE_TRY(const std::string side, get_string(*main.root, key, main.path, ""));
  if (side.empty()) return std::optional<bool>();
  if (side != "left" && side != "right") {
    return bad_input(fmt::format("{}: '{}' must be left or right", main.path, key));
  }
  return std::optional(side == "left");
}

Result<std::optional<bool>> parse_optional_bool(const TokenizerFile& main, const char* key) {
  if (entry_of(*main.root, key).is_null()) return std::optional<bool>();
  RIDGELINE_TRY(const bool value, get_bool(*main.root, key, main.path, false));
  return std::optional(value);
}

Status read_settings(const TokenizerFile& main, TokenizerKind kind, ClassSettings& settings) {
  const Json& root = *main.root;
  RIDGELINE_TRY(settings.bert.lowercase, get_bool(root, "do_lower_case", main.path, true));
  RIDGELINE_TRY(settings.bert.handle_chinese_chars,
                get_bool(root, "tokenize_chinese_chars", main.path, true));
  RIDGELINE_TRY(settings.bert.strip_accents, parse_optional_bool(main, "strip_accents"));
  RIDGELINE_TRY(settings.legacy, get_bool(root, "legacy", main.path, false));
  RIDGELINE_TRY(settings.add_prefix_space, parse_optional_bool(main, "add_prefix_space"));
  RIDGELINE_TRY(settings.add_bos_token, parse_optional_bool(main, "add_bos_token"));
  RIDGELINE_TRY(settings.add_eos_token, parse_optional_bool(main, "add_eos_token"));
  if (kind != TokenizerKind::kWhisper) return {};
  RIDGELINE_TRY(settings.language, get_string(root, "language", main.path, ""));
  RIDGELINE_TRY(settings.task, get_string(root, "task", main.path, ""));
  RIDGELINE_TRY(settings.predict_timestamps,
                get_bool(root, "predict_timestamps", main.path, false));
  return {};
}

// Models that were saved before transformers 5 with a regular expression that Mistral later fixed.
Result<bool> wants_mistral_regex(const TokenizerFile& main, const TokenizerFile& model) {
  RIDGELINE_TRY(const bool flag, get_bool(*main.root, "fix_mistral_regex", main.path, false));
  if (!flag || model.root->empty()) return false;
  RIDGELINE_TRY(const std::string version,
                get_string(*model.root, "transformers_version", model.path, ""));
  RIDGELINE_TRY(const std::string type, get_string(*model.root, "model_type", model.path, ""));
  int major = 0;
  std::from_chars(version.data(), version.data() + version.size(), major);
  const bool is_preview = version.starts_with("5.0.0.dev") || version.starts_with("5.0.0rc");
  if (!version.empty() && major >= 5 && !is_preview) return false;
  constexpr std::string_view kTypes[] = {"",        "mistral",   "mistral3",
                                         "voxtral", "ministral", "pixtral"};
  return std::find(std::begin(kTypes), std::end(kTypes), type) != std::end(kTypes);
}

Status read_input_names(const TokenizerFile& main, TokenizerConfig& config) {
  config.token_type_ids = config.tokenizer_class.token_type_ids;
  const Json& names = entry_of(*main.root, "model_input_names");
  if (names.is_null()) return {};
  if (!names.is_array()) {
    return bad_input(fmt::format("{}: 'model_input_names' is not a list", main.path));
  }
  const auto has = [&](const char* name) {
    return std::find(names.begin(), names.end(), Json(name)) != names.end();
  };
  config.attention_mask = has("attention_mask");
  config.token_type_ids = has("token_type_ids");
  return {};
}

}  // namespace

const std::optional<AddedToken>* TokenizerConfig::find(std::string_view name) const {
  const auto entry =
      std::find_if(named.begin(), named.end(), [&](const auto& e) { return e.first == name; });
  return entry == named.end() ? nullptr : &entry->second;
}

std::string TokenizerConfig::content_of(std::string_view name) const {
  const std::optional<AddedToken>* token = find(name);
  return token != nullptr && *token ? (*token)->content : std::string();
}

Result<TokenizerConfig> read_tokenizer_config(const std::string& folder,
                                              const TokenizerFile* file) {
  RIDGELINE_TRY(const TokenizerFile main, read_optional(folder, "tokenizer_config.json"));
  if (main.root->contains("fast_tokenizer_files")) {
    return unsupported(fmt::format("{}: 'fast_tokenizer_files' is not supported", main.path));
  }
  TokenizerConfig config;
  RIDGELINE_TRY(const TokenizerFile model, read_optional(folder, "config.json"));
  RIDGELINE_TRY(config.tokenizer_class, choose_tokenizer_class(folder, main, model, file));
  RIDGELINE_CHECK(read_settings(main, config.tokenizer_class.kind, config.settings));
  RIDGELINE_CHECK(read_tokens(folder, main, file, config));
  RIDGELINE_TRY(config.model_max_length, parse_max_length(main));
  RIDGELINE_TRY(config.pad_left, parse_side(main, "padding_side"));
  RIDGELINE_TRY(config.truncate_left, parse_side(main, "truncation_side"));
  RIDGELINE_TRY(config.split_special_tokens,
                get_bool(*main.root, "split_special_tokens", main.path, false));
  RIDGELINE_TRY(config.clean_up_spaces,
                get_bool(*main.root, "clean_up_tokenization_spaces", main.path, false));
  RIDGELINE_TRY(config.clean_up_bpe_spaces, get_bool(*main.root, kForcedCleanUp, main.path, false));
  RIDGELINE_TRY(config.fix_mistral_regex, wants_mistral_regex(main, model));
  RIDGELINE_CHECK(read_input_names(main, config));
  return config;
}

}  // namespace ridgeline::native
