// The pre-tokenizers that only cut, sequences of pre-tokenizers, and reading them.
#include "engines/native/inputs/text/pre_tokenizer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "engines/native/inputs/text/unicode.hpp"

namespace ridgeline::native {
namespace {

/// What a character does to the words around it.
enum class Role {
  kSeparates,  ///< belongs to no word
  kAlone,      ///< is a word
  kLetter,     ///< continues a word of letters
  kOther,      ///< continues a word of others
};

Role bert_role(std::uint8_t properties) {
  if ((properties & kWhitespace) != 0) return Role::kSeparates;
  return (properties & kPunctuation) != 0 ? Role::kAlone : Role::kLetter;
}

// The regular expression \w+|[^\w\s]+
Role whitespace_role(std::uint8_t properties) {
  if ((properties & kWord) != 0) return Role::kLetter;
  return (properties & kWhitespace) != 0 ? Role::kSeparates : Role::kOther;
}

Role whitespace_split_role(std::uint8_t properties) {
  return (properties & kWhitespace) != 0 ? Role::kSeparates : Role::kLetter;
}

class RolePreTokenizer final : public PreTokenizer {
 public:
  explicit RolePreTokenizer(Role (*role)(std::uint8_t)) {
    for (std::size_t i = 0; i < roles_.size(); ++i) roles_[i] = role(static_cast<std::uint8_t>(i));
  }

  Status split(const Word& word, WordList& out) const override {
    const Characters& characters = Characters::get();
    const std::string_view text = word.text;
    std::size_t begin = 0;
    Role last = Role::kSeparates;
    const auto end_word = [&](std::size_t end) {
      if (last == Role::kSeparates) return;
      out.words.push_back({text.substr(begin, end - begin), word.at_start && begin == 0});
    };
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t start = at;
      const Role role = roles_[characters[decode_utf8(text, at)]];
      if (role == last && role != Role::kAlone) continue;
      end_word(start);
      begin = start;
      last = role;
    }
    end_word(text.size());
    return {};
  }

 private:
  std::array<Role, 256> roles_{};  // by the properties of a character
};

class SplitPreTokenizer final : public PreTokenizer {
 public:
  SplitPreTokenizer(TextPatternPtr pattern, SplitBehavior behavior, bool invert)
      : pattern_(std::move(pattern)), behavior_(behavior), invert_(invert) {}

  Status split(const Word& word, WordList& out) const override {
    RIDGELINE_CHECK(pattern_->find(word.text, out.segments));
    if (invert_) {
      for (Segment& segment : out.segments) segment.is_match = !segment.is_match;
    }
    apply_behavior(behavior_, out.segments);
    for (const auto& [begin, end, is_match] : out.segments) {
      if (begin == end) continue;
      out.words.push_back({word.text.substr(begin, end - begin), word.at_start && begin == 0});
    }
    return {};
  }

 private:
  TextPatternPtr pattern_;
  SplitBehavior behavior_;
  bool invert_;
};

class SequencePreTokenizer final : public PreTokenizer {
 public:
  explicit SequencePreTokenizer(std::vector<PreTokenizerPtr> steps) : steps_(std::move(steps)) {}

  Status split(const Word& word, WordList& out) const override {
    std::vector<Word> earlier;
    earlier.swap(out.words);
    std::vector<Word> current{word};
    for (const PreTokenizerPtr& step : steps_) {
      out.words.clear();
      for (const Word& part : current) RIDGELINE_CHECK(step->split(part, out));
      current.swap(out.words);
      if (out.buffer.bytes() > kMaxTextBytes) {
        return bad_input(fmt::format("a text grows above {} bytes on its way through the tokenizer",
                                     kMaxTextBytes));
      }
    }
    out.words.swap(earlier);
    out.words.insert(out.words.end(), current.begin(), current.end());
    return {};
  }

  bool needs_start() const override {
    return std::any_of(steps_.begin(), steps_.end(),
                       [](const PreTokenizerPtr& step) { return step->needs_start(); });
  }

