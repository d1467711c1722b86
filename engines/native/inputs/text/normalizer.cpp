// Normalizers that work on code points, sequences of normalizers, and reading them.
#include "engines/native/inputs/text/normalizer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "engines/native/inputs/text/unicode.hpp"

namespace ridgeline::native {
namespace {

using Transform = void (*)(std::u32string& text);

struct NamedTransform {
  std::string_view name;
  Transform transform;
  bool changes_ascii;
  bool drops;
};

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

class CodePointNormalizer final : public Normalizer {
 public:
  explicit CodePointNormalizer(const NamedTransform& kind) : kind_(kind) {}

  Status normalize(std::string_view text, std::string& out) const override {
    if (!kind_.changes_ascii && is_ascii(text)) {
      out += text;
      return {};
    }
    std::u32string code_points = to_code_points(text);
    kind_.transform(code_points);
    append_utf8(code_points, out);
    return {};
  }

  bool can_drop_start() const override { return kind_.drops; }

 private:
  NamedTransform kind_;
};

class SequenceNormalizer final : public Normalizer {
 public:
  explicit SequenceNormalizer(std::vector<NormalizerPtr> steps) : steps_(std::move(steps)) {}

  Status normalize(std::string_view text, std::string& out) const override {
    std::string current(text);
    std::string next;
    for (const NormalizerPtr& step : steps_) {
      next.clear();
      RIDGELINE_CHECK(step->normalize(current, next));
      current.swap(next);
      if (current.size() > kMaxTextBytes) {
        return bad_input(
            fmt::format("a text grows above {} bytes when it is normalized", kMaxTextBytes));
      }
    }
    out += current;
    return {};
  }

  bool can_drop_start() const override {
    return std::any_of(steps_.begin(), steps_.end(),
                       [](const NormalizerPtr& step) { return step->can_drop_start(); });
  }

 private:
  std::vector<NormalizerPtr> steps_;
};

void strip_accents(std::u32string& text) {
  const Characters& characters = Characters::get();
  std::erase_if(text, [&](char32_t c) { return characters.has(c, kMark); });
}

constexpr NamedTransform kTransforms[] = {
    {"Lowercase", [](std::u32string& text) { lowercase(text); }, true, false},
    {"NFD", [](std::u32string& text) { decompose(text, false); }, false, false},
    {"NFKD", [](std::u32string& text) { decompose(text, true); }, false, false},
    {"NFC",
     [](std::u32string& text) {
       decompose(text, false);
       compose(text);
     },
     false, false},
    {"NFKC",
     [](std::u32string& text) {
       decompose(text, true);
       compose(text);
     },
     false, false},
    {"StripAccents", [](std::u32string& text) { strip_accents(text); }, false, true},
};

Result<NormalizerPtr> parse_bert(const Json& json, std::string_view what) {
  BertNormalizerOptions options;
  RIDGELINE_TRY(options.clean_text, get_bool(json, "clean_text", what, true));
  RIDGELINE_TRY(options.handle_chinese_chars, get_bool(json, "handle_chinese_chars", what, true));
  RIDGELINE_TRY(options.lowercase, get_bool(json, "lowercase", what, true));
  if (json.contains("strip_accents") && !json["strip_accents"].is_null()) {
    RIDGELINE_TRY(options.strip_accents, get_bool(json, "strip_accents", what, false));
  }
  return make_bert_normalizer(options);
}

Result<NormalizerPtr> parse_sequence(const Json& json, std::string_view what) {
  const auto list = json.find("normalizers");
  if (list == json.end() || !list->is_array()) {
    return bad_input(fmt::format("{}: a Sequence needs an array 'normalizers'", what));
  }
  std::vector<NormalizerPtr> steps;
  for (const Json& entry : *list) {
    RIDGELINE_TRY(NormalizerPtr step, parse_normalizer(entry, what));
    if (step != nullptr) steps.push_back(std::move(step));
  }
  return make_sequence(std::move(steps));
}

Result<NormalizerPtr> parse_replace(const Json& json, std::string_view what) {
  RIDGELINE_TRY(TextPatternPtr pattern, parse_pattern(json, what));
  RIDGELINE_TRY(std::string content, get_string(json, "content", what));
  return make_replace(std::move(pattern), std::move(content));
}

Result<NormalizerPtr> parse_strip(const Json& json, std::string_view what) {
  RIDGELINE_TRY(const bool left, get_bool(json, "strip_left", what, true));
  RIDGELINE_TRY(const bool right, get_bool(json, "strip_right", what, true));
  return make_strip(left, right);
}

}  // namespace

NormalizerPtr make_sequence(std::vector<NormalizerPtr> steps) {
  return std::make_shared<const SequenceNormalizer>(std::move(steps));
}

NormalizerPtr make_named_normalizer(std::string_view name) {
  for (const NamedTransform& entry : kTransforms) {
    if (entry.name == name) return std::make_shared<const CodePointNormalizer>(entry);
  }
  return nullptr;
}

Result<NormalizerPtr> parse_normalizer(const Json& json, std::string_view what) {
  if (json.is_null()) return NormalizerPtr();
  const std::string where = fmt::format("{}: normalizer", what);
  RIDGELINE_TRY(const std::string type, get_string(json, "type", where));
  if (type == "BertNormalizer") return parse_bert(json, where);
  if (type == "Sequence") return parse_sequence(json, what);
  if (type == "Replace") return parse_replace(json, where);
  if (type == "Strip") return parse_strip(json, where);
  if (type == "ByteLevel") return make_byte_level_normalizer();
  if (type == "Prepend") {
    RIDGELINE_TRY(std::string text, get_string(json, "prepend", where));
    return make_prepend(std::move(text));
  }
  if (NormalizerPtr named = make_named_normalizer(type)) return named;
  return unsupported(fmt::format("{}: the normalizer '{}' is not supported", what, excerpt(type)));
}

}  // namespace ridgeline::native
