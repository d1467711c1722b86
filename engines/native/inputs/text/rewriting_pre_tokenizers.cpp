// The pre-tokenizers that change the text: ByteLevel and Metaspace.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "engines/native/inputs/text/byte_level.hpp"
#include "engines/native/inputs/text/pre_tokenizer.hpp"
#include "engines/native/inputs/text/unicode.hpp"

namespace ridgeline::native {
namespace {

// GPT-2's words: contractions, letters, digits and the rest with the blank before them, white
// space.
constexpr std::string_view kByteLevelWords =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

constexpr std::size_t kChunkBytes = 64u << 10;

class ByteLevelPreTokenizer final : public PreTokenizer {
 public:
  ByteLevelPreTokenizer(bool add_prefix_space, TextPatternPtr words)
      : add_prefix_space_(add_prefix_space), words_(std::move(words)) {}

  Status split(const Word& word, WordList& out) const override {
    std::string_view text = word.text;
    if (add_prefix_space_ && !text.starts_with(' ')) {
      char* room = out.buffer.reserve(text.size() + 1);
      room[0] = ' ';
      std::memcpy(room + 1, text.data(), text.size());
      text = out.buffer.keep(text.size() + 1);
    }
    if (words_ == nullptr) {
      append(text, word.at_start, out);
      return {};
    }
    RIDGELINE_CHECK(words_->find(text, out.segments));
    for (const Segment& segment : out.segments) {
      append(text.substr(segment.begin, segment.end - segment.begin),
             word.at_start && segment.begin == 0, out);
    }
    return {};
  }

 private:
  static void append(std::string_view text, bool at_start, WordList& out) {
    if (text.empty()) return;
    const ByteLevel& table = ByteLevel::get();
    if (table.is_plain(text)) {
      out.words.push_back({text, at_start});
      return;
    }
    char* room = out.buffer.reserve(2 * text.size());
    out.words.push_back({out.buffer.keep(table.encode(text, room)), at_start});
  }

  bool add_prefix_space_;
  TextPatternPtr words_;  // null: the text is one word
};

class Metaspace final : public PreTokenizer {
 public:
  explicit Metaspace(const MetaspaceOptions& options) : options_(options) {
    append_utf8(options.replacement, replacement_);
  }

  Status split(const Word& word, WordList& out) const override {
    const std::string_view text = rewritten(word, out);
    if (!options_.split) {
      out.words.push_back({text, word.at_start});
      return {};
    }
    std::size_t begin = 0;
    while (begin < text.size()) {
      const std::size_t end = std::min(text.find(replacement_, begin + 1), text.size());
      out.words.push_back({text.substr(begin, end - begin), word.at_start && begin == 0});
      begin = end;
    }
    return {};
  }

  bool needs_start() const override { return options_.prepend == Prepend::kFirst; }

 private:
  using Prepend = MetaspaceOptions::Prepend;

  std::string_view rewritten(const Word& word, WordList& out) const {
    const std::string_view text = word.text;
    const bool wanted = options_.prepend == Prepend::kAlways ||
                        (options_.prepend == Prepend::kFirst && word.at_start);
    const bool prepends = wanted && !text.starts_with(' ') && !text.starts_with(replacement_);
    const auto blanks = static_cast<std::size_t>(std::count(text.begin(), text.end(), ' '));
    if (!prepends && blanks == 0) return text;
    char* const room = out.buffer.reserve(text.size() + (blanks + 1) * replacement_.size());
    char* end = room;
    if (prepends) end = std::copy(replacement_.begin(), replacement_.end(), end);
    for (const char c : text) {
      if (c == ' ') {
        end = std::copy(replacement_.begin(), replacement_.end(), end);
      } else {
        *end++ = c;
      }
    }
    return out.buffer.keep(static_cast<std::size_t>(end - room));
  }

  MetaspaceOptions options_;
  std::string replacement_;
};

}  // namespace

char* TextBuffer::reserve(std::size_t size) {
  if (chunks_.empty() || chunks_.back().size - used_ < size) {
    const std::size_t wanted = std::max(kChunkBytes, size);
    chunks_.push_back({std::unique_ptr<char[]>(new char[wanted]), wanted});
    earlier_ += used_;
    used_ = 0;
  }
  return chunks_.back().bytes.get() + used_;
}

std::string_view TextBuffer::keep(std::size_t size) {
  const std::string_view kept(chunks_.back().bytes.get() + used_, size);
  used_ += size;
  return kept;
}

void TextBuffer::clear() {
  if (chunks_.size() > 1) chunks_.resize(1);
  used_ = 0;
  earlier_ = 0;
}

Result<PreTokenizerPtr> make_byte_level(bool add_prefix_space, bool use_regex) {
  TextPatternPtr words;
  if (use_regex) {
    RIDGELINE_TRY(words, make_regex_pattern(kByteLevelWords, "ByteLevel"));
  }
  return PreTokenizerPtr(
      std::make_shared<const ByteLevelPreTokenizer>(add_prefix_space, std::move(words)));
}

PreTokenizerPtr make_metaspace(const MetaspaceOptions& options) {
  return std::make_shared<const Metaspace>(options);
}

Result<MetaspaceOptions> parse_metaspace(const Json& json, std::string_view what) {
  using Prepend = MetaspaceOptions::Prepend;
  MetaspaceOptions options;
  RIDGELINE_TRY(const std::string replacement, get_string(json, "replacement", what));
  const std::u32string characters = to_code_points(replacement);
  if (characters.size() != 1) {
    return bad_input(fmt::format("{}: 'replacement' must be one character", what));
  }
  options.replacement = characters.front();
  RIDGELINE_TRY(const std::string scheme, get_string(json, "prepend_scheme", what, "always"));
  if (scheme == "first") {
    options.prepend = Prepend::kFirst;
  } else if (scheme == "never") {
    options.prepend = Prepend::kNever;
  } else if (scheme != "always") {
    return bad_input(fmt::format("{}: cannot use the prepend_scheme '{}'", what, excerpt(scheme)));
  }
  RIDGELINE_TRY(const bool adds_prefix, get_bool(json, "add_prefix_space", what, true));
  if (!adds_prefix && options.prepend != Prepend::kNever) {
    return bad_input(
        fmt::format("{}: 'add_prefix_space' does not go with the prepend_scheme", what));
  }
  RIDGELINE_TRY(options.split, get_bool(json, "split", what, true));
  return options;
}

}  // namespace ridgeline::native
