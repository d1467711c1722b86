// BertNormalizer: clean, blanks around CJK, strip accents, lower case; ASCII without decoding.
#include <algorithm>
#include <array>

#include "engines/native/inputs/text/normalizer.hpp"
#include "engines/native/inputs/text/unicode.hpp"

namespace ridgeline::native {
namespace {

// The blocks that BERT calls Chinese, as the tokenizers library lists them (it starts the block of
// extension E at 2B920 where Unicode starts it at 2B820).
bool is_chinese(char32_t c) {
  if (c < 0x3400) return false;
  const auto in = [&](char32_t first, char32_t last) { return c >= first && c <= last; };
  return in(0x4E00, 0x9FFF) || in(0x3400, 0x4DBF) || in(0x20000, 0x2A6DF) || in(0x2A700, 0x2B73F) ||
         in(0x2B740, 0x2B81F) || in(0x2B920, 0x2CEAF) || in(0xF900, 0xFAFF) || in(0x2F800, 0x2FA1F);
}

class BertNormalizer final : public Normalizer {
 public:
  explicit BertNormalizer(const BertNormalizerOptions& options)
      : options_(options), strip_accents_(options.strip_accents.value_or(options.lowercase)) {
    for (std::size_t c = 0; c < ascii_.size(); ++c) ascii_[c] = ascii_result(static_cast<char>(c));
  }

  Status normalize(std::string_view text, std::string& out) const override {
    out.reserve(out.size() + text.size());
    std::u32string run;
    for (std::size_t at = 0; at < text.size();) {
      const auto byte = static_cast<unsigned char>(text[at]);
      if (byte < 0x80) {
        if (const int result = ascii_[byte]; result >= 0) out.push_back(static_cast<char>(result));
        ++at;
        continue;
      }
      // ASCII never combines with what is around it, so a run of the rest stands alone.
      run.clear();
      while (at < text.size() && static_cast<unsigned char>(text[at]) >= 0x80) {
        append_cleaned(decode_utf8(text, at), run);
      }
      finish(run);
      append_utf8(run, out);
    }
    return {};
  }

  bool can_drop_start() const override { return true; }

 private:
  // What an ASCII character becomes; -1 when it is dropped.
  int ascii_result(char c) const {
    const Characters& characters = Characters::get();
    const auto code = static_cast<char32_t>(c);
    if (options_.clean_text && characters.has(code, kRemoved)) return -1;
    if (options_.clean_text && characters.has(code, kWhitespace)) return ' ';
    return options_.lowercase && c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
  }

  void append_cleaned(char32_t c, std::u32string& run) const {
    if (options_.clean_text) {
      const Characters& characters = Characters::get();
      if (characters.has(c, kRemoved)) return;
      if (characters.has(c, kWhitespace)) c = U' ';
    }
    if (options_.handle_chinese_chars && is_chinese(c)) {
      run.append({U' ', c, U' '});
    } else {
      run.push_back(c);
    }
  }

  void finish(std::u32string& run) const {
    if (strip_accents_) {
      decompose(run, false);
      const Characters& characters = Characters::get();
      std::erase_if(run, [&](char32_t c) { return characters.has(c, kNonspacing); });
    }
    if (options_.lowercase) lowercase(run);
  }

  BertNormalizerOptions options_;
  bool strip_accents_;
  std::array<std::int16_t, 128> ascii_{};
};

}  // namespace

NormalizerPtr make_bert_normalizer(const BertNormalizerOptions& options) {
  return std::make_shared<const BertNormalizer>(options);
}

}  // namespace ridgeline::native
