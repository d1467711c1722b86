// UTF-8, the expanded property table, and lower case.
#include "engines/native/inputs/text/unicode.hpp"

#include <algorithm>

#include "engines/native/inputs/text/unicode_tables.hpp"

namespace ridgeline::native {
namespace {

constexpr char32_t kCodePoints = 0x110000;

bool is_continuation(unsigned char byte) {
  return (byte & 0xC0) == 0x80;
}

// Bytes of the sequence that starts with `lead`, or 0.
std::size_t sequence_length(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead < 0xE0) return 2;
  if (lead >= 0xE0 && lead < 0xF0) return 3;
  if (lead >= 0xF0 && lead < 0xF5) return 4;
  return 0;
}

void append_lowercase(char32_t c, std::u32string& out) {
  const auto pairs = lowercase_pairs();
  const auto pair = std::find_if(pairs.begin(), pairs.end(),
                                 [&](const LowercasePair& p) { return p.code_point == c; });
  if (pair != pairs.end()) {
    out.append(pair->lower, 2);
    return;
  }
  const auto runs = lowercase_runs();
  // The first run that ends at or after c: runs do not overlap.
  const auto run = std::lower_bound(runs.begin(), runs.end(), c,
                                    [](const LowercaseRun& r, char32_t v) { return r.last < v; });
  out.push_back(static_cast<char32_t>(static_cast<std::int64_t>(c) + run->distance));
}

}  // namespace

Characters::Characters() : properties_(kCodePoints) {
  const auto runs = property_runs();
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const std::uint32_t end = i + 1 < runs.size() ? runs[i + 1] >> 8 : kCodePoints;
    std::fill(properties_.begin() + (runs[i] >> 8), properties_.begin() + end,
              static_cast<std::uint8_t>(runs[i] & 0xFF));
  }
  for (const LowercaseRun& run : lowercase_runs()) {
    for (char32_t c = run.first; c <= run.last; c += static_cast<char32_t>(run.stride)) {
      properties_[c] |= kUppercase;
    }
  }
  for (const LowercasePair& pair : lowercase_pairs()) properties_[pair.code_point] |= kUppercase;
}

const Characters& Characters::get() {
  static const Characters characters;
  return characters;
}

std::optional<std::size_t> invalid_utf8_at(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const auto lead = static_cast<unsigned char>(text[at]);
    const std::size_t length = sequence_length(lead);
    if (length == 1) {
      ++at;
      continue;
    }
    if (length == 0 || at + length > text.size()) return at;
    for (std::size_t i = 1; i < length; ++i) {
      if (!is_continuation(static_cast<unsigned char>(text[at + i]))) return at;
    }
    const auto second = static_cast<unsigned char>(text[at + 1]);
    const bool overlong = (lead == 0xE0 && second < 0xA0) || (lead == 0xF0 && second < 0x90);
    const bool surrogate = lead == 0xED && second >= 0xA0;
    const bool too_high = lead == 0xF4 && second >= 0x90;
    if (overlong || surrogate || too_high) return at;
    at += length;
  }
  return std::nullopt;
}

char32_t decode_utf8(std::string_view text, std::size_t& at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  const std::size_t length = sequence_length(lead);
  if (length == 1) {
    ++at;
    return lead;
  }
  char32_t c = lead & (0x7Fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    c = (c << 6) | (static_cast<unsigned char>(text[at + i]) & 0x3Fu);
  }
  at += length;
  return c;
}

void append_utf8(char32_t c, std::string& out) {
  const auto push = [&](char32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (c < 0x80) {
    push(c);
  } else if (c < 0x800) {
    push(0xC0 | (c >> 6));
    push(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    push(0xE0 | (c >> 12));
    push(0x80 | ((c >> 6) & 0x3F));
    push(0x80 | (c & 0x3F));
  } else {
    push(0xF0 | (c >> 18));
    push(0x80 | ((c >> 12) & 0x3F));
    push(0x80 | ((c >> 6) & 0x3F));
    push(0x80 | (c & 0x3F));
  }
}

void append_utf8(std::u32string_view text, std::string& out) {
  for (const char32_t c : text) append_utf8(c, out);
}

std::u32string to_code_points(std::string_view text) {
  std::u32string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) out.push_back(decode_utf8(text, at));
  return out;
}

std::string excerpt(std::string_view text) {
  constexpr std::size_t kBytes = 60;
  if (text.size() <= kBytes) return std::string(text);
  std::size_t end = kBytes;
  while (end > 0 && is_continuation(static_cast<unsigned char>(text[end]))) --end;
  return std::string(text.substr(0, end)) + "...";
}

void lowercase(std::u32string& text) {
  const Characters& characters = Characters::get();
  const auto first = std::find_if(text.begin(), text.end(),
                                  [&](char32_t c) { return characters.has(c, kUppercase); });
  if (first == text.end()) return;
  std::u32string out(text.begin(), first);
  out.reserve(text.size());
  for (auto c = first; c != text.end(); ++c) {
    if (characters.has(*c, kUppercase)) {
      append_lowercase(*c, out);
    } else {
      out.push_back(*c);
    }
  }
  text = std::move(out);
}

}  // namespace ridgeline::native
