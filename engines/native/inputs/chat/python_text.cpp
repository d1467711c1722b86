// White space, splitting and searching, as Python's str does them.
#include "engines/native/inputs/chat/python_text.hpp"

#include <algorithm>

#include "engines/native/inputs/text/unicode.hpp"

namespace ridgeline::native::jinja {
namespace {

// The start of the code point that ends before `end`.
std::size_t previous(std::string_view text, std::size_t end) {
  do {
    --end;
  } while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80);
  return end;
}

template <typename Predicate>
std::string_view strip_if(std::string_view text, Side side, const Predicate& drops) {
  while (side != Side::kRight && !text.empty()) {
    std::size_t at = 0;
    if (!drops(decode_utf8(text, at))) break;
    text.remove_prefix(at);
  }
  while (side != Side::kLeft && !text.empty()) {
    std::size_t at = previous(text, text.size());
    const std::size_t start = at;
    if (!drops(decode_utf8(text, at))) break;
    text = text.substr(0, start);
  }
  return text;
}

// Knuth, Morris and Pratt: linear whatever the needle, which a plain search is not.
class Search {
 public:
  explicit Search(std::string_view needle) : needle_(needle), borders_(needle.size() + 1, 0) {
    for (std::size_t i = 1, border = 0; i < needle_.size(); ++i) {
      while (border > 0 && needle_[i] != needle_[border]) border = borders_[border];
      if (needle_[i] == needle_[border]) ++border;
      borders_[i + 1] = border;
    }
  }

  // Takes one more byte; true when the needle ends with it.
  bool take(char c) {
    if (matched_ == needle_.size()) matched_ = borders_[matched_];
    while (matched_ > 0 && c != needle_[matched_]) matched_ = borders_[matched_];
    if (c == needle_[matched_]) ++matched_;
    return matched_ == needle_.size();
  }

  void restart() { matched_ = 0; }

 private:
  std::string_view needle_;
  std::vector<std::size_t> borders_;  // of each length, the longest proper border
  std::size_t matched_ = 0;
};

bool reached(std::size_t count, std::int64_t max) {
  return max >= 0 && count >= static_cast<std::size_t>(max);
}

bool is_line_end(char32_t c) {
  return (c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 ||
         c == 0x2029;
}

std::vector<std::string_view> split_space_right(std::string_view text, std::int64_t max) {
  std::vector<std::string_view> parts;
  for (text = strip(text, Side::kRight); !text.empty(); text = strip(text, Side::kRight)) {
    if (reached(parts.size(), max)) {
      parts.push_back(text);
      break;
    }
    std::size_t start = text.size();
    while (start > 0) {
      std::size_t at = previous(text, start);
      const std::size_t before = at;
      if (is_space(decode_utf8(text, at))) break;
      start = before;
    }
    parts.push_back(text.substr(start));
    text = text.substr(0, start);
  }
  std::reverse(parts.begin(), parts.end());
  return parts;
}

// Where the separators start, the last `max` of them: found from the right, as overlaps fall
// differently there.
std::vector<std::size_t> find_all_right(std::string_view text, std::string_view needle,
                                        std::int64_t max) {
  const std::string text_back(text.rbegin(), text.rend());
  const std::string needle_back(needle.rbegin(), needle.rend());
  std::vector<std::size_t> found = find_all(text_back, needle_back, max);
  for (std::size_t& at : found) at = text.size() - at - needle.size();
  std::reverse(found.begin(), found.end());
  return found;
}

}  // namespace

bool is_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x20) || c == 0x85 || c == 0xA0 ||
         c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F ||
         c == 0x205F || c == 0x3000;
}

std::string_view strip(std::string_view text, Side side) {
  return strip_if(text, side, is_space);
}

std::string_view strip(std::string_view text, std::string_view characters, Side side) {
  std::u32string set = to_code_points(characters);
  std::sort(set.begin(), set.end());
  return strip_if(text, side,
                  [&](char32_t c) { return std::binary_search(set.begin(), set.end(), c); });
}

std::size_t offset_of(std::string_view text, std::size_t index) {
  std::size_t at = 0;
  for (; at < text.size(); ++at) {
    const bool starts = (static_cast<unsigned char>(text[at]) & 0xC0) != 0x80;
    if (starts && index-- == 0) return at;
  }
  return at;
}

std::vector<std::string_view> split_space(std::string_view text, std::int64_t max, Side from) {
  if (from == Side::kRight) return split_space_right(text, max);
  std::vector<std::string_view> parts;
  for (text = strip(text, Side::kLeft); !text.empty(); text = strip(text, Side::kLeft)) {
    if (reached(parts.size(), max)) {
      parts.push_back(text);
      break;
    }
    std::size_t end = 0;
    while (end < text.size()) {
      std::size_t at = end;
      if (is_space(decode_utf8(text, at))) break;
      end = at;
    }
    parts.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return parts;
}

std::vector<std::string_view> split_on(std::string_view text, std::string_view separator,
                                       std::int64_t max, Side from) {
  const std::vector<std::size_t> found =
      from == Side::kRight ? find_all_right(text, separator, max) : find_all(text, separator, max);
  std::vector<std::string_view> parts;
  parts.reserve(found.size() + 1);
  std::size_t start = 0;
  for (const std::size_t at : found) {
    parts.push_back(text.substr(start, at - start));
    start = at + separator.size();
  }
  parts.push_back(text.substr(start));
  return parts;
}

std::vector<std::string_view> split_lines(std::string_view text, bool keep_ends) {
  std::vector<std::string_view> lines;
  std::size_t start = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t before = at;
    const char32_t c = decode_utf8(text, at);
    if (!is_line_end(c)) continue;
    if (c == '\r' && at < text.size() && text[at] == '\n') ++at;
    lines.push_back(text.substr(start, (keep_ends ? at : before) - start));
    start = at;
  }
  if (start < text.size()) lines.push_back(text.substr(start));
  return lines;
}

std::vector<std::size_t> find_all(std::string_view text, std::string_view needle,
                                  std::int64_t max) {
  std::vector<std::size_t> found;
  if (needle.empty()) {
    for (std::size_t at = 0; !reached(found.size(), max); decode_utf8(text, at)) {
      found.push_back(at);
      if (at == text.size()) break;
    }
    return found;
  }
  Search search(needle);
  for (std::size_t at = 0; at < text.size() && !reached(found.size(), max); ++at) {
    if (!search.take(text[at])) continue;
    found.push_back(at + 1 - needle.size());
    search.restart();
  }
  return found;
}

std::optional<std::size_t> find_first(std::string_view text, std::string_view needle) {
  const std::vector<std::size_t> found = find_all(text, needle, 1);
  return found.empty() ? std::nullopt : std::optional(found.front());
}

std::optional<std::size_t> find_last(std::string_view text, std::string_view needle) {
  if (needle.empty()) return text.size();
  const std::vector<std::size_t> found = find_all_right(text, needle, 1);
  return found.empty() ? std::nullopt : std::optional(found.front());
}

}  // namespace ridgeline::native::jinja
