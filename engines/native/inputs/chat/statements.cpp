// The interpreter's statements: blocks, conditions, loops, assignments, macros.
#include <fmt/format.h>

#include <algorithm>

#include "engines/native/inputs/chat/interpreter.hpp"

namespace ridgeline::native::jinja {
namespace {

// What a statement, a turn of a loop and a new scope cost, beside what they do.
constexpr std::size_t kStatementWork = 32;
constexpr std::size_t kScopeWork = 256;

}  // namespace

Result<std::string> Interpreter::run(const Block& block) {
  std::string out;
  out_ = &out;
  auto flow = run_block(block);
  out_ = nullptr;
  if (!flow) return std::move(flow).error();
  return out;
}

Status Interpreter::print(std::string_view text) {
  if (text.size() > kMaxOutputBytes - out_->size()) {
    return bad_input(fmt::format("the template makes more than {} bytes", kMaxOutputBytes));
  }
  *out_ += text;
  return {};
}

Result<Interpreter::Flow> Interpreter::run_block(const Block& block) {
  if (depth_ >= kMaxEvaluationDepth) return bad_input("the template nests or recurses too deeply");
  ++depth_;
  Result<Flow> flow = Flow::kOn;
  for (const auto& statement : block) {
    flow = run_statement(*statement);
    if (!flow || *flow != Flow::kOn) break;
  }
  --depth_;
  return flow;
}

Result<Interpreter::Flow> Interpreter::run_statement(const Statement& statement) {
  line_ = statement.line;
  RIDGELINE_CHECK(budget_.spend(kStatementWork));
  switch (statement.kind) {
    case StatementKind::kIf:
      return run_if(statement);
    case StatementKind::kFor:
      return run_for(statement);
    case StatementKind::kSetBlock:
    case StatementKind::kFilter:
      return run_captured(statement);
    case StatementKind::kBreak:
      return Flow::kBreak;
    case StatementKind::kContinue:
      return Flow::kContinue;
    case StatementKind::kWith: {
      const auto outer = scope_;
      Status done = run_with(statement);
      Result<Flow> flow = done ? run_block(statement.bodies[0]) : Result<Flow>(done.error());
      scope_ = outer;
      return flow;
    }
    default: {
      RIDGELINE_CHECK(run_simple(statement));
      return Flow::kOn;
    }
  }
}

// The statements that leave no loop.
Status Interpreter::run_simple(const Statement& statement) {
  switch (statement.kind) {
    case StatementKind::kText:
      RIDGELINE_CHECK(budget_.spend(statement.text.size()));
      return print(statement.text);
    case StatementKind::kPrint:
      for (const ExpressionPtr& expression : statement.expressions) {
        RIDGELINE_TRY(const Value value, evaluate(*expression));
        RIDGELINE_TRY(const std::string text, string_of(value));
        RIDGELINE_CHECK(print(text));
      }
      return {};
    case StatementKind::kSet: {
      RIDGELINE_TRY(const Value value, evaluate(*statement.expressions[0]));
      return assign(statement.target, value);
    }
    case StatementKind::kMacro:
      scope_->names[statement.signature.name] = add_macro(statement);
      return {};
    case StatementKind::kCall:
      return run_call_block(statement);
    default: {  // kScope, which is called like a macro without parameters
      const Value body = add_macro(statement);
      RIDGELINE_TRY(const Value text, call(body, {}));
      return print(text.as_text());
    }
  }
}

Result<Interpreter::Flow> Interpreter::run_if(const Statement& statement) {
  for (std::size_t i = 0; i < statement.expressions.size(); ++i) {
    RIDGELINE_TRY(const Value value, evaluate(*statement.expressions[i]));
    if (value.truth()) return run_block(statement.bodies[i]);
  }
  const bool has_else = statement.bodies.size() > statement.expressions.size();
  return has_else ? run_block(statement.bodies.back()) : Result<Flow>(Flow::kOn);
}

Result<bool> Interpreter::accepts(const Statement& loop, const std::shared_ptr<Scope>& outer,
                                  const Value& item) {
  RIDGELINE_CHECK(budget_.spend(kScopeWork));
  const auto current = std::exchange(scope_, std::make_shared<Scope>(Scope{outer}));
  Status assigned = assign(loop.target, item);
  Result<Value> value = assigned ? evaluate(*loop.expressions[1]) : Result<Value>(assigned.error());
  scope_ = current;
  if (!value) return std::move(value).error();
  return value->truth();
}

Result<Interpreter::Flow> Interpreter::run_for(const Statement& statement) {
  RIDGELINE_TRY(const Value iterable, evaluate(*statement.expressions[0]));
  RIDGELINE_TRY(std::vector<Value> items, items_of(iterable));
  RIDGELINE_CHECK(budget_.spend(kScopeWork));
  const auto outer = scope_;
  Loop::Accept accept;
  if (statement.expressions.size() > 1) {
    accept = [this, &statement, outer](const Value& item) {
      return accepts(statement, outer, item);
    };
  }
  loops_.push_back(std::make_unique<Loop>(std::move(items), std::move(accept)));
  Loop& loop = *loops_.back();
  bool finished_one = false;
  Result<Flow> flow = run_iterations(statement, loop, finished_one);
  loop.finish();
  // As in jinja2: iterations that end by break or continue do not count for the else.
  if (flow && !finished_one && statement.bodies.size() > 1) {
    scope_ = std::make_shared<Scope>(Scope{outer});
    flow = run_block(statement.bodies[1]);
  }
  scope_ = outer;
  return flow;
}

Result<Interpreter::Flow> Interpreter::run_iterations(const Statement& statement, Loop& loop,
                                                      bool& finished_one) {
  const auto outer = scope_;
  for (;;) {
    RIDGELINE_TRY(const bool has_item, loop.advance());
    if (!has_item) return Flow::kOn;
    RIDGELINE_CHECK(budget_.spend(kScopeWork));
    scope_ = std::make_shared<Scope>(Scope{outer});
    scope_->names["loop"] = Value::loop(&loop);
    RIDGELINE_CHECK(assign(statement.target, loop.current()));
    RIDGELINE_TRY(const Flow flow, run_block(statement.bodies[0]));
    scope_ = outer;
    if (flow == Flow::kBreak) return Flow::kOn;
    finished_one = finished_one || flow == Flow::kOn;
  }
}

// {% set %} and {% filter %} with a body.
Result<Interpreter::Flow> Interpreter::run_captured(const Statement& statement) {
  const auto outer = scope_;
  std::string text;
  std::string* const out = std::exchange(out_, &text);
  scope_ = std::make_shared<Scope>(Scope{outer});
  auto flow = run_block(statement.bodies[0]);
  scope_ = outer;
  out_ = out;
  if (!flow || *flow != Flow::kOn) return flow;
  RIDGELINE_TRY(Value value, this->text(std::move(text)));
  if (statement.expressions[0]) {
    const Value* const before = std::exchange(block_text_, &value);
    auto filtered = evaluate(*statement.expressions[0]);
    block_text_ = before;
    if (!filtered) return std::move(filtered).error();
    value = std::move(*filtered);
  }
  if (statement.kind == StatementKind::kSetBlock) {
    RIDGELINE_CHECK(assign(statement.target, value));
  } else {
    RIDGELINE_TRY(const std::string printed, string_of(value));
    RIDGELINE_CHECK(print(printed));
  }
  return Flow::kOn;
}

// Leaves the new scope in place.
Status Interpreter::run_with(const Statement& statement) {
  auto inner = std::make_shared<Scope>(Scope{scope_});
  std::vector<Value> values;
  for (const ExpressionPtr& expression : statement.expressions) {
    RIDGELINE_TRY(Value value, evaluate(*expression));
    values.push_back(std::move(value));
  }
  scope_ = std::move(inner);
  for (std::size_t i = 0; i < values.size(); ++i) {
    RIDGELINE_CHECK(assign(statement.target.several[i], values[i]));
  }
  return {};
}

Status Interpreter::run_call_block(const Statement& statement) {
  const Expression& expression = *statement.expressions[0];
  RIDGELINE_TRY(const Value callee, evaluate(*expression.parts[0]));
  RIDGELINE_TRY(Arguments arguments, evaluate_arguments(expression.arguments));
  arguments.named.emplace_back("caller", add_macro(statement));
  RIDGELINE_TRY(const Value result, call(callee, arguments));
  RIDGELINE_TRY(const std::string text, string_of(result));
  return print(text);
}

Status Interpreter::assign(const Target& target, const Value& value) {
  switch (target.form) {
    case Target::Form::kName:
      scope_->names[target.name] = value;
      return {};
    case Target::Form::kAttribute: {
      RIDGELINE_TRY(const Value owner, evaluate_name(target.name));
      if (!owner.is(Kind::kNamespace)) {
        return bad_input(
            fmt::format("only namespaces have attributes to set; '{}' is none", target.name));
      }
      if (target.attribute.starts_with('_')) {
        return bad_input("attributes of a namespace cannot start with '_'");
      }
      owner.as_namespace().attributes.set_text(target.attribute, value);
      return {};
    }
    default:
      break;
  }
  RIDGELINE_TRY(const std::vector<Value> items, items_of(value));
  if (items.size() != target.several.size()) {
    return bad_input(fmt::format("{} values cannot be assigned to {} names", items.size(),
                                 target.several.size()));
  }
  for (std::size_t i = 0; i < items.size(); ++i) {
    RIDGELINE_CHECK(assign(target.several[i], items[i]));
  }
  return {};
}

}  // namespace ridgeline::native::jinja
