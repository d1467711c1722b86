// + - * / // % ** as Python has them, on 64-bit integers.
#include <fmt/format.h>

#include <cmath>

#include "engines/native/inputs/chat/interpreter.hpp"
#include "engines/native/inputs/chat/text_format.hpp"

namespace ridgeline::native::jinja {
namespace {

Error beyond_integers() {
  return unsupported("integers beyond 64 bits are not supported");
}

Error by_zero() {
  return bad_input("division by zero");
}

Error wrong_types(std::string_view op, const Value& left, const Value& right) {
  return bad_input(
      fmt::format("'{}' does not work on '{}' and '{}'", op, left.type_name(), right.type_name()));
}

Result<Value> integer_power(std::int64_t base, std::int64_t exponent) {
  if (exponent < 0) {
    if (base == 0) return by_zero();
    return Value::number(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
  }
  std::int64_t result = 1;
  while (exponent > 0) {
    if (exponent % 2 == 1 && __builtin_mul_overflow(result, base, &result)) {
      return beyond_integers();
    }
    exponent /= 2;
    if (exponent > 0 && __builtin_mul_overflow(base, base, &base)) return beyond_integers();
  }
  return Value::integer(result);
}

Result<Value> on_integers(std::string_view op, std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  bool overflows = false;
  if (op == "+") {
    overflows = __builtin_add_overflow(a, b, &result);
  } else if (op == "-") {
    overflows = __builtin_sub_overflow(a, b, &result);
  } else if (op == "*") {
    overflows = __builtin_mul_overflow(a, b, &result);
  } else if (op == "**") {
    return integer_power(a, b);
  } else if (b == 0) {
    return by_zero();
  } else if (op == "/") {
    return Value::number(static_cast<double>(a) / static_cast<double>(b));
  } else if (b == -1) {
    // The one division that overflows is by -1.
    if (op == "//") overflows = __builtin_sub_overflow(std::int64_t{0}, a, &result);
  } else {
    // Python rounds down, C++ towards 0.
    const std::int64_t rest = a % b;
    const bool is_off = rest != 0 && (rest < 0) != (b < 0);
    result = op == "//" ? a / b - (is_off ? 1 : 0) : rest + (is_off ? b : 0);
  }
  if (overflows) return beyond_integers();
  return Value::integer(result);
}

Result<Value> on_numbers(std::string_view op, double a, double b) {
  if (op == "+") return Value::number(a + b);
  if (op == "-") return Value::number(a - b);
  if (op == "*") return Value::number(a * b);
  if (op == "**") {
    if (a == 0 && b < 0) return by_zero();
    if (a < 0 && std::trunc(b) != b) return bad_input("complex numbers are not supported");
    return Value::number(std::pow(a, b));
  }
  if (b == 0) return by_zero();
  if (op == "/") return Value::number(a / b);
  double rest = std::fmod(a, b);
  if (rest != 0 && (rest < 0) != (b < 0)) rest += b;
  if (op == "//") return Value::number(std::round((a - rest) / b));
  return Value::number(rest == 0 ? std::copysign(0.0, b) : rest);
}

}  // namespace

Result<Value> Interpreter::add(const Value& left, const Value& right) {
  if (left.is_text() && right.is_text()) {
    const bool markup = left.text_parts().markup || right.text_parts().markup;
    const auto part = [&](const Value& side) {
      // Plain text that joins escaped text is escaped.
      return markup && !side.text_parts().markup ? escaped(side.as_text()) : side.as_text();
    };
    std::string joined = part(left);
    joined += part(right);
    return text(std::move(joined), markup);
  }
  for (const SequenceKind kind : {SequenceKind::kList, SequenceKind::kTuple}) {
    if (!left.is(kind) || !right.is(kind)) continue;
    std::vector<Value> items = left.as_sequence().items;
    const std::vector<Value>& more = right.as_sequence().items;
    items.insert(items.end(), more.begin(), more.end());
    return sequence(kind, std::move(items));
  }
  return wrong_types("+", left, right);
}

Result<Value> Interpreter::repeat(const Value& value, std::int64_t times) {
  const auto count = static_cast<std::size_t>(std::max<std::int64_t>(times, 0));
  const std::size_t size =
      value.is_text() ? value.as_text().size() : value.as_sequence().items.size() * sizeof(Value);
  // Before anything is made: the product may be beyond all memory.
  if (size > 0 && count > kMaxWork / size) return budget_.spend(kMaxWork + 1).error();
  if (value.is_text()) {
    std::string repeated;
    repeated.reserve(size * count);
    for (std::size_t i = 0; size > 0 && i < count; ++i) repeated += value.as_text();
    return text(std::move(repeated), value.text_parts().markup);
  }
  const std::vector<Value>& items = value.as_sequence().items;
  std::vector<Value> repeated;
  repeated.reserve(items.size() * count);
  for (std::size_t i = 0; size > 0 && i < count; ++i) {
    repeated.insert(repeated.end(), items.begin(), items.end());
  }
  return sequence(value.as_sequence().kind, std::move(repeated));
}

Result<Value> Interpreter::arithmetic(std::string_view op, const Value& left, const Value& right) {
  const bool is_format = op == "%" && left.is_text();
  RIDGELINE_CHECK(require_defined(left));
  if (!is_format) RIDGELINE_CHECK(require_defined(right));
  if (left.is_integral() && right.is_integral()) {
    return on_integers(op, left.as_int(), right.as_int());
  }
  if (left.is_number() && right.is_number()) {
    return on_numbers(op, left.as_number(), right.as_number());
  }
  if (op == "+") return add(left, right);
  const auto repeats = [](const Value& value) {
    return value.is_text() || value.is(SequenceKind::kList) || value.is(SequenceKind::kTuple);
  };
  if (op == "*" && repeats(left) && right.is_integral()) return repeat(left, right.as_int());
  if (op == "*" && repeats(right) && left.is_integral()) return repeat(right, left.as_int());
  if (is_format) {
    RIDGELINE_TRY(std::string formatted, percent_format(left.as_text(), right, budget_));
    return text(std::move(formatted), left.text_parts().markup);
  }
  return wrong_types(op, left, right);
}

}  // namespace ridgeline::native::jinja
