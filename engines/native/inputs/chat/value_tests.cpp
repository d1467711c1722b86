// The tests of "is": defined, none, string, mapping, iterable, equalto and so on.
#include <fmt/format.h>

#include <algorithm>

#include "engines/native/inputs/chat/interpreter.hpp"
#include "engines/native/inputs/chat/python_text.hpp"
#include "engines/native/inputs/chat/text_tools.hpp"

namespace ridgeline::native::jinja {
namespace {

Value yes_if(bool holds) {
  return Value::boolean(holds);
}

Result<Value> is_defined(Call& call) {
  return yes_if(!call.self.is_undefined());
}

Result<Value> is_undefined(Call& call) {
  return yes_if(call.self.is_undefined());
}

template <Kind kKind>
Result<Value> is_kind(Call& call) {
  return yes_if(call.self.is(kKind));
}

template <bool kValue>
Result<Value> is_constant(Call& call) {
  return yes_if(call.self.is(Kind::kBool) && call.self.as_bool() == kValue);
}

Result<Value> is_number(Call& call) {
  return yes_if(call.self.is_number());
}

Result<Value> is_iterable(Call& call) {
  const Value& self = call.self;
  return yes_if(self.is_text() || self.is(Kind::kSequence) || self.is(Kind::kDict) ||
                self.is_undefined() || self.is(Kind::kLoop));
}

// Has a length and items: what jinja2 finds in dicts and in undefined values too.
Result<Value> is_sequence(Call& call) {
  const Value& self = call.self;
  const bool is_indexed = self.is(Kind::kSequence) && !self.is(SequenceKind::kView) &&
                          !self.is(SequenceKind::kIterator);
  return yes_if(self.is_text() || is_indexed || self.is(Kind::kDict) || self.is_undefined());
}

Result<Value> is_escaped(Call& call) {
  return yes_if(call.self.is_text() && call.self.text_parts().markup);
}

Result<Value> is_same(Call& call) {
  const Value& a = call.self;
  const Value& b = call[0];
  if (a.kind() != b.kind()) return yes_if(false);
  if (a.is(Kind::kSequence)) return yes_if(&a.as_sequence() == &b.as_sequence());
  if (a.is(Kind::kDict)) return yes_if(&a.as_dict() == &b.as_dict());
  RIDGELINE_TRY(const bool same, equal(a, b, call.run.budget()));
  return yes_if(same);
}

// str.islower() and isupper(): a cased character, and none of the other case.
template <bool (*kWanted)(char32_t), bool (*kOther)(char32_t)>
Result<Value> is_case(Call& call) {
  RIDGELINE_TRY(const std::string text, call.run.string_of(call.self));
  bool has_wanted = false;
  for (const char32_t c : code_points(text)) {
    if (kOther(c) || is_title(c)) return yes_if(false);
    has_wanted = has_wanted || kWanted(c);
  }
  return yes_if(has_wanted);
}

Result<Value> is_divisible(Call& call) {
  RIDGELINE_TRY(const Value rest, call.run.arithmetic("%", call.self, call[0]));
  return yes_if(rest.is_number() && rest.as_number() == 0);
}

template <std::int64_t kRest>
Result<Value> has_rest(Call& call) {
  RIDGELINE_TRY(const Value rest, call.run.arithmetic("%", call.self, Value::integer(2)));
  return yes_if(rest.is_number() && rest.as_number() == static_cast<double>(kRest));
}

Result<Value> is_in(Call& call) {
  RIDGELINE_TRY(const bool found, call.run.contains(call[0], call.self));
  return yes_if(found);
}

Result<Value> is_equal(Call& call) {
  RIDGELINE_TRY(const bool same, equal(call.self, call[0], call.run.budget()));
  return yes_if(same);
}

Result<Value> is_unequal(Call& call) {
  RIDGELINE_TRY(const bool same, equal(call.self, call[0], call.run.budget()));
  return yes_if(!same);
}

template <bool (*kHolds)(std::partial_ordering)>
Result<Value> is_ordered(Call& call) {
  RIDGELINE_TRY(const std::partial_ordering order, compare(call.self, call[0], call.run.budget()));
  return yes_if(kHolds(order));
}

Result<Value> is_filter(Call& call) {
  return yes_if(call.self.is_text() && find_filter(call.self.as_text()) != nullptr);
}

Result<Value> is_test(Call& call) {
  return yes_if(call.self.is_text() && find_entry(value_tests(), call.self.as_text()) != nullptr);
}

constexpr NativeEntry kTests[] = {
    {"!=", "other", is_unequal},
    {"<", "other", is_ordered<std::is_lt>},
    {"<=", "other", is_ordered<std::is_lteq>},
    {"==", "other", is_equal},
    {">", "other", is_ordered<std::is_gt>},
    {">=", "other", is_ordered<std::is_gteq>},
    {"boolean", "", is_kind<Kind::kBool>},
    {"callable", "", is_kind<Kind::kFunction>},
    {"defined", "", is_defined},
    {"divisibleby", "num", is_divisible},
    {"eq", "other", is_equal},
    {"equalto", "other", is_equal},
    {"escaped", "", is_escaped},
    {"even", "", has_rest<0>},
    {"false", "", is_constant<false>},
    {"filter", "", is_filter},
    {"float", "", is_kind<Kind::kFloat>},
    {"ge", "other", is_ordered<std::is_gteq>},
    {"greaterthan", "other", is_ordered<std::is_gt>},
    {"gt", "other", is_ordered<std::is_gt>},
    {"in", "seq", is_in},
    {"integer", "", is_kind<Kind::kInt>},
    {"iterable", "", is_iterable},
    {"le", "other", is_ordered<std::is_lteq>},
    {"lessthan", "other", is_ordered<std::is_lt>},
    {"lower", "", is_case<is_lower, is_upper>},
    {"lt", "other", is_ordered<std::is_lt>},
    {"mapping", "", is_kind<Kind::kDict>},
    {"ne", "other", is_unequal},
    {"none", "", is_kind<Kind::kNone>},
    {"number", "", is_number},
    {"odd", "", has_rest<1>},
    {"sameas", "other", is_same},
    {"sequence", "", is_sequence},
    {"string", "", is_kind<Kind::kText>},
    {"test", "", is_test},
    {"true", "", is_constant<true>},
    {"undefined", "", is_undefined},
    {"upper", "", is_case<is_upper, is_lower>},
};

}  // namespace

std::span<const NativeEntry> value_tests() {
  return kTests;
}

}  // namespace ridgeline::native::jinja
