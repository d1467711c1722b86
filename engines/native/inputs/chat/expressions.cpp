// The interpreter's expressions.
#include <fmt/format.h>

#include <algorithm>

#include "engines/native/inputs/chat/interpreter.hpp"

namespace ridgeline::native::jinja {
namespace {

constexpr std::size_t kExpressionWork = 32;

}  // namespace

Result<Value> Interpreter::evaluate(const Expression& expression) {
  if (depth_ >= kMaxEvaluationDepth) return bad_input("the template nests or recurses too deeply");
  RIDGELINE_CHECK(budget_.spend(kExpressionWork));
  line_ = expression.line;
  ++depth_;
  auto value = evaluate_kind(expression);
  --depth_;
  return value;
}

Result<Value> Interpreter::evaluate_kind(const Expression& expression) {
  switch (expression.kind) {
    case ExpressionKind::kConstant:
      return expression.constant;
    case ExpressionKind::kName:
      return evaluate_name(expression.name);
    case ExpressionKind::kList:
    case ExpressionKind::kTuple:
      return evaluate_sequence(expression);
    case ExpressionKind::kDict:
      return evaluate_dict(expression);
    case ExpressionKind::kSlice:
      return evaluate_slice(expression);
    case ExpressionKind::kFilter:
    case ExpressionKind::kTest:
      return evaluate_filter(expression);
    case ExpressionKind::kUnary:
      return evaluate_unary(expression);
    case ExpressionKind::kCompare:
      return evaluate_comparison(expression);
    case ExpressionKind::kConcat:
      return evaluate_concat(expression);
    case ExpressionKind::kConditional:
      return evaluate_conditional(expression);
    default:
      break;
  }
  RIDGELINE_TRY(const Value first, evaluate(*expression.parts[0]));
  switch (expression.kind) {
    case ExpressionKind::kAttribute:
      return attribute(first, expression.name);
    case ExpressionKind::kCall: {
      RIDGELINE_TRY(const Arguments arguments, evaluate_arguments(expression.arguments));
      return call(first, arguments);
    }
    case ExpressionKind::kAnd:
      return first.truth() ? evaluate(*expression.parts[1]) : first;
    case ExpressionKind::kOr:
      return first.truth() ? first : evaluate(*expression.parts[1]);
    default: {
      RIDGELINE_TRY(const Value second, evaluate(*expression.parts[1]));
      if (expression.kind == ExpressionKind::kItem) return item(first, second);
      return arithmetic(expression.name, first, second);
    }
  }
}

Result<Value> Interpreter::evaluate_name(const std::string& name) {
  for (const Scope* scope = scope_.get(); scope != nullptr; scope = scope->parent.get()) {
    const auto found = scope->names.find(name);
    if (found != scope->names.end()) return found->second;
  }
  if (const Value* given = variables_.find_text(name)) return *given;
  if (const NativeEntry* entry = find_entry(global_functions(), name)) {
    return Value::function(Function{entry});
  }
  return Value::undefined(fmt::format("'{}' is undefined", name));
}

Result<Value> Interpreter::evaluate_sequence(const Expression& expression) {
  std::vector<Value> items;
  items.reserve(expression.parts.size());
  for (const ExpressionPtr& part : expression.parts) {
    RIDGELINE_TRY(Value item, evaluate(*part));
    items.push_back(std::move(item));
  }
  const bool is_list = expression.kind == ExpressionKind::kList;
  return sequence(is_list ? SequenceKind::kList : SequenceKind::kTuple, std::move(items));
}

Result<Value> Interpreter::evaluate_dict(const Expression& expression) {
  Dict made;
  for (std::size_t i = 0; i < expression.parts.size(); i += 2) {
    RIDGELINE_TRY(Value key, evaluate(*expression.parts[i]));
    RIDGELINE_TRY(Value value, evaluate(*expression.parts[i + 1]));
    RIDGELINE_TRY(const std::string hash, hash_of(key, budget_));
    made.set(hash, std::move(key), std::move(value));
  }
  return dict(std::move(made));
}

Result<Value> Interpreter::evaluate_slice(const Expression& expression) {
  Value values[4];
  for (std::size_t i = 0; i < 4; ++i) {
    if (!expression.parts[i]) continue;
    RIDGELINE_TRY(values[i], evaluate(*expression.parts[i]));
  }
  return slice(values[0], values[1], values[2], values[3]);
}

Result<Arguments> Interpreter::evaluate_arguments(const std::vector<Argument>& arguments) {
  Arguments out;
  for (const Argument& argument : arguments) {
    RIDGELINE_TRY(Value value, evaluate(*argument.value));
    switch (argument.form) {
      case Argument::Form::kPlace:
        out.positional.push_back(std::move(value));
        break;
      case Argument::Form::kName:
        out.named.emplace_back(argument.name, std::move(value));
        break;
      case Argument::Form::kList: {
        RIDGELINE_TRY(const std::vector<Value> items, items_of(value));
        out.positional.insert(out.positional.end(), items.begin(), items.end());
        break;
      }
      case Argument::Form::kDict: {
        if (!value.is(Kind::kDict)) return bad_input("only a dict can follow '**'");
        for (const auto& [key, item] : value.as_dict().entries()) {
          if (!key.is_text()) return bad_input("names of arguments must be texts");
          RIDGELINE_CHECK(budget_.spend(key.as_text().size() + 2 * sizeof(Value)));
          out.named.emplace_back(key.as_text(), item);
        }
        break;
      }
    }
  }
  return out;
}

Result<Value> Interpreter::evaluate_filter(const Expression& expression) {
  Value input;
  if (expression.parts[0]) {
    RIDGELINE_TRY(input, evaluate(*expression.parts[0]));
  } else {
    input = *block_text_;
  }
  RIDGELINE_TRY(const Arguments arguments, evaluate_arguments(expression.arguments));
  if (expression.kind == ExpressionKind::kFilter) {
    return filter(expression.name, input, arguments);
  }
  RIDGELINE_TRY(const bool holds, test(expression.name, input, arguments));
  return Value::boolean(holds);
}

Result<Value> Interpreter::evaluate_unary(const Expression& expression) {
  RIDGELINE_TRY(const Value value, evaluate(*expression.parts[0]));
  if (expression.name == "not") return Value::boolean(!value.truth());
  RIDGELINE_CHECK(require_defined(value));
  if (!value.is_number()) {
    return bad_input(fmt::format("a value of type {} has no sign", value.type_name()));
  }
  if (value.is(Kind::kFloat)) {
    return Value::number(expression.name == "-" ? -value.as_number() : value.as_number());
  }
  if (expression.name == "+") return Value::integer(value.as_int());
  return arithmetic("-", Value::integer(0), value);
}

Result<Value> Interpreter::evaluate_comparison(const Expression& expression) {
  RIDGELINE_TRY(Value left, evaluate(*expression.parts[0]));
  for (std::size_t i = 0; i < expression.operators.size(); ++i) {
    RIDGELINE_TRY(Value right, evaluate(*expression.parts[i + 1]));
    RIDGELINE_TRY(const bool holds, compare_once(expression.operators[i], left, right));
    if (!holds) return Value::boolean(false);
    left = std::move(right);
  }
  return Value::boolean(true);
}

Result<bool> Interpreter::compare_once(std::string_view op, const Value& left, const Value& right) {
  if (op == "in" || op == "not in") {
    RIDGELINE_TRY(const bool found, contains(right, left));
    return found == (op == "in");
  }
  if (op == "==" || op == "!=") {
    RIDGELINE_TRY(const bool same, equal(left, right, budget_));
    return same == (op == "==");
  }
  RIDGELINE_TRY(const std::partial_ordering order, compare(left, right, budget_));
  if (op == "<") return order < 0;
  if (op == "<=") return order <= 0;
  if (op == ">") return order > 0;
  return order >= 0;
}

Result<Value> Interpreter::evaluate_concat(const Expression& expression) {
  std::string joined;
  for (const ExpressionPtr& part : expression.parts) {
    RIDGELINE_TRY(const Value value, evaluate(*part));
    RIDGELINE_TRY(const std::string text, string_of(value));
    joined += text;
  }
  return text(std::move(joined));
}

Result<Value> Interpreter::evaluate_conditional(const Expression& expression) {
  RIDGELINE_TRY(const Value condition, evaluate(*expression.parts[0]));
  if (condition.truth()) return evaluate(*expression.parts[1]);
  if (expression.parts[2]) return evaluate(*expression.parts[2]);
  return Value::undefined(
      "the inline if-expression evaluated to false and no else section was defined");
}

}  // namespace ridgeline::native::jinja
