// Puts the stages together as transformers 5.23 does: from tokenizer.json, or rebuilt from the
// vocabulary for the classes that do so.
#include "engines/native/inputs/text/pipeline.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "engines/native/inputs/text/class_stages.hpp"
#include "engines/native/inputs/text/tokenizer_config.hpp"
#include "engines/native/inputs/text/tokenizer_json.hpp"
#include "engines/native/inputs/text/unicode.hpp"
#include "engines/native/inputs/text/word_piece.hpp"

namespace ridgeline::native {
namespace {

using Pipeline = TextTokenizer::Pipeline;

// Special tokens in the order in which transformers adds them.
constexpr std::string_view kOrder[] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                       "pad_token", "cls_token", "mask_token"};

// The named tokens, with the defaults of the class and the file, in the order of kOrder.
void complete_named_tokens(const TokenizerFile* file, TokenizerConfig& config) {
  add_default_tokens(config);
  if (file != nullptr && config.find("pad_token") == nullptr) {
    const Json& pad = entry_of(entry_of(*file->root, "padding"), "pad_token");
    if (pad.is_string()) {
      AddedToken token;
      token.content = pad.get<std::string>();
      token.special = true;
      config.named.emplace_back("pad_token", std::move(token));
    }
  }
  const auto rank = [](const auto& entry) {
    return std::find(std::begin(kOrder), std::end(kOrder), entry.first) - std::begin(kOrder);
  };
  std::stable_sort(config.named.begin(), config.named.end(),
                   [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
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

Result<TokenModelPtr> read_model(const TokenizerFile& file, std::string_view type) {
  const Json& model = entry_of(*file.root, "model");
  if (type == "BPE") {
    RIDGELINE_TRY(const BpeOptions options, parse_bpe_options(model, file.path));
    return make_bpe(file.vocabulary, file.merges, options, file.path);
  }
  RIDGELINE_TRY(const WordPieceOptions options, parse_word_piece_options(model, file.path));
  return make_word_piece(file.vocabulary, options);
}

Status read_stages(const TokenizerFile& file, std::string_view type, Pipeline& pipeline) {
  const Json& root = *file.root;
  RIDGELINE_TRY(pipeline.model, read_model(file, type));
  pipeline.is_bpe = type == "BPE";
  RIDGELINE_TRY(pipeline.normalizer, parse_normalizer(entry_of(root, "normalizer"), file.path));
  RIDGELINE_TRY(pipeline.pre_tokenizer,
                parse_pre_tokenizer(entry_of(root, "pre_tokenizer"), file.path));
  const bool needs_start = pipeline.pre_tokenizer && pipeline.pre_tokenizer->needs_start();
  if (needs_start && pipeline.normalizer && pipeline.normalizer->can_drop_start()) {
    return unsupported(fmt::format(
        "{}: a Metaspace for the start of a text, after a normalizer that can drop the start, is "
        "not supported",
        file.path));
  }
  RIDGELINE_TRY(pipeline.post_processor,
                parse_post_processor(entry_of(root, "post_processor"), file.path));
  // Encoding does not need it: a decoder that is not supported is an error of decode().
  Result<DecoderPtr> decoder = parse_decoder(entry_of(root, "decoder"), file.path);
  if (decoder) {
    pipeline.decoder = *std::move(decoder);
  } else {
    pipeline.decoder_problem = std::move(decoder).error();
  }
  RIDGELINE_TRY(const std::vector<NumberedToken> numbered, added_tokens_of(file));
  std::vector<AddedToken> tokens;
  for (const NumberedToken& entry : numbered) tokens.push_back(entry.token);
  return pipeline.added.add(tokens, *pipeline.model, pipeline.normalizer.get());
}

// The regular expression that Mistral's models should have had, in place of the first one, or in
// front of what is there: _patch_mistral_regex.
Status fix_mistral_regex(const TokenizerFile& file, Pipeline& pipeline) {
  constexpr std::string_view kWords =
      R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|)"
      R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|)"
      R"(\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
  RIDGELINE_TRY(TextPatternPtr words, make_regex_pattern(kWords, file.path));
  std::vector<PreTokenizerPtr> steps{make_split(std::move(words), SplitBehavior::kIsolated, false)};
  const Json& entry = entry_of(*file.root, "pre_tokenizer");
  const Json& type = entry_of(entry, "type");
  if (type == "Sequence") {
    const Json& list = entry_of(entry, "pretokenizers");
    for (std::size_t i = 1; i < list.size(); ++i) {
      RIDGELINE_TRY(PreTokenizerPtr step, parse_pre_tokenizer(list[i], file.path));
      if (step != nullptr) steps.push_back(std::move(step));
    }
  } else if (type == "Metaspace") {
    RIDGELINE_TRY(PreTokenizerPtr bytes, make_byte_level(false, false));
    steps.push_back(std::move(bytes));
  } else {
    steps.push_back(pipeline.pre_tokenizer);
  }
  pipeline.pre_tokenizer = make_sequence(std::move(steps));
  return {};
}

// The side in the "truncation" or "padding" entry of tokenizer.json, which counts where
// tokenizer_config.json names none. The lengths that stand there do not count.
bool side_is_left(const TokenizerFile* file, const char* entry, std::optional<bool> configured,
                  bool otherwise) {
  if (configured || file == nullptr) return configured.value_or(otherwise);
  const Json& direction = entry_of(entry_of(*file->root, entry), "direction");
  return direction.is_string() ? direction.get<std::string>() == "Left" : otherwise;
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
  pipeline.truncate_left = side_is_left(file, "truncation", config.truncate_left, false);
  pipeline.pad_left =
      side_is_left(file, "padding", config.pad_left, config.tokenizer_class.pad_left);
  pipeline.attention_mask = config.attention_mask;
  pipeline.token_type_ids = config.token_type_ids;
  pipeline.added.split_special_tokens(config.split_special_tokens);
  pipeline.clean_up_spaces =
      config.clean_up_spaces && (!pipeline.is_bpe || config.clean_up_bpe_spaces);
  if (const std::string pad = config.content_of("pad_token"); !pad.empty()) {
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

/// What the model is made of in folders without a tokenizer.json.
Result<ModelParts> read_parts(const std::string& folder, TokenizerKind kind) {
  std::error_code ignored;
  const auto exists = [&](const char* name) {
    return std::filesystem::exists(folder + "/" + name, ignored);
  };
  ModelParts parts;
  if (kind == TokenizerKind::kBert && exists("vocab.txt")) {
    parts.path = folder + "/vocab.txt";
    RIDGELINE_TRY(parts.vocabulary, read_vocabulary_lines(parts.path));
    return parts;
  }
  const bool takes_pairs = kind == TokenizerKind::kGpt2 || kind == TokenizerKind::kWhisper ||
                           kind == TokenizerKind::kClip;
  if (takes_pairs && exists("vocab.json") && exists("merges.txt")) {
    parts.path = folder + "/merges.txt";
    RIDGELINE_TRY(parts.vocabulary, read_vocabulary_json(folder + "/vocab.json"));
    RIDGELINE_TRY(parts.merges, read_merges(parts.path));
    return parts;
  }
  return bad_input(fmt::format("{} has no tokenizer.json{}", folder,
                               takes_pairs                    ? " and no vocab.json with merges.txt"
                               : kind == TokenizerKind::kBert ? " and no vocab.txt"
                                                              : ""),
                   "give the folder of a model with its tokenizer");
}

/// tokenizer.json, when the folder has one.
Result<std::optional<TokenizerFile>> read_file(const std::string& folder) {
  const std::string path = folder + "/tokenizer.json";
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return std::optional<TokenizerFile>();
  RIDGELINE_TRY(TokenizerFile file, read_tokenizer_file(path));
  return std::optional(std::move(file));
}

/// The type of the model of tokenizer.json, which must be one that the class can take.
Result<std::string> supported_model_type(const TokenizerFile& file, const TokenizerClass& kind) {
  RIDGELINE_TRY(std::string type, model_type(file));
  const bool takes_pieces = kind.takes_stages() || kind.has_bert_tokens();
  const bool takes_merges = kind.takes_stages() || !kind.has_bert_tokens();
  if ((type == "WordPiece" && !takes_pieces) || (type == "BPE" && !takes_merges)) {
    return unsupported(fmt::format("{}: the model '{}' is not supported with the class '{}'",
                                   file.path, type, kind.name));
  }
  if (type != "WordPiece" && type != "BPE") {
    return unsupported(
        fmt::format("{}: the model '{}' is not supported", file.path, excerpt(type)));
  }
  if (file.vocabulary.empty()) {
    return bad_input(fmt::format("{}: the model has no vocabulary", file.path));
  }
  return type;
}

Status build_from_file(TokenizerFile& file, const TokenizerConfig& config, Pipeline& pipeline) {
  const TokenizerClass& kind = config.tokenizer_class;
  RIDGELINE_TRY(const std::string type, supported_model_type(file, kind));
  if (kind.takes_stages()) return read_stages(file, type, pipeline);
  RIDGELINE_CHECK(build_class_stages(
      {file.path, std::move(file.vocabulary), std::move(file.merges)}, config, pipeline));
  if (kind.kind == TokenizerKind::kLlama || kind.kind == TokenizerKind::kGpt2) {
    RIDGELINE_TRY(pipeline.post_processor,
                  parse_post_processor(entry_of(*file.root, "post_processor"), file.path));
  }
  return {};
}

// Above this many tokens, transformers looks whether the regular expression is Mistral's.
constexpr std::int64_t kMistralVocabulary = 100'000;

}  // namespace

Result<Pipeline> load_pipeline(const std::string& folder) {
  RIDGELINE_TRY(std::optional<TokenizerFile> read, read_file(folder));
  TokenizerFile* const file = read ? &*read : nullptr;
  RIDGELINE_TRY(TokenizerConfig config, read_tokenizer_config(folder, file));
  complete_named_tokens(file, config);

  Pipeline pipeline;
  pipeline.kind = config.tokenizer_class.kind;
  if (file != nullptr) {
    RIDGELINE_CHECK(build_from_file(*file, config, pipeline));
  } else {
    RIDGELINE_TRY(const ModelParts parts, read_parts(folder, pipeline.kind));
    RIDGELINE_CHECK(build_class_stages(parts, config, pipeline));
  }
  RIDGELINE_CHECK(add_tokens(config, pipeline));
  if (file == nullptr) RIDGELINE_CHECK(set_bos_eos_template(folder, config, pipeline));
  RIDGELINE_CHECK(set_class_post_processor(folder, config, pipeline));
  RIDGELINE_CHECK(finish(folder, config, file, pipeline));
  const bool is_large = pipeline.vocab_size > kMistralVocabulary && pipeline.pre_tokenizer;
  if (config.fix_mistral_regex && is_large) {
    if (!config.tokenizer_class.takes_stages()) {
      return unsupported(fmt::format("{}: 'fix_mistral_regex' with the class '{}' is not supported",
                                     folder, config.tokenizer_class.name));
    }
    RIDGELINE_CHECK(fix_mistral_regex(*file, pipeline));
  }
  return pipeline;
}

}  // namespace ridgeline::native
