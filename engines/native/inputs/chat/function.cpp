// Binding the arguments of a call to the parameters of a native function.
#include "engines/native/inputs/chat/function.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace ridgeline::native::jinja {
namespace {

struct Parameter {
  std::string_view name;
  bool is_required;
};

std::vector<Parameter> parse_parameters(std::string_view text) {
  std::vector<Parameter> parameters;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const bool is_optional = word.front() == '[';
    if (is_optional) word = word.substr(1, word.size() - 2);
    parameters.push_back({word, !is_optional});
  }
  return parameters;
}

Status bind(const NativeEntry& entry, Call& call) {
  const std::vector<Parameter> parameters = parse_parameters(entry.parameters);
  const Arguments& given = call.arguments;
  if (given.positional.size() > parameters.size()) {
    return bad_input(fmt::format("'{}' takes at most {} arguments, not {}", entry.name,
                                 parameters.size(), given.positional.size()));
  }
  call.bound.assign(given.positional.begin(), given.positional.end());
  call.bound.resize(parameters.size());
  for (const auto& [name, value] : given.named) {
    const auto found = std::find_if(parameters.begin(), parameters.end(),
                                    [&](const Parameter& p) { return p.name == name; });
    const auto at = static_cast<std::size_t>(found - parameters.begin());
    if (found == parameters.end() || call.bound[at]) {
      return bad_input(fmt::format("'{}' takes no argument '{}' here", entry.name, name));
    }
    call.bound[at] = value;
  }
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (parameters[i].is_required && !call.bound[i]) {
      return bad_input(fmt::format("'{}' needs the argument '{}'", entry.name, parameters[i].name));
    }
  }
  return {};
}

}  // namespace

Result<std::int64_t> Call::integer(std::size_t at, std::int64_t fallback) const {
  if (!has(at)) return fallback;
  RIDGELINE_CHECK(require_defined((*this)[at]));
  if (!(*this)[at].is_integral()) {
    return bad_input(fmt::format("an argument must be an int, not {}", (*this)[at].type_name()));
  }
  return (*this)[at].as_int();
}

Result<std::string> Call::text(std::size_t at, std::string_view fallback) const {
  if (!has(at)) return std::string(fallback);
  RIDGELINE_CHECK(require_defined((*this)[at]));
  if (!(*this)[at].is_text()) {
    return bad_input(fmt::format("an argument must be a str, not {}", (*this)[at].type_name()));
  }
  return (*this)[at].as_text();
}

bool Call::truth(std::size_t at, bool fallback) const {
  return has(at) ? (*this)[at].truth() : fallback;
}

Result<Value> invoke(Interpreter& run, const NativeEntry& entry, const Value& self,
                     const Arguments& arguments) {
  Call call{run, self, arguments};
  if (entry.parameters != "*") RIDGELINE_CHECK(bind(entry, call));
  return entry.function(call);
}

const NativeEntry* find_entry(std::span<const NativeEntry> table, std::string_view name) {
  const auto found = std::find_if(table.begin(), table.end(),
                                  [&](const NativeEntry& entry) { return entry.name == name; });
  return found == table.end() ? nullptr : &*found;
}

const NativeEntry* find_filter(std::string_view name) {
  for (const auto table : {text_filters(), sequence_filters(), selection_filters()}) {
    if (const NativeEntry* entry = find_entry(table, name)) return entry;
  }
  return nullptr;
}

}  // namespace ridgeline::native::jinja
