// The kinds of patterns, what becomes of their matches, and reading both.
#include "engines/native/inputs/text/pattern.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "engines/native/inputs/text/regex_tables.hpp"
#include "engines/native/inputs/text/unicode.hpp"

namespace ridgeline::native {
namespace {

class RegexPattern final : public TextPattern {
 public:
  explicit RegexPattern(Regex regex) : regex_(std::move(regex)) {}

  Status find(std::string_view text, std::vector<Segment>& segments) const override {
    return regex_.find(text, segments);
  }

 private:
  Regex regex_;
};

class LiteralPattern final : public TextPattern {
 public:
  explicit LiteralPattern(std::string_view literal) : literal_(literal) {}

  Status find(std::string_view text, std::vector<Segment>& segments) const override {
    segments.clear();
    std::size_t done = 0;
    for (std::size_t at = text.find(literal_); at != std::string_view::npos;
         at = text.find(literal_, done)) {
      if (done < at) segments.push_back({done, at, false});
      done = at + literal_.size();
      segments.push_back({at, done, true});
    }
    if (done < text.size()) segments.push_back({done, text.size(), false});
    return {};
  }

 private:
  std::string literal_;
};

bool is_numeric(char32_t c) {
  if (c < 0x80) return c >= '0' && c <= '9';
  const auto ranges = numeric_ranges();
  const auto range =
      std::lower_bound(ranges.begin(), ranges.end(), c,
                       [](const CodePointRange& r, char32_t v) { return r.last < v; });
  return range != ranges.end() && range->first <= c;
}

bool is_punctuation(char32_t c) {
  return Characters::get().has(c, kPunctuation);
}

class CharacterPattern final : public TextPattern {
 public:
  explicit CharacterPattern(bool (*matches)(char32_t)) : matches_(matches) {}

  Status find(std::string_view text, std::vector<Segment>& segments) const override {
    segments.clear();
    std::size_t done = 0;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t begin = at;
      if (!matches_(decode_utf8(text, at))) continue;
      if (done < begin) segments.push_back({done, begin, false});
      segments.push_back({begin, at, true});
      done = at;
    }
    if (done < text.size()) segments.push_back({done, text.size(), false});
    return {};
  }

 private:
  bool (*matches_)(char32_t);
};

struct NamedBehavior {
  std::string_view name;
  SplitBehavior behavior;
};

constexpr NamedBehavior kBehaviors[] = {
    {"Removed", SplitBehavior::kRemoved},
    {"Isolated", SplitBehavior::kIsolated},
    {"MergedWithPrevious", SplitBehavior::kMergedWithPrevious},
    {"MergedWithNext", SplitBehavior::kMergedWithNext},
    {"Contiguous", SplitBehavior::kContiguous},
};

// Joins each segment to the kept one before it where `joins(before, it)`; `before` is the segment
// as it was found, not what it became.
template <typename Joins>
void merge(std::vector<Segment>& segments, Joins joins) {
  std::size_t kept = 0;
  Segment before;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const Segment segment = segments[i];
    if (kept > 0 && joins(before, segment)) {
      segments[kept - 1].end = segment.end;
    } else {
      segments[kept++] = segment;
    }
    before = segment;
  }
  segments.resize(kept);
}

}  // namespace

Result<TextPatternPtr> make_regex_pattern(std::string_view regex, std::string_view what) {
  RIDGELINE_TRY(Regex compiled, Regex::compile(regex, what));
  return TextPatternPtr(std::make_shared<const RegexPattern>(std::move(compiled)));
}

Result<TextPatternPtr> make_literal_pattern(std::string_view text, std::string_view what) {
  // An empty text is found between all characters; the regular expression knows the rules.
  if (text.empty()) return make_regex_pattern(text, what);
  return TextPatternPtr(std::make_shared<const LiteralPattern>(text));
}

TextPatternPtr make_numeric_pattern() {
  return std::make_shared<const CharacterPattern>(is_numeric);
}

TextPatternPtr make_punctuation_pattern() {
  return std::make_shared<const CharacterPattern>(is_punctuation);
}

Status replace_matches(const TextPattern& pattern, std::string_view text, std::string_view content,
                       std::string& out) {
  std::vector<Segment> segments;
  RIDGELINE_CHECK(pattern.find(text, segments));
  for (const auto& [begin, end, is_match] : segments) {
    out += is_match ? content : text.substr(begin, end - begin);
    if (out.size() > kMaxTextBytes) {
      return bad_input(
          fmt::format("a text grows above {} bytes when its parts are replaced", kMaxTextBytes));
    }
  }
  return {};
}

Result<TextPatternPtr> parse_pattern(const Json& json, std::string_view what) {
  const auto pattern = json.find("pattern");
  if (pattern != json.end() && pattern->is_object() && pattern->size() == 1 &&
      pattern->begin()->is_string()) {
    const std::string& kind = pattern->items().begin().key();
    const auto& text = pattern->begin()->get_ref<const std::string&>();
    if (kind == "Regex") return make_regex_pattern(text, what);
    if (kind == "String") return make_literal_pattern(text, what);
  }
  return bad_input(fmt::format("{}: 'pattern' must be a String or a Regex", what));
}

void apply_behavior(SplitBehavior behavior, std::vector<Segment>& segments) {
  switch (behavior) {
    case SplitBehavior::kRemoved:
      std::erase_if(segments, [](const Segment& s) { return s.is_match; });
      break;
    case SplitBehavior::kIsolated:
      break;
    case SplitBehavior::kMergedWithPrevious:
      merge(segments, [](const Segment& a, const Segment& b) { return !a.is_match && b.is_match; });
      break;
    case SplitBehavior::kMergedWithNext:
      merge(segments, [](const Segment& a, const Segment& b) { return a.is_match && !b.is_match; });
      break;
    case SplitBehavior::kContiguous:
      merge(segments, [](const Segment& a, const Segment& b) { return a.is_match == b.is_match; });
      break;
  }
}

Result<SplitBehavior> parse_behavior(const Json& json, std::string_view what) {
  RIDGELINE_TRY(const std::string name, get_string(json, "behavior", what));
  for (const NamedBehavior& entry : kBehaviors) {
    if (entry.name == name) return entry.behavior;
  }
  return bad_input(fmt::format("{}: cannot use the behavior '{}'", what, excerpt(name)));
}

}  // namespace ridgeline::native
