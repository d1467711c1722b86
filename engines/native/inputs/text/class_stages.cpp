// One function a class: what its __init__ in transformers puts together.
#include "engines/native/inputs/text/class_stages.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "engines/native/inputs/text/unicode.hpp"
#include "engines/native/inputs/text/whisper_prompt.hpp"
#include "engines/native/inputs/text/word_piece.hpp"

namespace ridgeline::native {
namespace {

using Pipeline = TextTokenizer::Pipeline;

struct DefaultToken {
  TokenizerKind kind;
  const char* name;
  const char* content;  // null: there is none, and tokenizer.json cannot give one either
};

constexpr DefaultToken kDefaultTokens[] = {
    {TokenizerKind::kBert, "unk_token", "[UNK]"},
    {TokenizerKind::kBert, "sep_token", "[SEP]"},
    {TokenizerKind::kBert, "pad_token", "[PAD]"},
    {TokenizerKind::kBert, "cls_token", "[CLS]"},
    {TokenizerKind::kBert, "mask_token", "[MASK]"},
    {TokenizerKind::kLlama, "unk_token", "<unk>"},
    {TokenizerKind::kLlama, "bos_token", "<s>"},
    {TokenizerKind::kLlama, "eos_token", "</s>"},
    {TokenizerKind::kGpt2, "unk_token", "<|endoftext|>"},
    {TokenizerKind::kGpt2, "bos_token", "<|endoftext|>"},
    {TokenizerKind::kGpt2, "eos_token", "<|endoftext|>"},
    {TokenizerKind::kGpt2, "pad_token", nullptr},
    {TokenizerKind::kWhisper, "unk_token", "<|endoftext|>"},
    {TokenizerKind::kWhisper, "bos_token", "<|endoftext|>"},
    {TokenizerKind::kWhisper, "eos_token", "<|endoftext|>"},
    {TokenizerKind::kClip, "unk_token", "<|endoftext|>"},
    {TokenizerKind::kClip, "bos_token", "<|startoftext|>"},
    {TokenizerKind::kClip, "eos_token", "<|endoftext|>"},
    {TokenizerKind::kClip, "pad_token", "<|endoftext|>"},
};

// CLIP's words: its special tokens, contractions, letters, single digits, the rest without blanks.
constexpr std::string_view kClipWords =
    R"(<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|)"
    R"([\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+)";

constexpr std::string_view kMetaspace = "\xE2\x96\x81";

Result<std::int64_t> required_id(const std::string& folder, const TokenizerConfig& config,
                                 std::string_view name, const Pipeline& pipeline) {
  const auto id = pipeline.added.id_of(config.content_of(name), *pipeline.model);
  if (!id) return bad_input(fmt::format("{}: the tokenizer has no {}", folder, name));
  return *id;
}

Status build_bert(const ModelParts& parts, const TokenizerConfig& config, Pipeline& pipeline) {
  WordPieceOptions options;
  options.unk_token = config.content_of("unk_token");
  pipeline.model = make_word_piece(parts.vocabulary, options);
  pipeline.normalizer = make_bert_normalizer(config.settings.bert);
  pipeline.pre_tokenizer = make_bert_pre_tokenizer();
  pipeline.decoder = make_word_piece_decoder("##", true);
  return {};
}

Status build_llama(const ModelParts& parts, const TokenizerConfig& config, Pipeline& pipeline) {
  BpeOptions options;
  options.fuse_unk = true;
  options.byte_fallback = true;
  RIDGELINE_TRY(pipeline.model, make_bpe(parts.vocabulary, parts.merges, options, parts.path));

  const bool prefix = config.settings.add_prefix_space.value_or(true);
  MetaspaceOptions metaspace;
  metaspace.prepend = config.settings.legacy ? MetaspaceOptions::Prepend::kAlways
                                             : MetaspaceOptions::Prepend::kFirst;
  if (!prefix) metaspace.prepend = MetaspaceOptions::Prepend::kNever;
  metaspace.split = false;
  pipeline.pre_tokenizer = make_metaspace(metaspace);

  RIDGELINE_TRY(TextPatternPtr blank, make_literal_pattern(kMetaspace, parts.path));
  std::vector<DecoderPtr> steps{make_replace_decoder(std::move(blank), " "),
                                make_byte_fallback_decoder(), make_fuse_decoder()};
  if (prefix) steps.push_back(make_strip_decoder(' ', 1, 0));
  pipeline.decoder = make_decoder_sequence(std::move(steps));
  return {};
}

// GPT-2's, and Whisper's.
Status build_gpt2(const ModelParts& parts, const TokenizerConfig& config, Pipeline& pipeline) {
  RIDGELINE_TRY(pipeline.model, make_bpe(parts.vocabulary, parts.merges, {}, parts.path));
  RIDGELINE_TRY(pipeline.pre_tokenizer,
                make_byte_level(config.settings.add_prefix_space.value_or(false), true));
  pipeline.decoder = make_byte_level_decoder();
  return {};
}

Status build_clip(const ModelParts& parts, const TokenizerConfig& config, Pipeline& pipeline) {
  BpeOptions options;
  options.end_of_word_suffix = kClipSuffix;
  options.unk_token = config.content_of("unk_token");
  // What str(None) is in Python.
  if (options.unk_token->empty()) options.unk_token = "None";
  RIDGELINE_TRY(pipeline.model, make_bpe(parts.vocabulary, parts.merges, options, parts.path));

  RIDGELINE_TRY(TextPatternPtr blanks, make_regex_pattern(R"(\s+)", parts.path));
  pipeline.normalizer = make_sequence(
      std::vector<NormalizerPtr>{make_named_normalizer("NFC"), make_replace(std::move(blanks), " "),
                                 make_named_normalizer("Lowercase")});
  RIDGELINE_TRY(TextPatternPtr words, make_regex_pattern(kClipWords, parts.path));
  RIDGELINE_TRY(PreTokenizerPtr bytes, make_byte_level(false, true));
  pipeline.pre_tokenizer = make_sequence(std::vector<PreTokenizerPtr>{
      make_split(std::move(words), SplitBehavior::kRemoved, true), std::move(bytes)});
  pipeline.decoder = make_byte_level_decoder();
  return {};
}

Status set_whisper_template(const std::string& folder, const TokenizerConfig& config,
                            Pipeline& pipeline) {
  RIDGELINE_TRY(const std::int64_t unknown, required_id(folder, config, "unk_token", pipeline));
  RIDGELINE_TRY(const std::int64_t end, required_id(folder, config, "eos_token", pipeline));
  const auto id_of = [&](std::string_view token) {
    return pipeline.added.id_of(token, *pipeline.model).value_or(unknown);
  };
  const ClassSettings& settings = config.settings;
  RIDGELINE_TRY(
      const std::vector<std::int64_t> before,
      whisper_prompt_ids({settings.language, settings.task, settings.predict_timestamps}, id_of));
  for (const std::int64_t id : before) {
    if (pipeline.added.tokens().contains(id) || pipeline.model->token_of(id)) continue;
    return bad_input(fmt::format("{}: the tokenizer has no token {} for its prompt", folder, id));
  }
  pipeline.post_processor = surrounding_post_processor(before, end);
  pipeline.whisper_marks = {id_of("<|startofprev|>"), id_of("<|startoftranscript|>")};
  return {};
}

}  // namespace

void add_default_tokens(TokenizerConfig& config) {
  TokenizerKind kind = config.tokenizer_class.kind;
  if (kind == TokenizerKind::kBertFile) kind = TokenizerKind::kBert;
  for (const DefaultToken& token : kDefaultTokens) {
    if (token.kind != kind || config.find(token.name) != nullptr) continue;
    std::optional<AddedToken> value;
    if (token.content != nullptr) {
      value.emplace();
      value->content = token.content;
      value->special = true;
    }
    config.named.emplace_back(token.name, std::move(value));
  }
}

Status build_class_stages(const ModelParts& parts, const TokenizerConfig& config,
                          Pipeline& pipeline) {
  pipeline.is_bpe = !config.tokenizer_class.has_bert_tokens();
  switch (config.tokenizer_class.kind) {
    case TokenizerKind::kBert:
      return build_bert(parts, config, pipeline);
    case TokenizerKind::kLlama:
      return build_llama(parts, config, pipeline);
    case TokenizerKind::kGpt2:
    case TokenizerKind::kWhisper:
      return build_gpt2(parts, config, pipeline);
    case TokenizerKind::kClip:
      return build_clip(parts, config, pipeline);
    case TokenizerKind::kFile:
    case TokenizerKind::kBertFile:
      break;
  }
  return bad_input(fmt::format("{}: the tokenizer class '{}' needs a tokenizer.json", parts.path,
                               config.tokenizer_class.name));
}

Status set_class_post_processor(const std::string& folder, const TokenizerConfig& config,
                                Pipeline& pipeline) {
  const TokenizerKind kind = config.tokenizer_class.kind;
  if (config.tokenizer_class.has_bert_tokens()) {
    RIDGELINE_TRY(const std::int64_t cls, required_id(folder, config, "cls_token", pipeline));
    RIDGELINE_TRY(const std::int64_t sep, required_id(folder, config, "sep_token", pipeline));
    pipeline.post_processor = bert_post_processor(cls, sep);
  } else if (kind == TokenizerKind::kClip) {
    RIDGELINE_TRY(const std::int64_t bos, required_id(folder, config, "bos_token", pipeline));
    RIDGELINE_TRY(const std::int64_t eos, required_id(folder, config, "eos_token", pipeline));
    pipeline.post_processor = roberta_post_processor(bos, eos);
  } else if (kind == TokenizerKind::kWhisper) {
    return set_whisper_template(folder, config, pipeline);
  }
  return {};
}

Status set_bos_eos_template(const std::string& folder, const TokenizerConfig& config,
                            Pipeline& pipeline) {
  using Kind = TemplatePiece::Kind;
  const auto wants = [&](std::optional<bool> setting, std::string_view name) {
    return setting.value_or(false) && !config.content_of(name).empty();
  };
  std::vector<std::int64_t> before;
  std::vector<std::int64_t> after;
  if (wants(config.settings.add_bos_token, "bos_token")) {
    RIDGELINE_TRY(const std::int64_t id, required_id(folder, config, "bos_token", pipeline));
    before.push_back(id);
  }
  if (wants(config.settings.add_eos_token, "eos_token")) {
    RIDGELINE_TRY(const std::int64_t id, required_id(folder, config, "eos_token", pipeline));
    after.push_back(id);
  }
  const auto around = [&](Kind kind, std::int64_t type) {
    return std::vector<TemplatePiece>{
        {Kind::kSpecial, type, before}, {kind, type}, {Kind::kSpecial, type, after}};
  };
  PostProcessor& out = pipeline.post_processor;
  out.single = around(Kind::kFirst, 0);
  out.pair = around(Kind::kFirst, 0);
  const auto second = around(Kind::kSecond, 1);
  out.pair.insert(out.pair.end(), second.begin(), second.end());
  return {};
}

}  // namespace ridgeline::native
