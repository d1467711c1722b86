// Scans numbers and resolves the escapes of quoted texts.
#include "engines/native/inputs/chat/literal.hpp"

#include <algorithm>
#include <charconv>

#include "engines/native/inputs/text/unicode.hpp"

namespace ridgeline::native::jinja {
namespace {

bool is_digit_of(char c, int base) {
  if (base == 16) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  }
  return c >= '0' && c < '0' + base;
}

// The end of digits that single underscores may separate; `from` if there are none.
std::size_t digits_end(std::string_view text, std::size_t from, int base, bool leading_underscore) {
  std::size_t at = from;
  bool may_separate = leading_underscore;
  while (at < text.size()) {
    if (is_digit_of(text[at], base)) {
      ++at;
      may_separate = true;
    } else if (may_separate && text[at] == '_' && at + 1 < text.size() &&
               is_digit_of(text[at + 1], base)) {
      at += 2;
    } else {
      break;
    }
  }
  return at;
}

// The end of ".5", "e10" or ".5e10" after whole digits; `whole` if there is none.
std::size_t fraction_end(std::string_view text, std::size_t whole) {
  std::size_t end = whole;
  if (end < text.size() && text[end] == '.') {
    const std::size_t fraction = digits_end(text, end + 1, 10, false);
    if (fraction > end + 1) end = fraction;
  }
  if (end < text.size() && (text[end] == 'e' || text[end] == 'E')) {
    std::size_t exponent = end + 1;
    if (exponent < text.size() && (text[exponent] == '+' || text[exponent] == '-')) ++exponent;
    const std::size_t exponent_end = digits_end(text, exponent, 10, false);
    if (exponent_end > exponent) end = exponent_end;
  }
  return end;
}

NumberLiteral literal_of(std::string_view text, bool is_float) {
  std::string digits;
  std::copy_if(text.begin(), text.end(), std::back_inserter(digits),
               [](char c) { return c != '_'; });
  return {text.size(), is_float, std::move(digits)};
}

// A code point written with hexadecimal digits, `count` of them.
Result<char32_t> hexadecimal(std::string_view text, std::size_t at, std::size_t count) {
  std::uint32_t code = 0;
  const bool is_whole = at + count <= text.size();
  const char* end = text.data() + at + (is_whole ? count : 0);
  if (!is_whole || std::from_chars(text.data() + at, end, code, 16).ptr != end) {
    return bad_input("an escape in a text is cut short");
  }
  if (code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) {
    return bad_input("an escape in a text is no Unicode character");
  }
  return static_cast<char32_t>(code);
}

// The byte of an escape of one letter, or -1.
int simple_escape(char c) {
  constexpr std::string_view kPairs = "\\\\''\"\"a\ab\bf\fn\nr\rt\tv\v";
  for (std::size_t i = 0; i < kPairs.size(); i += 2) {
    if (kPairs[i] == c) return kPairs[i + 1];
  }
  return -1;
}

// The escape behind the backslash at `at`, which moves to its end.
Status append_escape(std::string_view text, std::size_t& at, std::string& out) {
  const char c = text[at + 1];
  if (c == '\n') {
    at += 2;
  } else if (const int byte = simple_escape(c); byte >= 0) {
    out += static_cast<char>(byte);
    at += 2;
  } else if (is_digit_of(c, 8)) {
    char32_t code = 0;
    std::size_t end = at + 1;
    for (; end < std::min(at + 4, text.size()) && is_digit_of(text[end], 8); ++end) {
      code = code * 8 + static_cast<char32_t>(text[end] - '0');
    }
    append_utf8(code, out);
    at = end;
  } else if (c == 'x' || c == 'u' || c == 'U') {
    const std::size_t count = c == 'x' ? 2 : (c == 'u' ? 4 : 8);
    RIDGELINE_TRY(const char32_t code, hexadecimal(text, at + 2, count));
    append_utf8(code, out);
    at += 2 + count;
  } else if (c == 'N') {
    return unsupported("escapes by the name of a character are not supported");
  } else {
    out += '\\';
    ++at;
  }
  return {};
}

}  // namespace

NumberLiteral scan_number(std::string_view text, bool may_be_float) {
  if (may_be_float) {
    const std::size_t whole = digits_end(text, 0, 10, false);
    const std::size_t end = fraction_end(text, whole);
    if (end > whole) return literal_of(text.substr(0, end), true);
  }
  if (text.front() == '0' && text.size() > 1) {
    constexpr std::pair<char, int> kBases[] = {{'b', 2}, {'o', 8}, {'x', 16}};
    for (const auto& [letter, base] : kBases) {
      if ((text[1] | 0x20) != letter) continue;
      const std::size_t end = digits_end(text, 2, base, true);
      if (end > 2) return literal_of(text.substr(0, end), false);
    }
  }
  if (text.front() == '0') return literal_of(text.substr(0, digits_end(text, 0, 1, false)), false);
  return literal_of(text.substr(0, digits_end(text, 0, 10, false)), false);
}

Result<std::string> unescape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] != '\\' || at + 1 == text.size()) {
      out += text[at++];
      continue;
    }
    RIDGELINE_CHECK(append_escape(text, at, out));
  }
  return out;
}

}  // namespace ridgeline::native::jinja
