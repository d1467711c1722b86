// Splits a chat template into text, tags and the tokens inside of tags, as jinja2 does with
// trim_blocks and lstrip_blocks.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace ridgeline::native::jinja {

enum class TokenKind : std::uint8_t {
  kData,           ///< text between tags, whitespace control applied
  kBlockBegin,     ///< {%
  kBlockEnd,       ///< %}
  kVariableBegin,  ///< {{
  kVariableEnd,    ///< }}
  kName,
  kText,  ///< a string literal, its escapes resolved
  kInteger,
  kFloat,
  kOperator,
  kEnd,
};

struct Token {
  TokenKind kind;
  /// The text, name or operator; numbers without underscores.
  std::string text;
  int line;

  bool is(TokenKind other) const { return kind == other; }
  bool is_name(std::string_view name) const { return kind == TokenKind::kName && text == name; }
  bool is_operator(std::string_view op) const { return kind == TokenKind::kOperator && text == op; }
  /// For an error: the token as it is written, or "the end of the template".
  std::string description() const;
};

/// The error of one line of a template: "line 3: ...".
Error at_line(int line, std::string_view message);

/// All tokens, kEnd last. Comments and raw blocks are resolved. `source` must be valid UTF-8.
Result<std::vector<Token>> tokenize(std::string_view source);

}  // namespace ridgeline::native::jinja
