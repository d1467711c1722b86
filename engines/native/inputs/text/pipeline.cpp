// Puts the stages together as transformers 5.23 does: from tokenizer.json, or rebuilt from the
// vocabulary for the classes that do so.
#include "engines/native/inputs/text/pipeline.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "engines/native/inputs/text/tokenizer_config.hpp"
#include "engines/native/inputs/text/tokenizer_json.hpp"
#include "engines/native/inputs/text/unicode.hpp"
#include "engines/native/inputs/text/word_piece.hpp"

namespace ridgeline::native {
namespace {

using Pipeline = TextTokenizer::Pipeline;

struct DefaultToken {
  const char* name;
  const char* content;
};

constexpr DefaultToken kBertTokens[] = {{"unk_token", "[UNK]"},
                                        {"sep_token", "[SEP]"},
                                        {"pad_token", "[PAD]"},
                                        {"cls_token", "[CLS]"},
                                        {"mask_token", "[MASK]"}};

// Special tokens in the order in which transformers adds them.
constexpr std::string_view kOrder[] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                       "pad_token", "cls_token", "mask_token"};

AddedToken special_token(std::string content) {
  AddedToken token;
  token.content = std::move(content);
  token.special = true;
  return token;
}

// The named tokens, with the defaults of BERT's classes, in the order of kOrder.
void complete_named_tokens(const TokenizerFile* file, TokenizerConfig& config) {
  const auto add_default = [&](const char* name, const std::string& content) {
    if (config.find(name) == nullptr) config.named.emplace_back(name, special_token(content));
  };
  if (config.tokenizer_class.is_bert) {
    for (const DefaultToken& token : kBertTokens) add_default(token.name, token.content);
  } else if (file != nullptr) {
    const Json& pad = entry_of(entry_of(*file->root, "padding"), "pad_token");
    if (pad.is_string()) add_default("pad_token", pad.get<std::string>());
  }
  const auto rank = [](const auto& entry) {
    return std::find(std::begin(kOrder), std::end(kOrder), entry.first) - std::begin(kOrder);
  };
  std::stable_sort(config.named.begin(), config.named.end(),
                   [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
}

// The text of a special token; empty when there is none.
std::string content_of(const TokenizerConfig& config, std::string_view name) {
  const std::optional<AddedToken>* token = config.find(name);
  return token != nullptr && *token ? (*token)->content : std::string();
}

// Declared tokens first, then the special ones that nothing has added yet.
Status add_tokens(const TokenizerConfig& config, Pipeline& pipeline) {
  std::set<std::string_view> named;
  for (const auto& [name, token] : config.named) {
    if (token) named.insert(token->content);
  }
  std::set<std::string_view> known;
  for (const auto& [id, token] : pipeline.added.tokens()) known.insert(token.content);
  std::vector<AddedToken> tokens;
  for (const AddedToken& declared : config.declared) {
    known.insert(declared.content);
    tokens.push_back(declared);
    tokens.back().special = declared.special || named.contains(declared.content);
  }
  for (const auto& [name, token] : config.named) {
    if (!token || !known.insert(token->content).second) continue;
    tokens.push_back(*token);
    tokens.back().special = true;
  }
  for (const AddedToken& token : config.extra) {
    if (known.insert(token.content).second) tokens.push_back(token);
  }
  return pipeline.added.add(tokens, *pipeline.model, pipeline.normalizer.get());
}

Status read_stages(const TokenizerFile& file, Pipeline& pipeline) {
  const Json& root = *file.root;
  RIDGELINE_TRY(const WordPieceOptions options,
                parse_word_piece_options(entry_of(root, "model"), file.path));
  pipeline.model = make_word_piece(file.vocabulary, options);
  RIDGELINE_TRY(pipeline.normalizer, parse_normalizer(entry_of(root, "normalizer"), file.path));
  RIDGELINE_TRY(pipeline.pre_tokenizer,
                parse_pre_tokenizer(entry_of(root, "pre_tokenizer"), file.path));
  RIDGELINE_TRY(pipeline.post_processor,
                parse_post_processor(entry_of(root, "post_processor"), file.path));
  RIDGELINE_TRY(const std::vector<NumberedToken> numbered, added_tokens_of(file));
  std::vector<AddedToken> tokens;
  for (const NumberedToken& entry : numbered) tokens.push_back(entry.token);
  return pipeline.added.add(tokens, *pipeline.model, pipeline.normalizer.get());
}

void rebuild_stages(const std::vector<VocabularyEntry>& vocabulary, const TokenizerConfig& config,
                    Pipeline& pipeline) {
  WordPieceOptions options;
  options.unk_token = content_of(config, "unk_token");
  pipeline.model = make_word_piece(vocabulary, options);
  pipeline.normalizer = make_bert_normalizer(config.normalizer);
  pipeline.pre_tokenizer = make_bert_pre_tokenizer();
}

Status set_bert_template(const std::string& folder, const TokenizerConfig& config,
                         Pipeline& pipeline) {
  const auto cls = pipeline.added.id_of(content_of(config, "cls_token"), *pipeline.model);
  const auto sep = pipeline.added.id_of(content_of(config, "sep_token"), *pipeline.model);
  if (!cls || !sep) {
    return bad_input(fmt::format("{}: the tokenizer has no cls_token or no sep_token", folder));
  }
  pipeline.post_processor = bert_post_processor(*cls, *sep);
  return {};
}

// The side in the "truncation" or "padding" entry of tokenizer.json, which counts where
// tokenizer_config.json names none. The lengths that stand there do not count.
bool side_is_left(const TokenizerFile* file, const char* entry, std::optional<bool> configured) {
  if (configured || file == nullptr) return configured.value_or(false);
  const Json& direction = entry_of(entry_of(*file->root, entry), "direction");
  return direction.is_string() && direction.get<std::string>() == "Left";
}

Status finish(const std::string& folder, const TokenizerConfig& config, const TokenizerFile* file,
              Pipeline& pipeline) {
  pipeline.max_length = config.model_max_length;
  const auto added = static_cast<std::int64_t>(
      std::max(pipeline.post_processor.added(false), pipeline.post_processor.added(true)));
  if (pipeline.max_length && *pipeline.max_length < added) {
    return bad_input(fmt::format("{}: model_max_length {} leaves no room for the {} special tokens",
                                 folder, *pipeline.max_length, added));
  }
  pipeline.truncate_left = side_is_left(file, "truncation", config.truncate_left);
  pipeline.pad_left = side_is_left(file, "padding", config.pad_left);
  pipeline.attention_mask = config.attention_mask;
  pipeline.token_type_ids = config.token_type_ids;
  pipeline.added.split_special_tokens(config.split_special_tokens);
  if (const std::string pad = content_of(config, "pad_token"); !pad.empty()) {
    pipeline.pad_id = pipeline.added.id_of(pad, *pipeline.model);
  }
  pipeline.vocab_size = static_cast<std::int64_t>(pipeline.model->size());
  pipeline.id_limit = pipeline.model->largest_id() + 1;
  for (const auto& [id, token] : pipeline.added.tokens()) {
    if (token.special) pipeline.special_ids.push_back(id);
    if (!pipeline.model->id_of(token.content)) ++pipeline.vocab_size;
    pipeline.id_limit = std::max(pipeline.id_limit, id + 1);
  }
  return {};
}

}  // namespace

Result<Pipeline> load_pipeline(const std::string& folder) {
  const std::string json_path = folder + "/tokenizer.json";
  const std::string lines_path = folder + "/vocab.txt";
  std::error_code ignored;
  std::optional<TokenizerFile> file;
  if (std::filesystem::exists(json_path, ignored)) {
    RIDGELINE_TRY(file, read_tokenizer_file(json_path));
    RIDGELINE_TRY(const std::string type, model_type(*file));
    if (type != "WordPiece") {
      return unsupported(
          fmt::format("{}: the model '{}' is not supported", json_path, excerpt(type)));
    }
    if (file->vocabulary.empty()) {
      return bad_input(fmt::format("{}: the model has no vocabulary", json_path));
    }
  } else if (!std::filesystem::exists(lines_path, ignored)) {
    return bad_input(fmt::format("{} has no tokenizer.json and no vocab.txt", folder),
                     "give the folder of a model with its tokenizer");
  }
  const TokenizerFile* json = file ? &*file : nullptr;
  RIDGELINE_TRY(TokenizerConfig config, read_tokenizer_config(folder, json));
  complete_named_tokens(json, config);
  const TokenizerClass& kind = config.tokenizer_class;

  Pipeline pipeline;
  if (json != nullptr && !kind.rebuilds) {
    RIDGELINE_CHECK(read_stages(*json, pipeline));
  } else if (json != nullptr) {
    rebuild_stages(json->vocabulary, config, pipeline);
  } else if (kind.is_bert) {
    RIDGELINE_TRY(const std::vector<VocabularyEntry> lines, read_vocabulary_lines(lines_path));
    rebuild_stages(lines, config, pipeline);
  } else {
    return bad_input(
        fmt::format("{}: the tokenizer class '{}' needs a tokenizer.json", folder, kind.name));
  }
  RIDGELINE_CHECK(add_tokens(config, pipeline));
  if (kind.is_bert) {
    RIDGELINE_CHECK(set_bert_template(folder, config, pipeline));
  }
  RIDGELINE_CHECK(finish(folder, config, json, pipeline));
  return pipeline;
}

}  // namespace ridgeline::native
