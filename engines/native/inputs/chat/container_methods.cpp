// Methods of lists, dicts and loops.
#include <fmt/format.h>

#include <algorithm>

#include "engines/native/inputs/chat/interpreter.hpp"

namespace ridgeline::native::jinja {
namespace {

Result<Value> list_count(Call& call) {
  std::int64_t found = 0;
  for (const Value& item : call.self.as_sequence().items) {
    RIDGELINE_TRY(const bool same, equal(item, call[0], call.run.budget()));
    found += same ? 1 : 0;
  }
  return Value::integer(found);
}

Result<Value> list_index(Call& call) {
  const std::vector<Value>& items = call.self.as_sequence().items;
  for (std::size_t i = 0; i < items.size(); ++i) {
    RIDGELINE_TRY(const bool same, equal(items[i], call[0], call.run.budget()));
    if (same) return Value::integer(static_cast<std::int64_t>(i));
  }
  return bad_input("index() does not find the item");
}

Result<Value> list_copy(Call& call) {
  if (!call.self.is(SequenceKind::kList)) return bad_input("only lists and dicts have copy()");
  return call.self;
}

Result<Value> dict_get(Call& call) {
  RIDGELINE_TRY(const std::string hash, hash_of(call[0], call.run.budget()));
  if (const Value* found = call.self.as_dict().find(hash)) return *found;
  return call.has(1) ? call[1] : Value();
}

Result<Value> dict_items(Call& call) {
  std::vector<Value> pairs;
  for (const auto& [key, value] : call.self.as_dict().entries()) {
    RIDGELINE_TRY(Value pair, call.run.sequence(SequenceKind::kTuple, {key, value}));
    pairs.push_back(std::move(pair));
  }
  return call.run.sequence(SequenceKind::kView, std::move(pairs), "dict_items");
}

Result<Value> dict_keys(Call& call) {
  std::vector<Value> keys;
  for (const auto& entry : call.self.as_dict().entries()) keys.push_back(entry.first);
  return call.run.sequence(SequenceKind::kView, std::move(keys), "dict_keys");
}

Result<Value> dict_values(Call& call) {
  std::vector<Value> values;
  for (const auto& entry : call.self.as_dict().entries()) values.push_back(entry.second);
  return call.run.sequence(SequenceKind::kView, std::move(values), "dict_values");
}

Result<Value> dict_copy(Call& call) {
  return call.self;  // dicts never change
}

Result<Value> loop_cycle(Call& call) {
  const std::vector<Value>& values = call.arguments.positional;
  if (values.empty()) return bad_input("loop.cycle() needs values");
  return values[(call.self.as_loop().position() - 1) % values.size()];
}

Result<Value> loop_changed(Call& call) {
  RIDGELINE_TRY(const bool changed,
                call.self.as_loop().changed(call.arguments.positional, call.run.budget()));
  return Value::boolean(changed);
}

constexpr NativeEntry kSequenceMethods[] = {
    {"copy", "", list_copy},
    {"count", "value", list_count},
    {"index", "value", list_index},
};

constexpr NativeEntry kDictMethods[] = {
    {"copy", "", dict_copy}, {"get", "key [default]", dict_get}, {"items", "", dict_items},
    {"keys", "", dict_keys}, {"values", "", dict_values},
};

constexpr NativeEntry kLoopMethods[] = {
    {"changed", "*", loop_changed},
    {"cycle", "*", loop_cycle},
};

}  // namespace

std::span<const NativeEntry> sequence_methods() {
  return kSequenceMethods;
}

std::span<const NativeEntry> dict_methods() {
  return kDictMethods;
}

std::span<const NativeEntry> loop_methods() {
  return kLoopMethods;
}

}  // namespace ridgeline::native::jinja
