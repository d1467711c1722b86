// Post-processors of tokenizer.json: what stands around and between the sequences.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"

namespace ridgeline::native {

/// One part of a template: the first sequence, the second one, or special tokens.
struct TemplatePiece {
  enum class Kind { kFirst, kSecond, kSpecial };
  Kind kind = Kind::kFirst;
  std::int64_t type_id = 0;
  std::vector<std::int64_t> ids = {};  ///< of special tokens
};

struct PostProcessor {
  std::vector<TemplatePiece> single = {{TemplatePiece::Kind::kFirst, 0}};
  std::vector<TemplatePiece> pair = {{TemplatePiece::Kind::kFirst, 0},
                                     {TemplatePiece::Kind::kSecond, 1}};

  /// Special tokens that the template adds.
  std::size_t added(bool is_pair) const;

  /// Appends the ids and the token types of the whole input, with or without the special tokens.
  void process(std::span<const std::int64_t> first,
               std::optional<std::span<const std::int64_t>> second, bool add_special_tokens,
               std::vector<std::int64_t>& ids, std::vector<std::int64_t>& type_ids) const;
};

/// [CLS] A [SEP], and [CLS] A [SEP] B [SEP] with type 1 from B on.
PostProcessor bert_post_processor(std::int64_t cls_id, std::int64_t sep_id);

/// <s> A </s>, and <s> A </s></s> B </s>, of type 0 throughout.
PostProcessor roberta_post_processor(std::int64_t cls_id, std::int64_t sep_id);

/// `before` A `after`, and `before` A B `after` with type 1 from B on: Whisper's.
PostProcessor surrounding_post_processor(const std::vector<std::int64_t>& before,
                                         std::int64_t after);

/// The post-processor that a "post_processor" entry describes: BertProcessing, ByteLevel (which
/// changes no token), RobertaProcessing, TemplateProcessing or a Sequence of them with at most one
/// that is not ByteLevel; the sequences alone for null. Others are kUnsupported, by name.
Result<PostProcessor> parse_post_processor(const Json& json, std::string_view what);

}  // namespace ridgeline::native
