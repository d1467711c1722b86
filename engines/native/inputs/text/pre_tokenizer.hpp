// Pre-tokenizers of tokenizer.json: normalized text to words.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"
#include "engines/native/inputs/text/pattern.hpp"

namespace ridgeline::native {

/// Memory for rewritten text. What was given out stays where it is until clear().
class TextBuffer {
 public:
  /// Room for `size` bytes; the next call takes back what keep() does not claim of it.
  char* reserve(std::size_t size);
  /// Claims the first `size` bytes of the room that reserve() gave last.
  std::string_view keep(std::size_t size);
  /// Forgets all text, keeps the memory of the first chunk.
  void clear();
  /// How much is claimed.
  std::size_t bytes() const { return earlier_ + used_; }

 private:
  struct Chunk {
    std::unique_ptr<char[]> bytes;
    std::size_t size = 0;
  };
  std::vector<Chunk> chunks_;
  std::size_t used_ = 0;     // of the last chunk
  std::size_t earlier_ = 0;  // of the chunks before it
};

struct Word {
  std::string_view text;
  bool at_start = false;  ///< it begins where the user's whole text begins
};

/// Words of one text: views of it, or of `buffer` where a pre-tokenizer rewrote them.
struct WordList {
  std::vector<Word> words = {};
  TextBuffer buffer = {};
  std::vector<Segment> segments = {};  ///< for the steps' own use

  void clear() {
    words.clear();
    buffer.clear();
  }
};

class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;

  /// Appends the words of `text`, valid UTF-8 and not empty; none of them is empty. Errors: a
  /// regular expression that needs too much time or memory; a text that grows too much.
  virtual Status split(const Word& text, WordList& out) const = 0;

  /// Whether it treats the start of the user's text apart from the starts of other parts.
  virtual bool needs_start() const { return false; }
};

using PreTokenizerPtr = std::shared_ptr<const PreTokenizer>;

/// Words end at white space; every punctuation character is a word.
PreTokenizerPtr make_bert_pre_tokenizer();

/// Parts of a text by a pattern; with `invert`, what the pattern does not match is the match.
PreTokenizerPtr make_split(TextPatternPtr pattern, SplitBehavior behavior, bool invert);

/// Bytes spelled as printable characters, after GPT-2's regular expression where `use_regex`.
Result<PreTokenizerPtr> make_byte_level(bool add_prefix_space, bool use_regex);

/// Blanks become `replacement`, and one is put in front of the text where the scheme says so.
struct MetaspaceOptions {
  enum class Prepend { kAlways, kFirst, kNever };
  char32_t replacement = 0x2581;
  Prepend prepend = Prepend::kAlways;
  bool split = true;  ///< words begin at replacements
};
PreTokenizerPtr make_metaspace(const MetaspaceOptions& options);
/// Of a pre-tokenizer or a decoder of that type.
Result<MetaspaceOptions> parse_metaspace(const Json& json, std::string_view what);

/// One after the other.
PreTokenizerPtr make_sequence(std::vector<PreTokenizerPtr> steps);

/// The pre-tokenizer that a "pre_tokenizer" entry describes: BertPreTokenizer, ByteLevel, Digits,
/// Metaspace, Punctuation, Split, Whitespace, WhitespaceSplit or a Sequence of them; null for null
/// (the text is one word). Others are kUnsupported, by name.
Result<PreTokenizerPtr> parse_pre_tokenizer(const Json& json, std::string_view what);

}  // namespace ridgeline::native
