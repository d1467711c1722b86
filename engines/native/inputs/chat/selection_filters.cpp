// Filters that apply others: map, select, reject, selectattr, rejectattr, attr.
#include <fmt/format.h>

#include <algorithm>

#include "engines/native/inputs/chat/attribute_path.hpp"
#include "engines/native/inputs/chat/interpreter.hpp"
#include "engines/native/inputs/chat/number_text.hpp"
#include "engines/native/inputs/chat/python_text.hpp"

namespace ridgeline::native::jinja {

Result<AttributePath> AttributePath::parse(const Value& attribute) {
  AttributePath path;
  if (attribute.is_none()) return path;
  if (!attribute.is_text()) {
    path.parts_.push_back(attribute);
    return path;
  }
  for (const std::string_view part : split_on(attribute.as_text(), ".", -1, Side::kLeft)) {
    const bool is_number =
        !part.empty() && part.find_first_not_of("0123456789") == std::string_view::npos;
    std::optional<std::int64_t> index;
    if (is_number) {
      RIDGELINE_TRY(index, parse_integer(part, 10));
    }
    path.parts_.push_back(index ? Value::integer(*index) : Value::text(std::string(part)));
  }
  return path;
}

Result<Value> AttributePath::find(Interpreter& run, const Value& item,
                                  const Value& fallback) const {
  Value found = item;
  for (const Value& part : parts_) {
    RIDGELINE_TRY(found, run.item(found, part));
    if (found.is_undefined() && !fallback.is_none()) found = fallback;
  }
  return found;
}

namespace {

// The arguments behind the first `count`, for the filter or test that is applied.
Arguments without_first(const Arguments& arguments, std::size_t count) {
  Arguments rest;
  rest.positional.assign(arguments.positional.begin() + static_cast<std::ptrdiff_t>(count),
                         arguments.positional.end());
  rest.named = arguments.named;
  return rest;
}

Result<std::string> name_at(const Call& call, std::size_t at) {
  const Value& name = call.arguments.positional[at];
  if (!name.is_text()) return bad_input("the name of a filter or test must be a text");
  return name.as_text();
}

Result<Value> map_attribute(Call& call) {
  Value path_text;
  Value fallback;
  for (const auto& [name, value] : call.arguments.named) {
    if (name == "attribute") {
      path_text = value;
    } else if (name == "default") {
      fallback = value;
    } else {
      return bad_input(fmt::format("'map' takes no argument '{}'", name));
    }
  }
  RIDGELINE_TRY(const AttributePath path, AttributePath::parse(path_text));
  RIDGELINE_TRY(std::vector<Value> items, call.run.items_of(call.self));
  for (Value& item : items) {
    RIDGELINE_TRY(item, path.find(call.run, item, fallback));
  }
  return call.run.sequence(SequenceKind::kIterator, std::move(items));
}

Result<Value> map(Call& call) {
  if (!call.self.truth()) return call.run.sequence(SequenceKind::kIterator, {});
  const auto& named = call.arguments.named;
  const bool has_attribute = std::any_of(
      named.begin(), named.end(), [](const auto& entry) { return entry.first == "attribute"; });
  if (call.arguments.positional.empty()) {
    if (has_attribute) return map_attribute(call);
    return bad_input("'map' needs a filter or an attribute");
  }
  RIDGELINE_TRY(const std::string filter, name_at(call, 0));
  const Arguments rest = without_first(call.arguments, 1);
  RIDGELINE_TRY(std::vector<Value> items, call.run.items_of(call.self));
  for (Value& item : items) {
    RIDGELINE_TRY(item, call.run.filter(filter, item, rest));
  }
  return call.run.sequence(SequenceKind::kIterator, std::move(items));
}

// Keeps the items, or the items of an attribute, for which a test gives `wanted`.
Result<Value> choose(Call& call, bool by_attribute, bool wanted) {
  if (!call.self.truth()) return call.run.sequence(SequenceKind::kIterator, {});
  const std::size_t test_at = by_attribute ? 1 : 0;
  AttributePath path;
  if (by_attribute) {
    if (call.arguments.positional.empty()) return bad_input("the name of an attribute is missing");
    RIDGELINE_TRY(path, AttributePath::parse(call.arguments.positional[0]));
  }
  std::string test;
  Arguments rest;
  const bool has_test = call.arguments.positional.size() > test_at;
  if (has_test) {
    RIDGELINE_TRY(test, name_at(call, test_at));
    rest = without_first(call.arguments, test_at + 1);
  }
  RIDGELINE_TRY(const std::vector<Value> items, call.run.items_of(call.self));
  std::vector<Value> chosen;
  for (const Value& item : items) {
    RIDGELINE_TRY(const Value value, path.find(call.run, item));
    bool holds = value.truth();
    if (has_test) {
      RIDGELINE_TRY(holds, call.run.test(test, value, rest));
    }
    if (holds == wanted) chosen.push_back(item);
  }
  return call.run.sequence(SequenceKind::kIterator, std::move(chosen));
}

Result<Value> select(Call& call) {
  return choose(call, false, true);
}

Result<Value> reject(Call& call) {
  return choose(call, false, false);
}

Result<Value> select_attribute(Call& call) {
  return choose(call, true, true);
}

Result<Value> reject_attribute(Call& call) {
  return choose(call, true, false);
}

// Methods and attributes only, unlike value.name.
Result<Value> attr(Call& call) {
  RIDGELINE_TRY(const std::string name, call.text(0));
  if (call.self.is(Kind::kDict) && find_entry(dict_methods(), name) == nullptr) {
    return Value::undefined(fmt::format("'dict object' has no attribute '{}'", name));
  }
  return call.run.attribute(call.self, name);
}

constexpr NativeEntry kFilters[] = {
    {"attr", "name", attr},  {"map", "*", map},
    {"reject", "*", reject}, {"rejectattr", "*", reject_attribute},
    {"select", "*", select}, {"selectattr", "*", select_attribute},
};

}  // namespace

std::span<const NativeEntry> selection_filters() {
  return kFilters;
}

}  // namespace ridgeline::native::jinja
