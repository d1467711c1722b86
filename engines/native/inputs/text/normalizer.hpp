// Normalizers of tokenizer.json: text to text, before it is split into words.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/json.hpp"

namespace ridgeline::native {

class Normalizer {
 public:
  virtual ~Normalizer() = default;

  /// Appends the normalized form of `text`, which must be valid UTF-8, to `out`.
  virtual void normalize(std::string_view text, std::string& out) const = 0;
};

using NormalizerPtr = std::shared_ptr<const Normalizer>;

/// The options of BertNormalizer, with the defaults of transformers' BertTokenizer.
struct BertNormalizerOptions {
  bool clean_text = true;            ///< drop control characters, make every white space a blank
  bool handle_chinese_chars = true;  ///< put blanks around CJK ideographs
  std::optional<bool> strip_accents = std::nullopt;  ///< follows `lowercase` when absent
  bool lowercase = true;
};

NormalizerPtr make_bert_normalizer(const BertNormalizerOptions& options);

/// The normalizer that a "normalizer" entry describes: BertNormalizer, Lowercase, NFC, NFD, NFKC,
/// NFKD, StripAccents or a Sequence of them; null for null. Others are kUnsupported, by name.
Result<NormalizerPtr> parse_normalizer(const Json& json, std::string_view what);

}  // namespace ridgeline::native
