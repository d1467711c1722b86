// The names that mean the same to both libraries.
#include "engines/native/inputs/text/regex_properties.hpp"

namespace ridgeline::native {
namespace {

constexpr std::string_view kCategories[] = {
    "L",  "LC", "Lu", "Ll", "Lt", "Lm", "Lo", "M",  "Mn", "Mc", "Me", "N",  "Nd",
    "Nl", "No", "P",  "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "S",  "Sm", "Sc",
    "Sk", "So", "Z",  "Zs", "Zl", "Zp", "C",  "Cc", "Cf", "Co", "Cn"};

struct LongName {
  std::string_view name;
  std::string_view category;
};
constexpr LongName kLongNames[] = {{"letter", "L"},      {"mark", "M"},   {"number", "N"},
                                   {"punctuation", "P"}, {"symbol", "S"}, {"separator", "Z"},
                                   {"other", "C"}};

// tools/make_regex_tables.py keeps these scripts right for young code points.
constexpr std::string_view kScripts[] = {"Bengali",  "Greek",    "Han",   "Hangul", "Hebrew",
                                         "Hiragana", "Katakana", "Latin", "Thai"};

// Property names are compared without case, blanks, '-' and '_'.
std::string folded(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c == ' ' || c == '-' || c == '_') continue;
    out.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c);
  }
  return out;
}

}  // namespace

std::string pcre2_property(std::string_view name, bool exact_scripts) {
  const std::string wanted = folded(name);
  // PCRE2 has no LC, but the same thing under another name.
  if (wanted == "lc") return "L&";
  for (const std::string_view category : kCategories) {
    if (folded(category) == wanted) return std::string(category);
  }
  for (const LongName& entry : kLongNames) {
    if (entry.name == wanted) return std::string(entry.category);
  }
  for (const std::string_view script : kScripts) {
    if (folded(script) == wanted) return (exact_scripts ? "sc:" : "") + std::string(script);
  }
  return {};
}

}  // namespace ridgeline::native
