// How values look as text: str() and repr() of Python, and JSON as its json module writes it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "engines/native/inputs/chat/value.hpp"

namespace ridgeline::native::jinja {

/// str(value); an undefined value gives nothing. What prints as an address in Python (functions,
/// generators, namespaces) is an error.
Result<std::string> to_text(const Value& value, Budget& budget);

/// repr(value): as to_text, but texts in quotes.
Result<std::string> to_repr(const Value& value, Budget& budget);

/// repr() of a float: the shortest digits that give it back; an exponent from 1e16 and below 1e-4.
std::string float_text(double value);

/// The arguments of json.dumps.
struct JsonStyle {
  bool ensure_ascii = false;
  std::optional<std::string> indent = {};  ///< of one level; absent: all on one line
  std::string item_separator = ", ";
  std::string key_separator = ": ";
  bool sort_keys = false;
};

Result<std::string> to_json_text(const Value& value, const JsonStyle& style, Budget& budget);

}  // namespace ridgeline::native::jinja
