// Filters on sequences and dicts: length, join, sort, unique, first and so on.
#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "engines/native/inputs/chat/attribute_path.hpp"
#include "engines/native/inputs/chat/interpreter.hpp"
#include "engines/native/inputs/chat/python_text.hpp"
#include "engines/native/inputs/chat/text_tools.hpp"

namespace ridgeline::native::jinja {
namespace {

using Keyed = std::pair<Value, Value>;  // what decides, and the item

// A merge sort: comparing may fail, which std::stable_sort cannot take.
Status sort_keyed(std::vector<Keyed>& items, Budget& budget) {
  std::vector<Keyed> merged(items.size());
  for (std::size_t width = 1; width < items.size(); width *= 2) {
    for (std::size_t start = 0; start < items.size(); start += 2 * width) {
      const std::size_t middle = std::min(start + width, items.size());
      const std::size_t end = std::min(start + 2 * width, items.size());
      std::size_t left = start;
      std::size_t right = middle;
      for (std::size_t at = start; at < end; ++at) {
        bool takes_right = left == middle;
        if (!takes_right && right < end) {
          RIDGELINE_TRY(const std::partial_ordering order,
                        compare(items[right].first, items[left].first, budget));
          takes_right = order < 0;
        }
        merged[at] = takes_right ? items[right++] : items[left++];
      }
    }
    items.swap(merged);
  }
  return {};
}

// Sorted by the keys; items of equal keys keep their order, also backwards.
Result<std::vector<Value>> sorted(std::vector<Keyed> items, bool backwards, Budget& budget) {
  if (backwards) std::reverse(items.begin(), items.end());
  RIDGELINE_CHECK(sort_keyed(items, budget));
  if (backwards) std::reverse(items.begin(), items.end());
  std::vector<Value> out;
  out.reserve(items.size());
  for (Keyed& item : items) out.push_back(std::move(item.second));
  return out;
}

Value folded(const Value& value) {
  return value.is_text() ? Value::text(lower(value.as_text())) : value;
}

Result<Value> length(Call& call) {
  const Value& self = call.self;
  if (self.is_undefined()) return Value::integer(0);
  if (self.is_text()) return Value::integer(static_cast<std::int64_t>(self.text_parts().length));
  if (self.is(Kind::kDict)) {
    return Value::integer(static_cast<std::int64_t>(self.as_dict().entries().size()));
  }
  if (self.is(Kind::kSequence) && !self.is(SequenceKind::kIterator)) {
    return Value::integer(static_cast<std::int64_t>(self.as_sequence().items.size()));
  }
  if (self.is(Kind::kLoop)) return call.run.attribute(self, "length");
  return bad_input(fmt::format("a value of type {} has no length", self.type_name()));
}

Result<Value> list(Call& call) {
  RIDGELINE_TRY(std::vector<Value> items, call.run.items_of(call.self));
  return call.run.sequence(SequenceKind::kList, std::move(items));
}

Result<Value> first(Call& call) {
  if (call.self.is(SequenceKind::kIterator)) {
    // The others stay in it.
    const Sequence& sequence = call.self.as_sequence();
    if (sequence.next < sequence.items.size()) return sequence.items[sequence.next++];
    return Value::undefined("No first item, sequence was empty.");
  }
  if (call.self.is_text()) {
    const Value found = call.self.as_text().empty() ? Value() : Value::integer(0);
    if (!found.is_none()) return call.run.item(call.self, found);
  }
  RIDGELINE_TRY(const std::vector<Value> items, call.run.items_of(call.self));
  if (items.empty()) return Value::undefined("No first item, sequence was empty.");
  return items.front();
}

Result<Value> last(Call& call) {
  RIDGELINE_CHECK(require_defined(call.self));
  if (call.self.is(SequenceKind::kIterator)) return bad_input("a generator has no last item");
  RIDGELINE_TRY(const std::vector<Value> items, call.run.items_of(call.self));
  if (items.empty()) return Value::undefined("No last item, sequence was empty.");
  return items.back();
}

Result<Value> reverse(Call& call) {
  if (call.self.is_text()) {
    return call.run.slice(call.self, Value(), Value(), Value::integer(-1));
  }
  RIDGELINE_TRY(std::vector<Value> items, call.run.items_of(call.self));
  std::reverse(items.begin(), items.end());
  const bool as_list = call.self.is(SequenceKind::kIterator) || call.self.is_undefined();
  return call.run.sequence(as_list ? SequenceKind::kList : SequenceKind::kIterator,
                           std::move(items));
}

Result<Value> join(Call& call) {
  RIDGELINE_TRY(std::vector<Value> items, call.run.items_of(call.self));
  RIDGELINE_TRY(const std::string separator,
                call.has(0) ? call.run.string_of(call[0]) : Result<std::string>(std::string()));
  if (!call.is_none(1)) {
    RIDGELINE_TRY(const AttributePath path, AttributePath::parse(call[1]));
    for (Value& item : items) {
      RIDGELINE_TRY(item, path.find(call.run, item));
    }
  }
  return joined(call.run, separator, items, false);
}

Result<Value> items(Call& call) {
  if (!call.self.is_undefined() && !call.self.is(Kind::kDict)) {
    return bad_input(fmt::format("a value of type {} has no items", call.self.type_name()));
  }
  std::vector<Value> pairs;
  if (call.self.is(Kind::kDict)) {
    for (const auto& [key, value] : call.self.as_dict().entries()) {
      RIDGELINE_TRY(Value pair, call.run.sequence(SequenceKind::kTuple, {key, value}));
      pairs.push_back(std::move(pair));
    }
  }
  return call.run.sequence(SequenceKind::kIterator, std::move(pairs));
}

Result<Value> dict_sort(Call& call) {
  RIDGELINE_CHECK(require_defined(call.self));
  if (!call.self.is(Kind::kDict)) return bad_input("'dictsort' needs a dict");
  const bool case_sensitive = call.truth(0);
  RIDGELINE_TRY(const std::string by, call.text(1, "key"));
  if (by != "key" && by != "value") return bad_input("'dictsort' sorts by key or value");
  std::vector<Keyed> keyed;
  for (const auto& [key, value] : call.self.as_dict().entries()) {
    RIDGELINE_TRY(Value pair, call.run.sequence(SequenceKind::kTuple, {key, value}));
    const Value& decides = by == "key" ? key : value;
    keyed.emplace_back(case_sensitive ? decides : folded(decides), std::move(pair));
  }
  RIDGELINE_TRY(std::vector<Value> out, sorted(std::move(keyed), call.truth(2), call.run.budget()));
  return call.run.sequence(SequenceKind::kList, std::move(out));
}

Result<Value> sort(Call& call) {
  RIDGELINE_TRY(const std::vector<Value> items, call.run.items_of(call.self));
  const bool case_sensitive = call.truth(1);
  std::vector<AttributePath> paths;
  if (!call.is_none(2) && call[2].is_text()) {
    for (const std::string_view part : split_on(call[2].as_text(), ",", -1, Side::kLeft)) {
      RIDGELINE_TRY(AttributePath path, AttributePath::parse(Value::text(std::string(part))));
      paths.push_back(std::move(path));
    }
  } else {
    RIDGELINE_TRY(AttributePath path, AttributePath::parse(call.has(2) ? call[2] : Value()));
    paths.push_back(std::move(path));
  }
  std::vector<Keyed> keyed;
  for (const Value& item : items) {
    std::vector<Value> keys;
    for (const AttributePath& path : paths) {
      RIDGELINE_TRY(Value key, path.find(call.run, item));
      keys.push_back(case_sensitive ? std::move(key) : folded(key));
    }
    RIDGELINE_TRY(Value key, call.run.sequence(SequenceKind::kList, std::move(keys)));
    keyed.emplace_back(std::move(key), item);
  }
  RIDGELINE_TRY(std::vector<Value> out, sorted(std::move(keyed), call.truth(0), call.run.budget()));
  return call.run.sequence(SequenceKind::kList, std::move(out));
}

// The key of each item for unique, min and max: an attribute, in lower case unless it matters.
Result<std::vector<Keyed>> keyed_items(Call& call) {
  RIDGELINE_TRY(const std::vector<Value> all, call.run.items_of(call.self));
  RIDGELINE_TRY(const AttributePath path, AttributePath::parse(call.has(1) ? call[1] : Value()));
  std::vector<Keyed> keyed;
  for (const Value& item : all) {
    RIDGELINE_TRY(Value key, path.find(call.run, item));
    keyed.emplace_back(call.truth(0) ? std::move(key) : folded(key), item);
  }
  return keyed;
}

Result<Value> unique(Call& call) {
  RIDGELINE_TRY(const std::vector<Keyed> keyed, keyed_items(call));
  std::unordered_set<std::string> seen;
  std::vector<Value> out;
  for (const auto& [key, item] : keyed) {
    RIDGELINE_TRY(std::string hash, hash_of(key, call.run.budget()));
    if (seen.insert(std::move(hash)).second) out.push_back(item);
  }
  return call.run.sequence(SequenceKind::kIterator, std::move(out));
}

Result<Value> extreme(Call& call, bool largest) {
  RIDGELINE_TRY(const std::vector<Keyed> keyed, keyed_items(call));
  if (keyed.empty()) return Value::undefined("No aggregated item, sequence was empty.");
  const Keyed* best = &keyed.front();
  for (const Keyed& candidate : keyed) {
    if (&candidate == best) continue;
    RIDGELINE_TRY(const std::partial_ordering order,
                  compare(candidate.first, best->first, call.run.budget()));
    if (largest ? order > 0 : order < 0) best = &candidate;
  }
  return best->second;
}

Result<Value> smallest(Call& call) {
  return extreme(call, false);
}

Result<Value> largest(Call& call) {
  return extreme(call, true);
}

Result<Value> sum(Call& call) {
  RIDGELINE_TRY(const std::vector<Value> all, call.run.items_of(call.self));
  RIDGELINE_TRY(const AttributePath path, AttributePath::parse(call.has(0) ? call[0] : Value()));
  Value total = call.has(1) ? call[1] : Value::integer(0);
  if (total.is_text()) return bad_input("'sum' does not join texts");
  for (const Value& item : all) {
    RIDGELINE_TRY(const Value next, path.find(call.run, item));
    RIDGELINE_TRY(total, call.run.arithmetic("+", total, next));
  }
  return total;
}

// Lists of `count` items each; the last one is filled up if there is something to fill it with.
Result<Value> batch(Call& call) {
  RIDGELINE_TRY(const std::vector<Value> all, call.run.items_of(call.self));
  RIDGELINE_TRY(const std::int64_t count, call.integer(0));
  if (count < 1) return bad_input("'batch' needs a positive count");
  std::vector<Value> out;
  std::vector<Value> row;
  for (std::size_t i = 0; i < all.size(); ++i) {
    row.push_back(all[i]);
    const bool is_last = i + 1 == all.size();
    if (static_cast<std::int64_t>(row.size()) < count && !is_last) continue;
    if (is_last && !call.is_none(1)) {
      if (count > kMaxFieldWidth) return bad_input("'batch' fills too much");
      row.resize(static_cast<std::size_t>(count), call[1]);
    }
    RIDGELINE_TRY(Value made, call.run.sequence(SequenceKind::kList, std::exchange(row, {})));
    out.push_back(std::move(made));
  }
  return call.run.sequence(SequenceKind::kIterator, std::move(out));
}

constexpr NativeEntry kFilters[] = {
    {"batch", "linecount [fill_with]", batch},
    {"count", "", length},
    {"dictsort", "[case_sensitive] [by] [reverse]", dict_sort},
    {"first", "", first},
    {"items", "", items},
    {"join", "[d] [attribute]", join},
    {"last", "", last},
    {"length", "", length},
    {"list", "", list},
    {"max", "[case_sensitive] [attribute]", largest},
    {"min", "[case_sensitive] [attribute]", smallest},
    {"reverse", "", reverse},
    {"sort", "[reverse] [case_sensitive] [attribute]", sort},
    {"sum", "[attribute] [start]", sum},
    {"unique", "[case_sensitive] [attribute]", unique},
};

}  // namespace

std::span<const NativeEntry> sequence_filters() {
  return kFilters;
}

}  // namespace ridgeline::native::jinja
