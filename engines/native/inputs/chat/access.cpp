// Attributes, items, slices and membership of values.
#include <fmt/format.h>

#include <algorithm>

#include "engines/native/inputs/chat/interpreter.hpp"
#include "engines/native/inputs/chat/python_text.hpp"
#include "engines/native/inputs/text/unicode.hpp"

namespace ridgeline::native::jinja {
namespace {

// Methods that change their object: the sandbox of transformers hides them.
constexpr std::string_view kListChanges[] = {"append", "clear", "pop",    "reverse",
                                             "insert", "sort",  "extend", "remove"};
constexpr std::string_view kDictChanges[] = {"clear", "pop", "popitem", "setdefault", "update"};

bool changes(const Value& value, std::string_view name) {
  const auto has = [&](const auto& names) {
    return std::find(std::begin(names), std::end(names), name) != std::end(names);
  };
  if (value.is(SequenceKind::kList)) return has(kListChanges);
  return value.is(Kind::kDict) && has(kDictChanges);
}

std::span<const NativeEntry> methods_of(const Value& value) {
  switch (value.kind()) {
    case Kind::kText:
      return text_methods();
    case Kind::kDict:
      return dict_methods();
    case Kind::kLoop:
      return loop_methods();
    case Kind::kSequence:
      if (value.is(SequenceKind::kView) || value.is(SequenceKind::kIterator)) return {};
      return sequence_methods();
    default:
      return {};
  }
}

// How jinja2 names a value in "... has no attribute".
std::string owner_name(const Value& value) {
  return value.is_none() ? "None" : fmt::format("{} object", value.type_name());
}

Value no_such(const Value& value, const Value& key) {
  if (key.is_text()) {
    return Value::undefined(
        fmt::format("'{}' has no attribute '{}'", owner_name(value), excerpt(key.as_text())));
  }
  return Value::undefined(
      fmt::format("{} has no element {}", owner_name(value),
                  key.is_integral() ? fmt::format("{}", key.as_int()) : key.type_name()));
}

// Where an index that may count from the end stands; nothing when it is out of range.
std::optional<std::size_t> place_of(std::int64_t index, std::size_t size) {
  const auto count = static_cast<std::int64_t>(size);
  if (index < -count || index >= count) return std::nullopt;
  return static_cast<std::size_t>(index < 0 ? index + count : index);
}

struct Steps {
  std::int64_t start;
  std::int64_t step;
  std::size_t count;
};

// slice.indices of Python.
Result<Steps> steps_of(const Value& start, const Value& stop, const Value& step, std::size_t size) {
  for (const Value* bound : {&start, &stop, &step}) {
    RIDGELINE_CHECK(require_defined(*bound));
    if (!bound->is_none() && !bound->is_integral()) {
      return bad_input(fmt::format("a slice needs ints, not {}", bound->type_name()));
    }
  }
  const std::int64_t by = step.is_none() ? 1 : step.as_int();
  if (by == 0) return bad_input("the step of a slice cannot be 0");
  const auto count = static_cast<std::int64_t>(size);
  const std::int64_t lowest = by < 0 ? -1 : 0;
  const std::int64_t highest = by < 0 ? count - 1 : count;
  const auto clamp = [&](const Value& bound, std::int64_t fallback) {
    if (bound.is_none()) return fallback;
    // Far outside is as good as outside, and cannot overflow.
    const std::int64_t index = std::clamp<std::int64_t>(bound.as_int(), -count - 1, count);
    return std::clamp(index < 0 ? index + count : index, lowest, highest);
  };
  const std::int64_t from = clamp(start, by < 0 ? highest : lowest);
  const std::int64_t to = clamp(stop, by < 0 ? lowest : highest);
  const std::int64_t stride = std::clamp<std::int64_t>(by, -count - 1, count + 1);
  const std::int64_t distance = stride > 0 ? to - from : from - to;
  const std::int64_t width = stride > 0 ? stride : -stride;
  const std::int64_t taken = distance <= 0 ? 0 : (distance + width - 1) / width;
  return Steps{from, stride, static_cast<std::size_t>(taken)};
}

std::string sliced_text(const Text& text, const Steps& steps) {
  const std::string_view bytes = text.bytes;
  if (steps.step == 1) {
    const auto from = static_cast<std::size_t>(steps.start);
    if (text.is_ascii()) return text.bytes.substr(from, steps.count);
    const std::size_t start = offset_of(bytes, from);
    const std::size_t end = start + offset_of(bytes.substr(start), steps.count);
    return text.bytes.substr(start, end - start);
  }
  const std::u32string all = to_code_points(bytes);
  std::string out;
  std::int64_t at = steps.start;
  for (std::size_t i = 0; i < steps.count; ++i, at += steps.step) {
    append_utf8(all[static_cast<std::size_t>(at)], out);
  }
  return out;
}

}  // namespace

Result<std::optional<Value>> Interpreter::member(const Value& value, std::string_view name) {
  using Found = std::optional<Value>;
  if (value.is(Kind::kNamespace)) {
    const Value* found = value.as_namespace().attributes.find_text(name);
    return found == nullptr ? Found() : Found(*found);
  }
  if (value.is(Kind::kLoop)) {
    RIDGELINE_TRY(Found found, value.as_loop().attribute(name));
    if (found) return found;
  }
  if (changes(value, name)) {
    return Found(Value::undefined(
        fmt::format("access to attribute '{}' of '{}' object is unsafe", name, value.type_name())));
  }
  const NativeEntry* entry = find_entry(methods_of(value), name);
  if (entry == nullptr) return Found();
  return Found(Value::function(Function{entry, value}));
}

Result<Value> Interpreter::attribute(const Value& value, std::string_view name) {
  RIDGELINE_CHECK(require_defined(value));
  RIDGELINE_TRY(const std::optional<Value> found, member(value, name));
  if (found) return *found;
  if (value.is(Kind::kDict)) {
    if (const Value* entry = value.as_dict().find_text(name)) return *entry;
  }
  return no_such(value, Value::text(std::string(name)));
}

Result<Value> Interpreter::item(const Value& value, const Value& key) {
  RIDGELINE_CHECK(require_defined(value));
  if (value.is(Kind::kDict) && !key.is(SequenceKind::kList) && !key.is(Kind::kDict)) {
    RIDGELINE_TRY(const std::string hash, hash_of(key, budget_));
    if (const Value* entry = value.as_dict().find(hash)) return *entry;
  }
  const bool is_indexed = value.is(SequenceKind::kList) || value.is(SequenceKind::kTuple) ||
                          value.is(SequenceKind::kRange);
  if (is_indexed && key.is_integral()) {
    const std::vector<Value>& items = value.as_sequence().items;
    const auto place = place_of(key.as_int(), items.size());
    return place ? items[*place] : no_such(value, key);
  }
  if (value.is_text() && key.is_integral()) {
    const Text& parts = value.text_parts();
    const auto place = place_of(key.as_int(), parts.length);
    if (!place) return no_such(value, key);
    RIDGELINE_CHECK(budget_.spend(parts.is_ascii() ? 1 : parts.bytes.size() / 4));
    return text(sliced_text(parts, {static_cast<std::int64_t>(*place), 1, 1}), parts.markup);
  }
  if (key.is_text()) {
    RIDGELINE_TRY(const std::optional<Value> found, member(value, key.as_text()));
    if (found) return *found;
  }
  return no_such(value, key);
}

Result<Value> Interpreter::slice(const Value& value, const Value& start, const Value& stop,
                                 const Value& step) {
  RIDGELINE_CHECK(require_defined(value));
  if (value.is_text()) {
    const Text& parts = value.text_parts();
    RIDGELINE_TRY(const Steps steps, steps_of(start, stop, step, parts.length));
    RIDGELINE_CHECK(budget_.spend(parts.bytes.size() / (steps.step == 1 ? 4 : 1)));
    return text(sliced_text(parts, steps), parts.markup);
  }
  const bool is_list = value.is(SequenceKind::kList);
  if (!is_list && !value.is(SequenceKind::kTuple) && !value.is(SequenceKind::kRange)) {
    return bad_input(fmt::format("a value of type {} cannot be sliced", value.type_name()));
  }
  const std::vector<Value>& items = value.as_sequence().items;
  RIDGELINE_TRY(const Steps steps, steps_of(start, stop, step, items.size()));
  std::vector<Value> taken;
  taken.reserve(steps.count);
  std::int64_t at = steps.start;
  for (std::size_t i = 0; i < steps.count; ++i, at += steps.step) {
    taken.push_back(items[static_cast<std::size_t>(at)]);
  }
  // A slice of a range counts as a list: only its printed form would differ.
  const bool is_tuple = value.is(SequenceKind::kTuple);
  return sequence(is_tuple ? SequenceKind::kTuple : SequenceKind::kList, std::move(taken));
}

Result<bool> Interpreter::contains(const Value& container, const Value& item) {
  if (container.is_text()) {
    if (!item.is_text()) {
      return bad_input(fmt::format("a value of type {} cannot be in a text", item.type_name()));
    }
    RIDGELINE_CHECK(budget_.spend(container.as_text().size() / 4 + item.as_text().size()));
    return find_first(container.as_text(), item.as_text()).has_value();
  }
  if (container.is(Kind::kDict)) {
    RIDGELINE_TRY(const std::string hash, hash_of(item, budget_));
    return container.as_dict().find(hash) != nullptr;
  }
  RIDGELINE_TRY(const std::vector<Value> items, items_of(container));
  for (const Value& candidate : items) {
    RIDGELINE_TRY(const bool same, equal(candidate, item, budget_));
    if (same) return true;
  }
  return false;
}

}  // namespace ridgeline::native::jinja
