// Unicode normal forms. utf8proc knows the decompositions; the tables say which code points the
// tokenizers library, whose tables are older, decomposes, reorders and composes at all.
#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engines/native/inputs/text/unicode.hpp"
#include "engines/native/inputs/text/unicode_tables.hpp"

namespace ridgeline::native {
namespace {

// Hangul syllables are composed by arithmetic: Unicode standard, section 3.12.
constexpr char32_t kSyllable = 0xAC00;
constexpr char32_t kLead = 0x1100;
constexpr char32_t kVowel = 0x1161;
constexpr char32_t kTail = 0x11A7;
constexpr char32_t kLeads = 19;
constexpr char32_t kVowels = 21;
constexpr char32_t kTails = 28;

int combining_class(char32_t c) {
  if (!Characters::get().has(c, kNormalizes)) return 0;
  return utf8proc_get_property(static_cast<utf8proc_int32_t>(c))->combining_class;
}

void append_decomposition(char32_t c, bool compatibility, std::u32string& out) {
  if (!Characters::get().has(c, kNormalizes)) {
    out.push_back(c);
    return;
  }
  // The longest decomposition, of U+FDFA, has 18 code points.
  std::array<utf8proc_int32_t, 32> parts{};
  int boundary = 0;
  const int options = UTF8PROC_DECOMPOSE | (compatibility ? UTF8PROC_COMPAT : 0);
  const auto count = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(c), parts.data(),
                                             static_cast<utf8proc_ssize_t>(parts.size()),
                                             static_cast<utf8proc_option_t>(options), &boundary);
  if (count <= 0 || count > static_cast<utf8proc_ssize_t>(parts.size())) {
    out.push_back(c);
    return;
  }
  for (utf8proc_ssize_t i = 0; i < count; ++i) {
    out.push_back(static_cast<char32_t>(parts[static_cast<std::size_t>(i)]));
  }
}

// Canonical ordering: every run of characters that combine is sorted by class, stably.
void reorder(std::u32string& text) {
  for (auto begin = text.begin(); begin != text.end();) {
    if (combining_class(*begin) == 0) {
      ++begin;
      continue;
    }
    const auto end =
        std::find_if(begin, text.end(), [](char32_t c) { return combining_class(c) == 0; });
    std::stable_sort(
        begin, end, [](char32_t a, char32_t b) { return combining_class(a) < combining_class(b); });
    begin = end;
  }
}

std::uint64_t pair_key(char32_t first, char32_t second) {
  return static_cast<std::uint64_t>(first) << 32 | second;
}

using Compositions = std::unordered_map<std::uint64_t, char32_t>;

Compositions make_compositions() {
  Compositions made;
  std::vector<std::pair<std::u32string, char32_t>> composites;
  for (const CodePointRange& range : composite_ranges()) {
    for (char32_t c = range.first; c <= range.last; ++c) {
      std::u32string parts(1, c);
      decompose(parts, false);
      composites.emplace_back(std::move(parts), c);
    }
  }
  // Shorter ones first, because a longer one is a shorter one and one more character.
  std::stable_sort(composites.begin(), composites.end(),
                   [](const auto& a, const auto& b) { return a.first.size() < b.first.size(); });
  for (const auto& [parts, composite] : composites) {
    char32_t first = parts.front();
    for (std::size_t i = 1; i + 1 < parts.size(); ++i) {
      const auto found = made.find(pair_key(first, parts[i]));
      if (found != made.end()) first = found->second;
    }
    made.emplace(pair_key(first, parts.back()), composite);
  }
  return made;
}

// The composite of two characters, or 0.
char32_t composite_of(char32_t first, char32_t second) {
  if (first - kLead < kLeads && second - kVowel < kVowels) {
    return kSyllable + ((first - kLead) * kVowels + (second - kVowel)) * kTails;
  }
  if (first - kSyllable < kLeads * kVowels * kTails && (first - kSyllable) % kTails == 0 &&
      second > kTail && second - kTail < kTails) {
    return first + (second - kTail);
  }
  static const Compositions compositions = make_compositions();
  const auto found = compositions.find(pair_key(first, second));
  return found == compositions.end() ? 0 : found->second;
}

}  // namespace

void decompose(std::u32string& text, bool compatibility) {
  const Characters& characters = Characters::get();
  const auto first = std::find_if(text.begin(), text.end(),
                                  [&](char32_t c) { return characters.has(c, kNormalizes); });
  if (first == text.end()) return;
  std::u32string out(text.begin(), first);
  out.reserve(text.size());
  for (auto c = first; c != text.end(); ++c) append_decomposition(*c, compatibility, out);
  reorder(out);
  text = std::move(out);
}

void compose(std::u32string& text) {
  std::size_t starter = text.size();  // where the last starter is kept; none yet
  std::size_t kept = 0;
  int last_class = 0;  // of the last character kept after the starter
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char32_t c = text[i];
    const int c_class = combining_class(c);
    const bool adjacent = starter + 1 == kept;
    if (starter < kept && (adjacent || last_class < c_class)) {
      if (const char32_t composite = composite_of(text[starter], c); composite != 0) {
        text[starter] = composite;
        continue;
      }
    }
    if (c_class == 0) starter = kept;
    last_class = c_class;
    text[kept++] = c;
  }
  text.resize(kept);
}

}  // namespace ridgeline::native
