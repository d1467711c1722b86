// What Split, Digits, Punctuation and Replace look for in a text.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"
#include "engines/native/inputs/text/regex.hpp"

namespace ridgeline::native {

/// The longest text, also between two steps of a tokenizer: steps that each double a text could
/// otherwise fill any memory, and a list of its parts takes up to 24 bytes for each byte of it.
inline constexpr std::size_t kMaxTextBytes = 64u << 20;

class TextPattern {
 public:
  virtual ~TextPattern() = default;

  /// Puts the matches of `text` and the parts between them into `segments`, as Regex::find does.
  virtual Status find(std::string_view text, std::vector<Segment>& segments) const = 0;
};

using TextPatternPtr = std::shared_ptr<const TextPattern>;

/// A regular expression, or a text that stands for itself.
Result<TextPatternPtr> make_regex_pattern(std::string_view regex, std::string_view what);
Result<TextPatternPtr> make_literal_pattern(std::string_view text, std::string_view what);

/// Every character of the kind is a match by itself.
TextPatternPtr make_numeric_pattern();
TextPatternPtr make_punctuation_pattern();

/// Appends `text` to `out` with `content` for every match. Errors: of find(); `out` would be longer
/// than kMaxTextBytes.
Status replace_matches(const TextPattern& pattern, std::string_view text, std::string_view content,
                       std::string& out);

/// {"String": "..."} or {"Regex": "..."} under "pattern" of `json`.
Result<TextPatternPtr> parse_pattern(const Json& json, std::string_view what);

/// What becomes of the matches when a text is split.
enum class SplitBehavior {
  kRemoved,
  kIsolated,
  kMergedWithPrevious,
  kMergedWithNext,
  kContiguous,  ///< matches side by side are one part
};

/// Turns the segments of a text into its parts: what is not in them is dropped.
void apply_behavior(SplitBehavior behavior, std::vector<Segment>& segments);

/// "Removed", "Isolated", "MergedWithPrevious", "MergedWithNext" or "Contiguous" under "behavior".
Result<SplitBehavior> parse_behavior(const Json& json, std::string_view what);

}  // namespace ridgeline::native
