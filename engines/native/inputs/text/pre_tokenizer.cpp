// The pre-tokenizers, each a way to put characters into classes, and reading them.
#include "engines/native/inputs/text/pre_tokenizer.hpp"

#include <fmt/format.h>

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

  void split(std::string_view text, std::vector<std::string_view>& words) const override {
    const Characters& characters = Characters::get();
    std::size_t begin = 0;
    Role last = Role::kSeparates;
    const auto end_word = [&](std::size_t end) {
      if (last != Role::kSeparates) words.push_back(text.substr(begin, end - begin));
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
  }

 private:
  std::array<Role, 256> roles_{};  // by the properties of a character
};

class SequencePreTokenizer final : public PreTokenizer {
 public:
  explicit SequencePreTokenizer(std::vector<PreTokenizerPtr> steps) : steps_(std::move(steps)) {}

  void split(std::string_view text, std::vector<std::string_view>& words) const override {
    if (text.empty()) return;
    std::vector<std::string_view> current{text};
    std::vector<std::string_view> next;
    for (const PreTokenizerPtr& step : steps_) {
      next.clear();
      for (const std::string_view word : current) step->split(word, next);
      current.swap(next);
    }
    words.insert(words.end(), current.begin(), current.end());
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
  return PreTokenizerPtr(std::make_shared<const SequencePreTokenizer>(std::move(steps)));
}

}  // namespace

PreTokenizerPtr make_bert_pre_tokenizer() {
  return make_role_pre_tokenizer(bert_role);
}

Result<PreTokenizerPtr> parse_pre_tokenizer(const Json& json, std::string_view what) {
  if (json.is_null()) return PreTokenizerPtr();
  const std::string where = fmt::format("{}: pre_tokenizer", what);
  RIDGELINE_TRY(const std::string type, get_string(json, "type", where));
  if (type == "BertPreTokenizer") return make_bert_pre_tokenizer();
  if (type == "Whitespace") return make_role_pre_tokenizer(whitespace_role);
  if (type == "WhitespaceSplit") return make_role_pre_tokenizer(whitespace_split_role);
  if (type == "Sequence") return parse_sequence(json, what);
  return unsupported(
      fmt::format("{}: the pre-tokenizer '{}' is not supported", what, excerpt(type)));
}

}  // namespace ridgeline::native
