// Special tokens of a tokenizer as texts, from its configuration files.
#include "engines/native/inputs/chat/special_tokens.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "engines/native/inputs/text/unicode.hpp"

namespace ridgeline::native {
namespace {

constexpr std::string_view kNamed[] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                       "pad_token", "cls_token", "mask_token"};

// A map of special tokens is short; one of a megabyte is not one.
constexpr std::uint64_t kMaxMapBytes = 1ull << 20;

/// What the tokenizer classes of transformers 5 take for a token that no file names.
struct ClassDefault {
  std::string_view tokenizer_class;
  std::string_view token;
  std::string_view text;
};
constexpr ClassDefault kDefaults[] = {
    {"CodeLlamaTokenizer", "bos_token", "<s>"},
    {"CodeLlamaTokenizer", "eos_token", "</s>"},
    {"CodeLlamaTokenizer", "unk_token", "<unk>"},
    {"CohereTokenizer", "bos_token", "<BOS_TOKEN>"},
    {"CohereTokenizer", "eos_token", "<|END_OF_TURN_TOKEN|>"},
    {"CohereTokenizer", "pad_token", "<PAD>"},
    {"CohereTokenizer", "unk_token", "<UNK>"},
    {"GPT2Tokenizer", "bos_token", "<|endoftext|>"},
    {"GPT2Tokenizer", "eos_token", "<|endoftext|>"},
    {"GPT2Tokenizer", "unk_token", "<|endoftext|>"},
    {"GPTNeoXTokenizer", "bos_token", "<|endoftext|>"},
    {"GPTNeoXTokenizer", "eos_token", "<|endoftext|>"},
    {"GPTNeoXTokenizer", "pad_token", "<|padding|>"},
    {"GPTNeoXTokenizer", "unk_token", "<|endoftext|>"},
    {"GemmaTokenizer", "bos_token", "<bos>"},
    {"GemmaTokenizer", "eos_token", "<eos>"},
    {"GemmaTokenizer", "mask_token", "<mask>"},
    {"GemmaTokenizer", "pad_token", "<pad>"},
    {"GemmaTokenizer", "unk_token", "<unk>"},
    {"LlamaTokenizer", "bos_token", "<s>"},
    {"LlamaTokenizer", "eos_token", "</s>"},
    {"LlamaTokenizer", "unk_token", "<unk>"},
    {"Qwen2Tokenizer", "eos_token", "<|endoftext|>"},
    {"Qwen2Tokenizer", "pad_token", "<|endoftext|>"},
    {"Qwen2Tokenizer", "unk_token", "<|endoftext|>"},
};

/// Names in their order; one without a text was null.
class Tokens {
 public:
  void set(std::string_view name, std::optional<std::string> text) {
    const auto found = std::find_if(entries_.begin(), entries_.end(),
                                    [&](const auto& entry) { return entry.first == name; });
    if (found != entries_.end()) {
      found->second = std::move(text);
    } else {
      entries_.emplace_back(name, std::move(text));
    }
  }

  bool has(std::string_view name) const {
    return std::any_of(entries_.begin(), entries_.end(),
                       [&](const auto& entry) { return entry.first == name; });
  }

  jinja::Dict dict() const {
    jinja::Dict out;
    for (const auto& [name, text] : entries_) {
      if (text) out.set_text(name, jinja::Value::text(*text));
    }
    return out;
  }

 private:
  std::vector<std::pair<std::string, std::optional<std::string>>> entries_;
};

// The text of a token that is a text itself or an object with one; nothing for other values.
Result<std::optional<std::string>> token_text(const Json& value, const std::string& what) {
  using Found = std::optional<std::string>;
  const Json* text = &value;
  if (value.is_object()) {
    const auto content = value.find("content");
    if (content == value.end()) return Found();
    text = &*content;
  }
  if (!text->is_string()) return Found();
  std::string found = text->get<std::string>();
  if (invalid_utf8_at(found)) return bad_input(fmt::format("{} is not valid UTF-8", what));
  return Found(std::move(found));
}

Status add_tokens(const Json& root, const std::string& path, Tokens& tokens) {
  if (!root.is_object()) return bad_input(fmt::format("{}: not an object", path));
  for (const auto& [key, value] : root.items()) {
    const bool is_named = std::find(std::begin(kNamed), std::end(kNamed), key) != std::end(kNamed);
    if (!is_named && !key.ends_with("_token")) continue;
    const std::string what = fmt::format("{}: '{}'", path, excerpt(key));
    RIDGELINE_TRY(std::optional<std::string> text, token_text(value, what));
    if (is_named && !text && !value.is_null()) {
      return bad_input(fmt::format("{} must be a text or an object with 'content'", what));
    }
    if (is_named || text) tokens.set(key, std::move(text));
  }
  const auto extra = root.find("extra_special_tokens");
  if (extra == root.end() || !extra->is_object()) return {};
  for (const auto& [key, value] : extra->items()) {
    const std::string what = fmt::format("{}: '{}'", path, excerpt(key));
    RIDGELINE_TRY(std::optional<std::string> text, token_text(value, what));
    if (text) tokens.set(key, std::move(text));
  }
  return {};
}

}  // namespace

Result<jinja::Dict> read_special_tokens(const std::string& folder, const Json& config) {
  const std::string path = folder + "/tokenizer_config.json";
  Tokens tokens;
  RIDGELINE_CHECK(add_tokens(config, path, tokens));
  // Newer files list all added tokens and make the map superfluous; transformers skips it then.
  const std::string map_path = folder + "/special_tokens_map.json";
  std::error_code ignored;
  if (!config.contains("added_tokens_decoder") && std::filesystem::exists(map_path, ignored)) {
    RIDGELINE_TRY(const Json map, read_json_file(map_path, kMaxMapBytes));
    RIDGELINE_CHECK(add_tokens(map, map_path, tokens));
  }
  RIDGELINE_TRY(std::string class_name, get_string(config, "tokenizer_class", path, ""));
  if (class_name.ends_with("Fast")) class_name.resize(class_name.size() - 4);
  for (const ClassDefault& row : kDefaults) {
    if (row.tokenizer_class == class_name && !tokens.has(row.token)) {
      tokens.set(row.token, std::string(row.text));
    }
  }
  return tokens.dict();
}

}  // namespace ridgeline::native
