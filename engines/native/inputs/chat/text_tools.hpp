// What filters and methods on texts share; what they make is paid from the interpreter's budget.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engines/native/inputs/chat/interpreter.hpp"
#include "engines/native/inputs/text/unicode.hpp"

namespace ridgeline::native::jinja {

inline std::u32string code_points(std::string_view text) {
  return to_code_points(text);
}

/// str.replace; a negative `count` replaces all.
Result<Value> replaced(Interpreter& run, std::string_view text, std::string_view old,
                       std::string_view with, std::int64_t count);

enum class Justify : std::uint8_t { kLeft, kRight, kCenter };

/// str.ljust, rjust and center with a `fill` of one character.
Result<Value> justified(Interpreter& run, std::string_view text, std::int64_t width,
                        std::string_view fill, Justify how);

/// separator.join(items), every item as its str() or, with `strict`, required to be a text.
Result<Value> joined(Interpreter& run, std::string_view separator, const std::vector<Value>& items,
                     bool strict);

}  // namespace ridgeline::native::jinja
