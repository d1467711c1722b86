// The text tokenizer of a model folder: what AutoTokenizer of transformers returns for texts.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace ridgeline::native {

/// Token tensors, row-major [batch, sequence].
struct TokenizedBatch {
  std::int64_t batch = 0;
  std::int64_t sequence = 0;
  std::vector<std::int64_t> input_ids;
  std::vector<std::int64_t> attention_mask;  ///< 0 at padding
  std::vector<std::int64_t> token_type_ids;  ///< 1 in the second text of a pair, 0 elsewhere
  bool has_attention_mask = true;            ///< whether the tokenizer's class returns it
  bool has_token_type_ids = true;            ///< likewise
};

struct EncodeOptions {
  /// Whether the special tokens of the post-processor are put in; those in a text are always found.
  bool add_special_tokens = true;
  /// What several texts are padded with when the tokenizer itself has no padding token.
  std::optional<std::int64_t> pad_fallback = {};
};

/// Cheap to copy; encode() and decode() may be called from several threads.
class TextTokenizer {
 public:
  /// Reads tokenizer.json, or where there is none vocab.txt or vocab.json with merges.txt, with
  /// tokenizer_config.json, special_tokens_map.json, added_tokens.json and config.json where they
  /// are there. Errors:
  /// kBadInput for files that cannot be used, kUnsupported for parts of a tokenizer that Ridgeline
  /// does not have, by name.
  static Result<TextTokenizer> load(const std::string& folder);

  /// As tokenizer(texts, pairs, truncation=True, padding=len(texts) > 1, return_tensors="pt").
  /// Without `pairs`, or with one for each text. Errors: no texts; a text that is not UTF-8; an
  /// unknown word without an unknown token; several texts without a padding token; a regular
  /// expression of the tokenizer that needs too much time or memory.
  Result<TokenizedBatch> encode(std::span<const std::string> texts,
                                std::span<const std::string> pairs = {}) const;
  Result<TokenizedBatch> encode(std::span<const std::string> texts,
                                std::span<const std::string> pairs,
                                const EncodeOptions& options) const;

  /// As tokenizer.decode(ids, skip_special_tokens=...): ids without a token are passed over, bytes
  /// that are not UTF-8 become U+FFFD. Errors: a negative id; a decoder that is not supported.
  Result<std::string> decode(std::span<const std::int64_t> ids, bool skip_special_tokens) const;

  /// The id of an added token or of one of the model's, by its exact text.
  std::optional<std::int64_t> token_id(std::string_view token) const;

  /// Number of tokens, added ones included: len(tokenizer).
  std::int64_t vocab_size() const;
  /// One above the largest id that encode() can return: embeddings need as many rows.
  std::int64_t id_limit() const;
  std::optional<std::int64_t> pad_id() const;
  /// The longest sequence that encode() returns, special tokens included; absent: no limit.
  std::optional<std::int64_t> model_max_length() const;
  /// Ids of the special tokens, ascending.
  const std::vector<std::int64_t>& special_ids() const;

  struct Pipeline;

 private:
  explicit TextTokenizer(std::shared_ptr<const Pipeline> pipeline);

  std::shared_ptr<const Pipeline> pipeline_;
};

}  // namespace ridgeline::native
