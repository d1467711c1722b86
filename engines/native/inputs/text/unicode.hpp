// Code points as the tokenizers library sees them: UTF-8, properties, lower case, normal forms.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ridgeline::native {

/// Properties of a code point; the tables hold the bits 0 to 6.
enum CharacterProperty : std::uint8_t {
  kWhitespace = 1 << 0,   ///< White_Space
  kRemoved = 1 << 1,      ///< BERT's cleaning drops it: control, format, private use, NUL, U+FFFD
  kNonspacing = 1 << 2,   ///< general category Mn: what BERT strips as an accent
  kMark = 1 << 3,         ///< general category M: what StripAccents strips
  kPunctuation = 1 << 4,  ///< BERT splits around it
  kWord = 1 << 5,         ///< \w of a regular expression
  kNormalizes = 1 << 6,   ///< decomposes, reorders or composes
  kUppercase = 1 << 7,    ///< lower case differs
};

/// The properties of all code points, expanded once (1 MiB).
class Characters {
 public:
  static const Characters& get();

  std::uint8_t operator[](char32_t c) const { return properties_[c]; }
  bool has(char32_t c, std::uint8_t any_of) const { return (properties_[c] & any_of) != 0; }

 private:
  Characters();

  std::vector<std::uint8_t> properties_;
};

/// The byte at which `text` stops being UTF-8 (surrogates and overlong forms are not), if it does.
std::optional<std::size_t> invalid_utf8_at(std::string_view text);

/// The code point that starts at `text[at]` and its end in `at`. `text` must be valid UTF-8.
char32_t decode_utf8(std::string_view text, std::size_t& at);

void append_utf8(char32_t c, std::string& out);
void append_utf8(std::u32string_view text, std::string& out);
std::u32string to_code_points(std::string_view text);

/// The start of `text` for an error: at most 60 bytes of whole characters, "..." where it was cut.
std::string excerpt(std::string_view text);

/// Each code point by itself, as Rust's char::to_lowercase does it: no final sigma.
void lowercase(std::u32string& text);

/// NFD, or NFKD with `compatibility`.
void decompose(std::u32string& text, bool compatibility);

/// What makes NFC of NFD.
void compose(std::u32string& text);

}  // namespace ridgeline::native
