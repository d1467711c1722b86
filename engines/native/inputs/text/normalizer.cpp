// Normalizers that work on code points, sequences of normalizers, and reading them.
#include "engines/native/inputs/text/normalizer.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "engines/native/inputs/text/unicode.hpp"

namespace ridgeline::native {
namespace {

using Transform = void (*)(std::u32string& text);

class CodePointNormalizer final : public Normalizer {
 public:
  explicit CodePointNormalizer(Transform transform) : transform_(transform) {}

  void normalize(std::string_view text, std::string& out) const override {
    std::u32string code_points = to_code_points(text);
    transform_(code_points);
    append_utf8(code_points, out);
  }

 private:
  Transform transform_;
};

class SequenceNormalizer final : public Normalizer {
 public:
  explicit SequenceNormalizer(std::vector<NormalizerPtr> steps) : steps_(std::move(steps)) {}

  void normalize(std::string_view text, std::string& out) const override {
    std::string current(text);
    std::string next;
    for (const NormalizerPtr& step : steps_) {
      next.clear();
      step->normalize(current, next);
      current.swap(next);
    }
    out += current;
  }

 private:
  std::vector<NormalizerPtr> steps_;
};

void strip_accents(std::u32string& text) {
  const Characters& characters = Characters::get();
  std::erase_if(text, [&](char32_t c) { return characters.has(c, kMark); });
}

struct NamedTransform {
  std::string_view name;
  Transform transform;
};

constexpr NamedTransform kTransforms[] = {
    {"Lowercase", [](std::u32string& text) { lowercase(text); }},
    {"NFD", [](std::u32string& text) { decompose(text, false); }},
    {"NFKD", [](std::u32string& text) { decompose(text, true); }},
    {"NFC",
     [](std::u32string& text) {
       decompose(text, false);
       compose(text);
     }},
    {"NFKC",
     [](std::u32string& text) {
       decompose(text, true);
       compose(text);
     }},
    {"StripAccents", [](std::u32string& text) { strip_accents(text); }},
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
  return NormalizerPtr(std::make_shared<const SequenceNormalizer>(std::move(steps)));
}

}  // namespace

Result<NormalizerPtr> parse_normalizer(const Json& json, std::string_view what) {
  if (json.is_null()) return NormalizerPtr();
  const std::string where = fmt::format("{}: normalizer", what);
  RIDGELINE_TRY(const std::string type, get_string(json, "type", where));
  if (type == "BertNormalizer") return parse_bert(json, where);
  if (type == "Sequence") return parse_sequence(json, what);
  for (const NamedTransform& entry : kTransforms) {
    if (entry.name == type) {
      return NormalizerPtr(std::make_shared<const CodePointNormalizer>(entry.transform));
    }
  }
  return unsupported(fmt::format("{}: the normalizer '{}' is not supported", what, excerpt(type)));
}

}  // namespace ridgeline::native