 private:
  std::vector<PreTokenizerPtr> steps_;
};

PreTokenizerPtr make_role_pre_tokenizer(Role (*role)(std::uint8_t)) {
  return std::make_shared<const RolePreTokenizer>(role);
}

Result<PreTokenizerPtr> parse_sequence(const Json& json, std::string_view what) {
  const auto list = json.find("pretokenizers");
  if (list == json.end() || !list->is_array()) {
    return bad_input(fmt::format("{}: a Sequence needs an array 'pretokenizers'", what));
  }
  std::vector<PreTokenizerPtr> steps;
  for (const Json& entry : *list) {
    RIDGELINE_TRY(PreTokenizerPtr step, parse_pre_tokenizer(entry, what));
    if (step != nullptr) steps.push_back(std::move(step));
  }
  return make_sequence(std::move(steps));
}

Result<PreTokenizerPtr> parse_split(const Json& json, std::string_view what) {
  RIDGELINE_TRY(TextPatternPtr pattern, parse_pattern(json, what));
  RIDGELINE_TRY(const SplitBehavior behavior, parse_behavior(json, what));
  RIDGELINE_TRY(const bool invert, get_bool(json, "invert", what, false));
  return make_split(std::move(pattern), behavior, invert);
}

Result<PreTokenizerPtr> parse_digits(const Json& json, std::string_view what) {
  RIDGELINE_TRY(const bool individual, get_bool(json, "individual_digits", what, false));
  return make_split(make_numeric_pattern(),
                    individual ? SplitBehavior::kIsolated : SplitBehavior::kContiguous, false);
}

Result<PreTokenizerPtr> parse_punctuation(const Json& json, std::string_view what) {
  SplitBehavior behavior = SplitBehavior::kIsolated;
  if (json.contains("behavior")) {
    RIDGELINE_TRY(behavior, parse_behavior(json, what));
  }
  return make_split(make_punctuation_pattern(), behavior, false);
}

Result<PreTokenizerPtr> parse_byte_level(const Json& json, std::string_view what) {
  RIDGELINE_TRY(const bool add_prefix_space, get_bool(json, "add_prefix_space", what, true));
  RIDGELINE_TRY(const bool use_regex, get_bool(json, "use_regex", what, true));
  return make_byte_level(add_prefix_space, use_regex);
}

}  // namespace

PreTokenizerPtr make_bert_pre_tokenizer() {
  return make_role_pre_tokenizer(bert_role);
}

PreTokenizerPtr make_split(TextPatternPtr pattern, SplitBehavior behavior, bool invert) {
  return std::make_shared<const SplitPreTokenizer>(std::move(pattern), behavior, invert);
}

PreTokenizerPtr make_sequence(std::vector<PreTokenizerPtr> steps) {
  return std::make_shared<const SequencePreTokenizer>(std::move(steps));
}

Result<PreTokenizerPtr> parse_pre_tokenizer(const Json& json, std::string_view what) {
  if (json.is_null()) return PreTokenizerPtr();
  const std::string where = fmt::format("{}: pre_tokenizer", what);
  RIDGELINE_TRY(const std::string type, get_string(json, "type", where));
  if (type == "BertPreTokenizer") return make_bert_pre_tokenizer();
  if (type == "Whitespace") return make_role_pre_tokenizer(whitespace_role);
  if (type == "WhitespaceSplit") return make_role_pre_tokenizer(whitespace_split_role);
  if (type == "Sequence") return parse_sequence(json, what);
  if (type == "Split") return parse_split(json, where);
  if (type == "Digits") return parse_digits(json, where);
  if (type == "Punctuation") return parse_punctuation(json, where);
  if (type == "ByteLevel") return parse_byte_level(json, where);
  if (type == "Metaspace") {
    RIDGELINE_TRY(const MetaspaceOptions options, parse_metaspace(json, where));
    return make_metaspace(options);
  }
  return unsupported(
      fmt::format("{}: the pre-tokenizer '{}' is not supported", what, excerpt(type)));
}

}  // namespace ridgeline::native
