// What a template can call: functions, methods, filters and tests of ours, and its own macros.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "engines/native/inputs/chat/value.hpp"

namespace ridgeline::native::jinja {

class Interpreter;
struct Macro;

/// The arguments of one call.
struct Arguments {
  std::vector<Value> positional = {};
  std::vector<std::pair<std::string, Value>> named = {};
};

/// One call of a native function. `self` is what the filter or test is applied to, or whose method
/// it is.
struct Call {
  Interpreter& run;
  const Value& self;
  const Arguments& arguments;
  /// By the places in NativeEntry::parameters; empty for "*".
  std::vector<std::optional<Value>> bound = {};

  bool has(std::size_t at) const { return bound[at].has_value(); }
  const Value& operator[](std::size_t at) const { return *bound[at]; }

  /// The argument at a place, or what is taken without it; a value of another type is an error.
  Result<std::int64_t> integer(std::size_t at, std::int64_t fallback = 0) const;
  Result<std::string> text(std::size_t at, std::string_view fallback = "") const;
  bool truth(std::size_t at, bool fallback = false) const;
  bool is_none(std::size_t at) const { return !has(at) || (*this)[at].is_none(); }
};

using Native = Result<Value> (*)(Call& call);

/// A row of a table of functions.
struct NativeEntry {
  std::string_view name;
  /// Names of the parameters, "old new [count]": those in brackets may be left out; "*" takes
  /// anything and looks at Call::arguments itself.
  std::string_view parameters;
  Native function;
};

/// A value that can be called: a native function with its `self`, or a macro.
struct Function {
  const NativeEntry* native = nullptr;
  Value self = {};
  const Macro* macro = nullptr;  ///< owned by the interpreter
};

/// Binds the arguments to the parameters and calls. Errors: too many, missing or unknown ones.
Result<Value> invoke(Interpreter& run, const NativeEntry& entry, const Value& self,
                     const Arguments& arguments);

/// The entry of that name, or null.
const NativeEntry* find_entry(std::span<const NativeEntry> table, std::string_view name);

std::span<const NativeEntry> text_filters();
std::span<const NativeEntry> sequence_filters();
std::span<const NativeEntry> selection_filters();
std::span<const NativeEntry> value_tests();
std::span<const NativeEntry> text_methods();
std::span<const NativeEntry> sequence_methods();
std::span<const NativeEntry> dict_methods();
std::span<const NativeEntry> loop_methods();
std::span<const NativeEntry> global_functions();

/// The filter of that name, from any of the tables, or null.
const NativeEntry* find_filter(std::string_view name);

}  // namespace ridgeline::native::jinja
