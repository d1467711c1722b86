// Decoding: ids to tokens, tokens to text, and what the classes do to that text.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "engines/native/inputs/text/pipeline.hpp"
#include "engines/native/inputs/text/unicode.hpp"

namespace ridgeline::native {
namespace {

using Pipeline = TextTokenizer::Pipeline;

// White space for Python's str.strip: Unicode's and the four separators of ASCII.
bool is_python_space(char32_t c) {
  return (c >= 0x1C && c <= 0x1F) || Characters::get().has(c, kWhitespace);
}

std::string python_strip(std::string_view text) {
  std::u32string characters = to_code_points(text);
  const auto begin = std::find_if_not(characters.begin(), characters.end(), is_python_space);
  const auto end =
      std::find_if_not(characters.rbegin(), std::make_reverse_iterator(begin), is_python_space);
  std::string out;
  append_utf8(std::u32string(begin, end.base()), out);
  return out;
}

// PreTrainedTokenizerBase.clean_up_tokenization.
std::string cleaned_up(std::string text) {
  constexpr std::string_view kChanges[][2] = {
      {" .", "."},     {" ?", "?"},   {" !", "!"},   {" ,", ","},     {" ' ", "'"},
      {" n't", "n't"}, {" 'm", "'m"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};
  for (const auto& [from, to] : kChanges) text = replaced(text, from, to);
  return text;
}

// Takes out "<|", digits, ".", digits, "|>": the time stamps of Whisper.
std::string without_time_stamps(std::string_view text) {
  const auto skip_digits = [&](std::size_t& at) {
    const std::size_t begin = at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
    return at > begin;
  };
  const auto take = [&](std::size_t& at, std::string_view what) {
    if (!text.substr(at).starts_with(what)) return false;
    at += what.size();
    return true;
  };
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at;
    if (take(end, "<|") && skip_digits(end) && take(end, ".") && skip_digits(end) &&
        take(end, "|>")) {
      at = end;
    } else {
      out.push_back(text[at++]);
    }
  }
  return out;
}

// What Whisper skips with the special tokens: the text before, up to the start of the transcript.
std::span<const std::int64_t> without_prompt(std::span<const std::int64_t> ids,
                                             const WhisperMarks& marks) {
  if (ids.empty() || ids.front() != marks.prompt) return ids;
  const auto start = std::find(ids.begin(), ids.end(), marks.transcript);
  return ids.subspan(static_cast<std::size_t>(start - ids.begin()));
}

std::vector<std::string> tokens_of(std::span<const std::int64_t> ids, bool skip_special_tokens,
                                   const Pipeline& pipeline) {
  std::vector<std::string> tokens;
  for (const std::int64_t id : ids) {
    const auto token = pipeline.added.token_of(id, *pipeline.model);
    if (!token || (skip_special_tokens && pipeline.added.is_special(*token))) continue;
    tokens.emplace_back(*token);
  }
  return tokens;
}

}  // namespace

Result<std::string> TextTokenizer::decode(std::span<const std::int64_t> ids,
                                          bool skip_special_tokens) const {
  const Pipeline& pipeline = *pipeline_;
  if (pipeline.decoder_problem) return *pipeline.decoder_problem;
  const auto bad = std::find_if(ids.begin(), ids.end(), [](std::int64_t id) { return id < 0; });
  if (bad != ids.end()) return bad_input(fmt::format("cannot decode the token id {}", *bad));
  if (pipeline.whisper_marks && skip_special_tokens) {
    ids = without_prompt(ids, *pipeline.whisper_marks);
  }

  std::vector<std::string> tokens = tokens_of(ids, skip_special_tokens, pipeline);
  std::string_view separator = " ";
  if (pipeline.decoder != nullptr) {
    RIDGELINE_CHECK(pipeline.decoder->decode(tokens));
    separator = "";
  }
  std::string text;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (i > 0) text += separator;
    text += tokens[i];
  }

  if (pipeline.kind == TokenizerKind::kClip) {
    text = python_strip(replaced(text, kClipSuffix, " "));
  }
  if (pipeline.clean_up_spaces) text = cleaned_up(std::move(text));
  if (pipeline.whisper_marks) text = without_time_stamps(text);
  return text;
}

}  // namespace ridgeline::native
