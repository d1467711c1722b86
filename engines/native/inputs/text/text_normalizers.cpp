// The normalizers that put in, take out or replace parts of a text.
#include "engines/native/inputs/text/byte_level.hpp"
#include "engines/native/inputs/text/normalizer.hpp"
#include "engines/native/inputs/text/unicode.hpp"

namespace ridgeline::native {
namespace {

class Replace final : public Normalizer {
 public:
  Replace(TextPatternPtr pattern, std::string content)
      : pattern_(std::move(pattern)), content_(std::move(content)) {}

  Status normalize(std::string_view text, std::string& out) const override {
    return replace_matches(*pattern_, text, content_, out);
  }

  bool can_drop_start() const override { return content_.empty(); }

 private:
  TextPatternPtr pattern_;
  std::string content_;
};

class Prepend final : public Normalizer {
 public:
  explicit Prepend(std::string prefix) : prefix_(std::move(prefix)) {}

  Status normalize(std::string_view text, std::string& out) const override {
    if (!text.empty()) out += prefix_;
    out += text;
    return {};
  }

 private:
  std::string prefix_;
};

class Strip final : public Normalizer {
 public:
  Strip(bool left, bool right) : left_(left), right_(right) {}

  Status normalize(std::string_view text, std::string& out) const override {
    const Characters& characters = Characters::get();
    while (left_ && !text.empty()) {
      std::size_t end = 0;
      if (!characters.has(decode_utf8(text, end), kWhitespace)) break;
      text.remove_prefix(end);
    }
    while (right_ && !text.empty()) {
      std::size_t begin = text.size() - 1;
      while (begin > 0 && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80) --begin;
      std::size_t at = begin;
      if (!characters.has(decode_utf8(text, at), kWhitespace)) break;
      text = text.substr(0, begin);
    }
    out += text;
    return {};
  }

  bool can_drop_start() const override { return left_; }

 private:
  bool left_;
  bool right_;
};

class ByteLevelNormalizer final : public Normalizer {
 public:
  Status normalize(std::string_view text, std::string& out) const override {
    const std::size_t before = out.size();
    out.resize(before + 2 * text.size());
    out.resize(before + ByteLevel::get().encode(text, out.data() + before));
    return {};
  }
};

}  // namespace

NormalizerPtr make_replace(TextPatternPtr pattern, std::string content) {
  return std::make_shared<const Replace>(std::move(pattern), std::move(content));
}

NormalizerPtr make_prepend(std::string text) {
  return std::make_shared<const Prepend>(std::move(text));
}

NormalizerPtr make_strip(bool left, bool right) {
  return std::make_shared<const Strip>(left, right);
}

NormalizerPtr make_byte_level_normalizer() {
  return std::make_shared<const ByteLevelNormalizer>();
}

}  // namespace ridgeline::native
