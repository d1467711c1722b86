// A titled block of "name   value" lines, wrapped so that it reads well on a terminal.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"

namespace ridgeline::report {

/// Columns of a section's lines; only what must not be broken is longer.
inline constexpr std::size_t kSectionColumns = 100;

class Section {
 public:
  explicit Section(std::string_view title);

  /// Text for people, broken at blanks. Both are made printable and cut when absurdly long.
  void add(std::string_view name, std::string_view value);

  /// "→ command" below the last line, never broken: it is there to be copied. Nothing when empty.
  void advise(std::string_view advice);

  bool empty() const { return lines_.empty(); }

  /// Title, lines and an empty line.
  std::string text() const;

 private:
  struct Line {
    std::string name;
    std::string value;
    bool is_advice = false;
  };
  std::string title_;
  std::vector<Line> lines_;
  std::size_t width_ = 14;
};

/// "value" of a scalar member, or "–".
std::string text_or_none(const Json& json, std::initializer_list<std::string_view> path);

}  // namespace ridgeline::report
