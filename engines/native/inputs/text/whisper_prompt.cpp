// Whisper's languages in the order of their tokens, and the prompt made of them.
#include "engines/native/inputs/text/whisper_prompt.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string>

#include "engines/native/inputs/text/unicode.hpp"

namespace ridgeline::native {
namespace {

struct Language {
  std::string_view code;
  std::string_view name;
};

// The token of the first one is right behind the start of transcript.
constexpr Language kLanguages[] = {
    {"en", "english"},        {"zh", "chinese"},     {"de", "german"},        {"es", "spanish"},
    {"ru", "russian"},        {"ko", "korean"},      {"fr", "french"},        {"ja", "japanese"},
    {"pt", "portuguese"},     {"tr", "turkish"},     {"pl", "polish"},        {"ca", "catalan"},
    {"nl", "dutch"},          {"ar", "arabic"},      {"sv", "swedish"},       {"it", "italian"},
    {"id", "indonesian"},     {"hi", "hindi"},       {"fi", "finnish"},       {"vi", "vietnamese"},
    {"he", "hebrew"},         {"uk", "ukrainian"},   {"el", "greek"},         {"ms", "malay"},
    {"cs", "czech"},          {"ro", "romanian"},    {"da", "danish"},        {"hu", "hungarian"},
    {"ta", "tamil"},          {"no", "norwegian"},   {"th", "thai"},          {"ur", "urdu"},
    {"hr", "croatian"},       {"bg", "bulgarian"},   {"lt", "lithuanian"},    {"la", "latin"},
    {"mi", "maori"},          {"ml", "malayalam"},   {"cy", "welsh"},         {"sk", "slovak"},
    {"te", "telugu"},         {"fa", "persian"},     {"lv", "latvian"},       {"bn", "bengali"},
    {"sr", "serbian"},        {"az", "azerbaijani"}, {"sl", "slovenian"},     {"kn", "kannada"},
    {"et", "estonian"},       {"mk", "macedonian"},  {"br", "breton"},        {"eu", "basque"},
    {"is", "icelandic"},      {"hy", "armenian"},    {"ne", "nepali"},        {"mn", "mongolian"},
    {"bs", "bosnian"},        {"kk", "kazakh"},      {"sq", "albanian"},      {"sw", "swahili"},
    {"gl", "galician"},       {"mr", "marathi"},     {"pa", "punjabi"},       {"si", "sinhala"},
    {"km", "khmer"},          {"sn", "shona"},       {"yo", "yoruba"},        {"so", "somali"},
    {"af", "afrikaans"},      {"oc", "occitan"},     {"ka", "georgian"},      {"be", "belarusian"},
    {"tg", "tajik"},          {"sd", "sindhi"},      {"gu", "gujarati"},      {"am", "amharic"},
    {"yi", "yiddish"},        {"lo", "lao"},         {"uz", "uzbek"},         {"fo", "faroese"},
    {"ht", "haitian creole"}, {"ps", "pashto"},      {"tk", "turkmen"},       {"nn", "nynorsk"},
    {"mt", "maltese"},        {"sa", "sanskrit"},    {"lb", "luxembourgish"}, {"my", "myanmar"},
    {"bo", "tibetan"},        {"tl", "tagalog"},     {"mg", "malagasy"},      {"as", "assamese"},
    {"tt", "tatar"},          {"haw", "hawaiian"},   {"ln", "lingala"},       {"ha", "hausa"},
    {"ba", "bashkir"},        {"jw", "javanese"},    {"su", "sundanese"},     {"yue", "cantonese"},
};

constexpr Language kAliases[] = {
    {"my", "burmese"},       {"ca", "valencian"}, {"nl", "flemish"},   {"ht", "haitian"},
    {"lb", "letzeburgesch"}, {"ps", "pushto"},    {"pa", "panjabi"},   {"ro", "moldavian"},
    {"ro", "moldovan"},      {"si", "sinhalese"}, {"es", "castilian"}, {"zh", "mandarin"},
};

// The place of a language among the tokens.
Result<std::int64_t> language_index(std::string_view language) {
  std::u32string lower = to_code_points(language);
  lowercase(lower);
  std::string wanted;
  append_utf8(lower, wanted);
  for (const Language& alias : kAliases) {
    if (alias.name == wanted) wanted = alias.code;
  }
  const auto found = std::find_if(std::begin(kLanguages), std::end(kLanguages), [&](const auto& l) {
    return l.code == wanted || l.name == wanted;
  });
  if (found == std::end(kLanguages)) {
    return bad_input(
        fmt::format("the tokenizer's language '{}' is not one of Whisper's", excerpt(language)));
  }
  return std::distance(std::begin(kLanguages), found);
}

}  // namespace

Result<std::vector<std::int64_t>> whisper_prompt_ids(
    const WhisperPrompt& prompt, const std::function<std::int64_t(std::string_view)>& id_of) {
  const std::int64_t start = id_of("<|startoftranscript|>");
  std::vector<std::int64_t> ids{start};
  if (!prompt.language.empty()) {
    RIDGELINE_TRY(const std::int64_t index, language_index(prompt.language));
    ids.push_back(start + 1 + index);
  }
  if (!prompt.task.empty()) {
    if (prompt.task != "transcribe" && prompt.task != "translate") {
      return bad_input(fmt::format("the tokenizer's task '{}' is neither transcribe nor translate",
                                   excerpt(prompt.task)));
    }
    ids.push_back(id_of(prompt.task == "transcribe" ? "<|transcribe|>" : "<|translate|>"));
  }
  if (!prompt.predict_timestamps) ids.push_back(id_of("<|notimestamps|>"));
  return ids;
}

}  // namespace ridgeline::native
