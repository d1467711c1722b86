// The attribute that a filter looks at, "name", "a.b.0" or a number.
#pragma once

#include <vector>

#include "base/error.hpp"
#include "engines/native/inputs/chat/value.hpp"

namespace ridgeline::native::jinja {

class Interpreter;

class AttributePath {
 public:
  /// None gives the path to the item itself.
  static Result<AttributePath> parse(const Value& attribute);

  /// item[part][part]...; what is missing becomes `fallback`, unless that is None.
  Result<Value> find(Interpreter& run, const Value& item, const Value& fallback = {}) const;

 private:
  std::vector<Value> parts_;
};

}  // namespace ridgeline::native::jinja
