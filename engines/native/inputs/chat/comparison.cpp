// Equality, order and hashing of values, as Python has them.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engines/native/inputs/chat/value.hpp"

namespace ridgeline::native::jinja {
namespace {

// Each value looked at costs this much, however small it is.
constexpr std::size_t kLook = 16;

std::size_t text_cost(const Value& a, const Value& b) {
  return kLook + std::min(a.as_text().size(), b.as_text().size()) / 4;
}

Result<bool> equal_sequences(const Sequence& a, const Sequence& b, Budget& budget) {
  if (a.kind != b.kind || a.kind == SequenceKind::kIterator || a.items.size() != b.items.size()) {
    return &a == &b;
  }
  for (std::size_t i = 0; i < a.items.size(); ++i) {
    RIDGELINE_TRY(const bool same, equal(a.items[i], b.items[i], budget));
    if (!same) return false;
  }
  return true;
}

Result<bool> equal_dicts(const Dict& a, const Dict& b, Budget& budget) {
  if (a.entries().size() != b.entries().size()) return false;
  for (const auto& [key, value] : a.entries()) {
    RIDGELINE_TRY(const std::string hash, hash_of(key, budget));
    const Value* other = b.find(hash);
    if (other == nullptr) return false;
    RIDGELINE_TRY(const bool same, equal(value, *other, budget));
    if (!same) return false;
  }
  return true;
}

}  // namespace

Result<bool> equal(const Value& a, const Value& b, Budget& budget) {
  RIDGELINE_CHECK(budget.spend(kLook));
  if (a.is_number() && b.is_number()) {
    if (a.is_integral() && b.is_integral()) return a.as_int() == b.as_int();
    return a.as_number() == b.as_number();
  }
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Kind::kText:
      if (a.as_text().size() != b.as_text().size()) return false;
      RIDGELINE_CHECK(budget.spend(text_cost(a, b)));
      return a.as_text() == b.as_text();
    case Kind::kSequence:
      return equal_sequences(a.as_sequence(), b.as_sequence(), budget);
    case Kind::kDict:
      return equal_dicts(a.as_dict(), b.as_dict(), budget);
    case Kind::kNamespace:
      return &a.as_namespace() == &b.as_namespace();
    case Kind::kFunction:
      return &a.as_function() == &b.as_function();
    case Kind::kLoop:
      return &a.as_loop() == &b.as_loop();
    default:  // None and undefined
      return true;
  }
}

Result<std::partial_ordering> compare(const Value& a, const Value& b, Budget& budget) {
  RIDGELINE_CHECK(require_defined(a));
  RIDGELINE_CHECK(require_defined(b));
  RIDGELINE_CHECK(budget.spend(kLook));
  if (a.is_integral() && b.is_integral()) {
    return std::partial_ordering(a.as_int() <=> b.as_int());
  }
  if (a.is_number() && b.is_number()) return a.as_number() <=> b.as_number();
  if (a.is_text() && b.is_text()) {
    RIDGELINE_CHECK(budget.spend(text_cost(a, b)));
    // UTF-8 sorts as its code points do.
    return std::partial_ordering(a.as_text().compare(b.as_text()) <=> 0);
  }
  const bool lists = a.is(SequenceKind::kList) && b.is(SequenceKind::kList);
  const bool tuples = a.is(SequenceKind::kTuple) && b.is(SequenceKind::kTuple);
  if (!lists && !tuples) {
    return bad_input(fmt::format("'{}' and '{}' have no order", a.type_name(), b.type_name()));
  }
  const std::vector<Value>& left = a.as_sequence().items;
  const std::vector<Value>& right = b.as_sequence().items;
  for (std::size_t i = 0; i < std::min(left.size(), right.size()); ++i) {
    RIDGELINE_TRY(const bool same, equal(left[i], right[i], budget));
    if (!same) return compare(left[i], right[i], budget);
  }
  return std::partial_ordering(left.size() <=> right.size());
}

Result<std::string> hash_of(const Value& key, Budget& budget) {
  RIDGELINE_CHECK(budget.spend(kLook));
  std::string hash;
  switch (key.kind()) {
    case Kind::kUndefined:
      return std::string("u");
    case Kind::kNone:
      return std::string("0");
    case Kind::kBool:
    case Kind::kInt:
      return fmt::format("i{}", key.as_int());
    case Kind::kFloat: {
      const double number = key.as_number();
      // 1.0 is the same key as 1.
      const bool whole = std::abs(number) < 9e18 && std::trunc(number) == number;
      return whole ? fmt::format("i{}", static_cast<std::int64_t>(number))
                   : fmt::format("f{}", number);
    }
    case Kind::kText:
      RIDGELINE_CHECK(budget.spend(key.as_text().size()));
      hash = "s";
      hash += key.as_text();
      return hash;
    case Kind::kSequence:
      if (!key.is(SequenceKind::kTuple)) break;
      hash = "t";
      for (const Value& item : key.as_sequence().items) {
        RIDGELINE_TRY(const std::string part, hash_of(item, budget));
        RIDGELINE_CHECK(budget.spend(part.size()));
        hash += fmt::format("{}:", part.size());
        hash += part;
      }
      return hash;
    case Kind::kNamespace:
      return fmt::format("p{}", fmt::ptr(&key.as_namespace()));
    case Kind::kFunction:
      return fmt::format("p{}", fmt::ptr(&key.as_function()));
    case Kind::kLoop:
      return fmt::format("p{}", fmt::ptr(&key.as_loop()));
    default:
      break;
  }
  return bad_input(fmt::format("a value of type '{}' cannot be a key", key.type_name()));
}

}  // namespace ridgeline::native::jinja
