// Normalizers of tokenizer.json: text to text, before it is split into words.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"
#include "engines/native/inputs/text/pattern.hpp"

namespace ridgeline::native {

class Normalizer {
 public:
  virtual ~Normalizer() = default;

  /// Appends the normalized form of `text`, which must be valid UTF-8, to `out`. Errors: a regular
  /// expression that needs too much time or memory.
  virtual Status normalize(std::string_view text, std::string& out) const = 0;

  /// Whether it can drop characters at the start, so that what is left begins later in the text.
  virtual bool can_drop_start() const { return false; }
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

/// Every match becomes `content`.
NormalizerPtr make_replace(TextPatternPtr pattern, std::string content);
/// `text` in front of every text that is not empty.
NormalizerPtr make_prepend(std::string text);
/// Drops white space at the ends.
NormalizerPtr make_strip(bool left, bool right);
/// Bytes spelled as printable characters.
NormalizerPtr make_byte_level_normalizer();

/// One after the other.
NormalizerPtr make_sequence(std::vector<NormalizerPtr> steps);

/// Lowercase, NFC, NFD, NFKC, NFKD or StripAccents; null for other names.
NormalizerPtr make_named_normalizer(std::string_view name);

/// The normalizer that a "normalizer" entry describes: BertNormalizer, ByteLevel, Lowercase, NFC,
/// NFD, NFKC, NFKD, Prepend, Replace, Strip, StripAccents or a Sequence of them; null for null.
/// Others are kUnsupported, by name.
Result<NormalizerPtr> parse_normalizer(const Json& json, std::string_view what);

}  // namespace ridgeline::native
