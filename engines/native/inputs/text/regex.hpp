// Regular expressions of tokenizer.json over UTF-8, found as the tokenizers library finds them.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace ridgeline::native {

/// A part of a text: a match, or what lies between matches.
struct Segment {
  std::size_t begin = 0;
  std::size_t end = 0;
  bool is_match = false;
};

/// Cheap to copy; may be used from several threads.
class Regex {
 public:
  /// Compiles a pattern in Oniguruma's syntax. Errors: kUnsupported for what PCRE2 cannot do alike.
  static Result<Regex> compile(std::string_view pattern, std::string_view what);

  /// Puts the matches of `text`, valid UTF-8, and the parts between them into `segments`, left to
  /// right; they cover the text. After a match no empty match may follow at its end. Errors:
  /// kBadInput when the search needs too much time or memory.
  Status find(std::string_view text, std::vector<Segment>& segments) const;

 private:
  struct Compiled;
  explicit Regex(std::shared_ptr<const Compiled> compiled);

  std::shared_ptr<const Compiled> compiled_;
};

}  // namespace ridgeline::native
