// Upper, lower and title case as Python's str has them, and its tests of characters.
#include <utf8proc.h>

#include <algorithm>

#include "engines/native/inputs/chat/case_tables.hpp"
#include "engines/native/inputs/chat/python_text.hpp"
#include "engines/native/inputs/text/unicode.hpp"

namespace ridgeline::native::jinja {
namespace {

struct Range {
  char32_t first;
  char32_t last;
};

// Other_Lowercase, Other_Uppercase, and digits that are no decimal digits (Numeric_Type=Digit), of
// the Unicode Character Database.
constexpr Range kOtherLower[] = {
    {0xAA, 0xAA},       {0xBA, 0xBA},       {0x2B0, 0x2B8},     {0x2C0, 0x2C1},    {0x2E0, 0x2E4},
    {0x345, 0x345},     {0x37A, 0x37A},     {0x1D2C, 0x1D6A},   {0x1D78, 0x1D78},  {0x1D9B, 0x1DBF},
    {0x2071, 0x2071},   {0x207F, 0x207F},   {0x2090, 0x209C},   {0x2170, 0x217F},  {0x24D0, 0x24E9},
    {0x2C7C, 0x2C7D},   {0xA69C, 0xA69D},   {0xA770, 0xA770},   {0xA7F8, 0xA7F9},  {0xAB5C, 0xAB5F},
    {0x10780, 0x10780}, {0x10783, 0x10785}, {0x10787, 0x107B0}, {0x107B2, 0x107BA}};
constexpr Range kOtherUpper[] = {
    {0x2160, 0x216F}, {0x24B6, 0x24CF}, {0x1F130, 0x1F149}, {0x1F150, 0x1F169}, {0x1F170, 0x1F189}};
constexpr Range kOtherDigit[] = {
    {0xB2, 0xB3},       {0xB9, 0xB9},       {0x1369, 0x1371},   {0x19DA, 0x19DA},
    {0x2070, 0x2070},   {0x2074, 0x2079},   {0x2080, 0x2089},   {0x2460, 0x2468},
    {0x2474, 0x247C},   {0x2488, 0x2490},   {0x24EA, 0x24EA},   {0x24F5, 0x24FD},
    {0x24FF, 0x24FF},   {0x2776, 0x277E},   {0x2780, 0x2788},   {0x278A, 0x2792},
    {0x10A40, 0x10A43}, {0x10E60, 0x10E68}, {0x11052, 0x1105A}, {0x1F100, 0x1F10A}};

// Punctuation inside of words, which casing looks through (Word_Break MidLetter, MidNumLet,
// Single_Quote).
constexpr char32_t kInsideWords[] = {0x27,   0x2E,   0x3A,   0xB7,   0x387,  0x55F,
                                     0x5F4,  0x2018, 0x2019, 0x2024, 0x2027, 0xFE13,
                                     0xFE52, 0xFE55, 0xFF07, 0xFF0E, 0xFF1A};

constexpr char32_t kDotCapitalI = 0x130;
constexpr char32_t kSigma = 0x3A3;
constexpr char32_t kFinalSigma = 0x3C2;

template <std::size_t N>
bool in_ranges(const Range (&ranges)[N], char32_t c) {
  return std::any_of(std::begin(ranges), std::end(ranges),
                     [&](const Range& r) { return c >= r.first && c <= r.last; });
}

utf8proc_category_t category(char32_t c) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(c));
}

bool is_cased(char32_t c) {
  return is_lower(c) || is_upper(c) || is_title(c);
}

bool is_case_ignorable(char32_t c) {
  switch (category(c)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_SK:
      return true;
    default:
      return std::find(std::begin(kInsideWords), std::end(kInsideWords), c) !=
             std::end(kInsideWords);
  }
}

// Whether a sigma ends its word: a cased letter before, none behind.
bool ends_word(std::u32string_view text, std::size_t at) {
  std::size_t before = at;
  while (before > 0 && is_case_ignorable(text[before - 1])) --before;
  if (before == 0 || !is_cased(text[before - 1])) return false;
  std::size_t behind = at + 1;
  while (behind < text.size() && is_case_ignorable(text[behind])) ++behind;
  return behind == text.size() || !is_cased(text[behind]);
}

void append_lower(std::u32string_view text, std::size_t at, std::string& out) {
  const char32_t c = text[at];
  if (c == kSigma && ends_word(text, at)) return append_utf8(kFinalSigma, out);
  if (c == kDotCapitalI) {
    out += "i\u0307";
    return;
  }
  append_utf8(static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c))), out);
}

const LongCase* long_case(char32_t c) {
  const auto cases = long_cases();
  const auto at = std::lower_bound(cases.begin(), cases.end(), c,
                                   [](const LongCase& l, char32_t v) { return l.code_point < v; });
  return at != cases.end() && at->code_point == c ? &*at : nullptr;
}

void append_upper(char32_t c, std::string& out) {
  if (const LongCase* found = long_case(c)) {
    out += found->upper;
  } else {
    append_utf8(static_cast<char32_t>(utf8proc_toupper(static_cast<utf8proc_int32_t>(c))), out);
  }
}

void append_title(char32_t c, std::string& out) {
  if (const LongCase* found = long_case(c)) {
    out += found->title;
  } else {
    append_utf8(static_cast<char32_t>(utf8proc_totitle(static_cast<utf8proc_int32_t>(c))), out);
  }
}

}  // namespace

bool is_lower(char32_t c) {
  return category(c) == UTF8PROC_CATEGORY_LL || in_ranges(kOtherLower, c);
}

bool is_upper(char32_t c) {
  return category(c) == UTF8PROC_CATEGORY_LU || in_ranges(kOtherUpper, c);
}

bool is_title(char32_t c) {
  return category(c) == UTF8PROC_CATEGORY_LT;
}

bool is_alpha(char32_t c) {
  const utf8proc_category_t found = category(c);
  return found >= UTF8PROC_CATEGORY_LU && found <= UTF8PROC_CATEGORY_LO;
}

bool is_decimal(char32_t c) {
  return category(c) == UTF8PROC_CATEGORY_ND;
}

bool is_digit(char32_t c) {
  return is_decimal(c) || in_ranges(kOtherDigit, c);
}

bool is_alphanumeric(char32_t c) {
  const utf8proc_category_t found = category(c);
  return is_alpha(c) || (found >= UTF8PROC_CATEGORY_ND && found <= UTF8PROC_CATEGORY_NO);
}

std::string upper(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) append_upper(decode_utf8(text, at), out);
  return out;
}

std::string lower(std::string_view text) {
  const std::u32string all = to_code_points(text);
  std::string out;
  for (std::size_t i = 0; i < all.size(); ++i) append_lower(all, i, out);
  return out;
}

std::string capitalize(std::string_view text) {
  const std::u32string all = to_code_points(text);
  std::string out;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i == 0) {
      append_title(all[i], out);
    } else {
      append_lower(all, i, out);
    }
  }
  return out;
}

std::string title(std::string_view text) {
  const std::u32string all = to_code_points(text);
  std::string out;
  bool in_word = false;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (in_word) {
      append_lower(all, i, out);
    } else {
      append_title(all[i], out);
    }
    in_word = is_cased(all[i]);
  }
  return out;
}

std::string swap_case(std::string_view text) {
  const std::u32string all = to_code_points(text);
  std::string out;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (is_upper(all[i])) {
      append_lower(all, i, out);
    } else if (is_lower(all[i])) {
      append_upper(all[i], out);
    } else {
      append_utf8(all[i], out);
    }
  }
  return out;
}

}  // namespace ridgeline::native::jinja
