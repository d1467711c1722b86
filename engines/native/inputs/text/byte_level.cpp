// The table of 256 characters, and bytes back to text.
#include "engines/native/inputs/text/byte_level.hpp"

#include <algorithm>

#include "engines/native/inputs/text/unicode.hpp"

namespace ridgeline::native {
namespace {

// Printable in Latin-1: these stand for themselves.
bool is_printable(char32_t c) {
  return (c >= 0x21 && c <= 0x7E) || (c >= 0xA1 && c <= 0xAC) || (c >= 0xAE && c <= 0xFF);
}

bool is_continuation(std::string_view text, std::size_t at) {
  return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80;
}

}  // namespace

ByteLevel::ByteLevel() {
  bytes_.fill(-1);
  char32_t next = 0x100;  // the others, in their order
  for (char32_t byte = 0; byte < 256; ++byte) {
    const char32_t character = is_printable(byte) ? byte : next++;
    std::string text;
    append_utf8(character, text);
    Spelling& spelling = spellings_[byte];
    std::copy(text.begin(), text.end(), spelling.bytes);
    spelling.size = static_cast<std::uint8_t>(text.size());
    bytes_[character] = static_cast<std::int16_t>(byte);
  }
}

const ByteLevel& ByteLevel::get() {
  static const ByteLevel table;
  return table;
}

bool ByteLevel::is_plain(std::string_view text) const {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x21 && c <= 0x7E; });
}

std::size_t ByteLevel::encode(std::string_view text, char* out) const {
  char* const begin = out;
  for (const char c : text) {
    const Spelling& spelling = spellings_[static_cast<unsigned char>(c)];
    out[0] = spelling.bytes[0];
    out[1] = spelling.bytes[1];
    out += spelling.size;
  }
  return static_cast<std::size_t>(out - begin);
}

void ByteLevel::decode(std::string_view token, std::string& bytes) const {
  const std::size_t before = bytes.size();
  for (std::size_t at = 0; at < token.size();) {
    const char32_t c = decode_utf8(token, at);
    if (c >= kCharacters || bytes_[c] < 0) {
      bytes.resize(before);
      bytes += token;
      return;
    }
    bytes.push_back(static_cast<char>(bytes_[c]));
  }
}

std::string ByteLevel::to_text(std::string_view bytes) {
  std::string out;
  while (const auto bad = invalid_utf8_at(bytes)) {
    out += bytes.substr(0, *bad);
    append_utf8(0xFFFD, out);
    // The invalid part: the start of a sequence that could have been valid, or one byte.
    const auto lead = static_cast<unsigned char>(bytes[*bad]);
    std::size_t end = *bad + 1;
    if (lead >= 0xE0 && lead < 0xF5 && is_continuation(bytes, end)) {
      const auto second = static_cast<unsigned char>(bytes[end]);
      const bool possible = !(lead == 0xE0 && second < 0xA0) && !(lead == 0xED && second >= 0xA0) &&
                            !(lead == 0xF0 && second < 0x90) && !(lead == 0xF4 && second >= 0x90);
      if (possible) {
        ++end;
        if (lead >= 0xF0 && is_continuation(bytes, end)) ++end;
      }
    }
    bytes.remove_prefix(end);
  }
  out += bytes;
  return out;
}

}  // namespace ridgeline::native
