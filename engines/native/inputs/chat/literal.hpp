// Numbers and string escapes as they are written in templates.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace ridgeline::native::jinja {

/// A number at the start of a text.
struct NumberLiteral {
  std::size_t length;  ///< bytes it takes
  bool is_float;
  std::string digits;  ///< without underscores; 0x, 0o and 0b stay
};

/// `text` starts with a digit. Without `may_be_float`, "1.5" is the integer 1 (as in x.1.5).
NumberLiteral scan_number(std::string_view text, bool may_be_float);

/// The inside of a quoted text with Python's escapes resolved; an unknown one stays as it is.
Result<std::string> unescape(std::string_view text);

}  // namespace ridgeline::native::jinja
