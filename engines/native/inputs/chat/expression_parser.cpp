// Expressions of templates: precedence, literals, calls, filters and tests.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <optional>

#include "engines/native/inputs/chat/parser.hpp"

namespace ridgeline::native::jinja {
namespace {

std::vector<ExpressionPtr> parts_of(ExpressionPtr first, ExpressionPtr second = nullptr) {
  std::vector<ExpressionPtr> parts;
  parts.push_back(std::move(first));
  if (second) parts.push_back(std::move(second));
  return parts;
}

// Nothing beyond 64 bits.
std::optional<std::int64_t> integer_of(const std::string& digits) {
  constexpr std::pair<std::string_view, int> kBases[] = {{"0b", 2}, {"0o", 8}, {"0x", 16}};
  int base = 10;
  std::string_view rest = digits;
  for (const auto& [prefix, value] : kBases) {
    if (digits.size() > 2 && digits[0] == '0' && (digits[1] | 0x20) == prefix[1]) {
      base = value;
      rest = std::string_view(digits).substr(2);
    }
  }
  std::int64_t value = 0;
  const auto done = std::from_chars(rest.data(), rest.data() + rest.size(), value, base);
  return done.ec == std::errc() ? std::optional(value) : std::nullopt;
}

}  // namespace

Result<ExpressionPtr> ExpressionParser::finish(Expression expression) {
  for (const ExpressionPtr& part : expression.parts) {
    if (part) expression.depth = std::max(expression.depth, part->depth + 1);
  }
  for (const Argument& given : expression.arguments) {
    expression.depth = std::max(expression.depth, given.value->depth + 1);
  }
  if (expression.depth > kMaxNesting) {
    return at_line(expression.line, "an expression nests too deeply");
  }
  return std::make_unique<const Expression>(std::move(expression));
}

Result<ExpressionPtr> ExpressionParser::node(ExpressionKind kind, int line,
                                             std::vector<ExpressionPtr> parts, std::string name) {
  Expression expression{kind, line};
  expression.parts = std::move(parts);
  expression.name = std::move(name);
  return finish(std::move(expression));
}

Result<ExpressionPtr> ExpressionParser::expression(bool with_conditional) {
  // Every recursion of the grammar comes through here, negation() or unary().
  if (nesting_ >= kMaxNesting) return tokens_.fail("an expression nests too deeply");
  ++nesting_;
  auto found = with_conditional ? conditional() : any_of();
  --nesting_;
  return found;
}

Result<ExpressionPtr> ExpressionParser::conditional() {
  const int line = tokens_.line();
  RIDGELINE_TRY(ExpressionPtr value, any_of());
  while (tokens_.skip_if_name("if")) {
    RIDGELINE_TRY(ExpressionPtr test, any_of());
    ExpressionPtr otherwise;
    if (tokens_.skip_if_name("else")) {
      RIDGELINE_TRY(otherwise, expression());
    }
    auto parts = parts_of(std::move(test), std::move(value));
    parts.push_back(std::move(otherwise));
    RIDGELINE_TRY(value, node(ExpressionKind::kConditional, line, std::move(parts)));
  }
  return value;
}

Result<ExpressionPtr> ExpressionParser::any_of() {
  const int line = tokens_.line();
  RIDGELINE_TRY(ExpressionPtr left, all_of());
  while (tokens_.skip_if_name("or")) {
    RIDGELINE_TRY(ExpressionPtr right, all_of());
    auto parts = parts_of(std::move(left), std::move(right));
    RIDGELINE_TRY(left, node(ExpressionKind::kOr, line, std::move(parts)));
  }
  return left;
}

Result<ExpressionPtr> ExpressionParser::all_of() {
  const int line = tokens_.line();
  RIDGELINE_TRY(ExpressionPtr left, negation());
  while (tokens_.skip_if_name("and")) {
    RIDGELINE_TRY(ExpressionPtr right, negation());
    auto parts = parts_of(std::move(left), std::move(right));
    RIDGELINE_TRY(left, node(ExpressionKind::kAnd, line, std::move(parts)));
  }
  return left;
}

Result<ExpressionPtr> ExpressionParser::negation() {
  const int line = tokens_.line();
  int count = 0;
  while (tokens_.skip_if_name("not")) ++count;
  RIDGELINE_TRY(ExpressionPtr value, comparison());
  for (; count > 0; --count) {
    RIDGELINE_TRY(value, node(ExpressionKind::kUnary, line, parts_of(std::move(value)), "not"));
  }
  return value;
}

Result<ExpressionPtr> ExpressionParser::comparison() {
  constexpr std::string_view kComparisons[] = {"==", "!=", "<", "<=", ">", ">="};
  Expression chain{ExpressionKind::kCompare, tokens_.line()};
  RIDGELINE_TRY(ExpressionPtr first, sum());
  chain.parts.push_back(std::move(first));
  for (;;) {
    const Token& token = tokens_.current();
    if (token.is(TokenKind::kOperator) &&
        std::find(std::begin(kComparisons), std::end(kComparisons), token.text) !=
            std::end(kComparisons)) {
      chain.operators.push_back(token.text);
      tokens_.skip();
    } else if (token.is_name("in")) {
      chain.operators.emplace_back("in");
      tokens_.skip();
    } else if (token.is_name("not") && tokens_.ahead().is_name("in")) {
      chain.operators.emplace_back("not in");
      tokens_.skip();
      tokens_.skip();
    } else {
      break;
    }
    RIDGELINE_TRY(ExpressionPtr operand, sum());
    chain.parts.push_back(std::move(operand));
  }
  if (chain.operators.empty()) return std::move(chain.parts.front());
  return finish(std::move(chain));
}

Result<ExpressionPtr> ExpressionParser::left_to_right(
    Level operand, std::initializer_list<const char*> operators) {
  const int line = tokens_.line();
  RIDGELINE_TRY(ExpressionPtr left, (this->*operand)());
  for (;;) {
    const Token& token = tokens_.current();
    const bool is_one =
        token.is(TokenKind::kOperator) &&
        std::find(operators.begin(), operators.end(), token.text) != operators.end();
    if (!is_one) return left;
    std::string op = token.text;
    tokens_.skip();
    RIDGELINE_TRY(ExpressionPtr right, (this->*operand)());
    auto parts = parts_of(std::move(left), std::move(right));
    RIDGELINE_TRY(left, node(ExpressionKind::kArithmetic, line, std::move(parts), std::move(op)));
  }
}

Result<ExpressionPtr> ExpressionParser::sum() {
  return left_to_right(&ExpressionParser::concatenation, {"+", "-"});
}

Result<ExpressionPtr> ExpressionParser::concatenation() {
  const int line = tokens_.line();
  RIDGELINE_TRY(ExpressionPtr first, product());
  std::vector<ExpressionPtr> parts = parts_of(std::move(first));
  while (tokens_.skip_if_operator("~")) {
    RIDGELINE_TRY(ExpressionPtr part, product());
    parts.push_back(std::move(part));
  }
  if (parts.size() == 1) return std::move(parts.front());
  return node(ExpressionKind::kConcat, line, std::move(parts));
}

Result<ExpressionPtr> ExpressionParser::product() {
  return left_to_right(&ExpressionParser::power, {"*", "/", "//", "%"});
}

Result<ExpressionPtr> ExpressionParser::power() {
  // Left to right, unlike in Python.
  const int line = tokens_.line();
  RIDGELINE_TRY(ExpressionPtr left, unary(true));
  while (tokens_.skip_if_operator("**")) {
    RIDGELINE_TRY(ExpressionPtr right, unary(true));
    auto parts = parts_of(std::move(left), std::move(right));
    RIDGELINE_TRY(left, node(ExpressionKind::kArithmetic, line, std::move(parts), "**"));
  }
  return left;
}

Result<ExpressionPtr> ExpressionParser::unary(bool with_filters) {
  const int line = tokens_.line();
  ExpressionPtr value;
  if (tokens_.current().is_operator("-") || tokens_.current().is_operator("+")) {
    const std::string sign = tokens_.current().text;
    tokens_.skip();
    if (nesting_ >= kMaxNesting) return tokens_.fail("an expression nests too deeply");
    ++nesting_;
    auto operand = unary(false);
    --nesting_;
    if (!operand) return operand;
    RIDGELINE_TRY(value, node(ExpressionKind::kUnary, line, parts_of(std::move(*operand)), sign));
  } else {
    RIDGELINE_TRY(value, primary());
  }
  RIDGELINE_TRY(value, postfix(std::move(value)));
  return with_filters ? filters_and_tests(std::move(value)) : std::move(value);
}

Result<ExpressionPtr> ExpressionParser::primary() {
  const Token& token = tokens_.current();
  switch (token.kind) {
    case TokenKind::kName:
      return name();
    case TokenKind::kText: {
      Expression text{ExpressionKind::kConstant, token.line};
      std::string joined;
      for (; tokens_.current().is(TokenKind::kText); tokens_.skip()) {
        joined += tokens_.current().text;
      }
      text.constant = Value::text(std::move(joined));
      return finish(std::move(text));
    }
    case TokenKind::kInteger:
    case TokenKind::kFloat:
      return number();
    default:
      break;
  }
  if (token.is_operator("[")) return list();
  if (token.is_operator("{")) return dict();
  if (!token.is_operator("(")) return tokens_.unexpected();
  tokens_.skip();
  RIDGELINE_TRY(ExpressionPtr value, tuple(true, true));
  RIDGELINE_CHECK(tokens_.expect_operator(")"));
  return value;
}

Result<ExpressionPtr> ExpressionParser::name() {
  const Token& token = tokens_.current();
  Expression found{ExpressionKind::kConstant, token.line};
  const std::string& text = token.text;
  if (text == "true" || text == "True" || text == "false" || text == "False") {
    found.constant = Value::boolean(text == "true" || text == "True");
  } else if (text != "none" && text != "None") {
    found.kind = ExpressionKind::kName;
    found.name = text;
    if (text == "varargs") macro_names_.varargs = true;
    if (text == "kwargs") macro_names_.kwargs = true;
    if (text == "caller") macro_names_.caller = true;
  }
  tokens_.skip();
  return finish(std::move(found));
}

Result<ExpressionPtr> ExpressionParser::number() {
  const Token& token = tokens_.current();
  Expression number{ExpressionKind::kConstant, token.line};
  if (token.is(TokenKind::kFloat)) {
    // Values out of range become 0 or infinity, as in Python.
    number.constant = Value::number(std::strtod(token.text.c_str(), nullptr));
  } else {
    const std::optional<std::int64_t> value = integer_of(token.text);
    if (!value) return tokens_.fail("integers beyond 64 bits are not supported");
    number.constant = Value::integer(*value);
  }
  tokens_.skip();
  return finish(std::move(number));
}

Result<ExpressionPtr> ExpressionParser::list() {
  Expression list{ExpressionKind::kList, tokens_.line()};
  tokens_.skip();
  while (!tokens_.current().is_operator("]")) {
    if (!list.parts.empty()) {
      RIDGELINE_CHECK(tokens_.expect_operator(","));
      if (tokens_.current().is_operator("]")) break;
    }
    RIDGELINE_TRY(ExpressionPtr item, expression());
    list.parts.push_back(std::move(item));
  }
  tokens_.skip();
  return finish(std::move(list));
}

Result<ExpressionPtr> ExpressionParser::dict() {
  Expression dict{ExpressionKind::kDict, tokens_.line()};
  tokens_.skip();
  while (!tokens_.current().is_operator("}")) {
    if (!dict.parts.empty()) {
      RIDGELINE_CHECK(tokens_.expect_operator(","));
      if (tokens_.current().is_operator("}")) break;
    }
    RIDGELINE_TRY(ExpressionPtr key, expression());
    RIDGELINE_CHECK(tokens_.expect_operator(":"));
    RIDGELINE_TRY(ExpressionPtr value, expression());
    dict.parts.push_back(std::move(key));
    dict.parts.push_back(std::move(value));
  }
  tokens_.skip();
  return finish(std::move(dict));
}

bool ExpressionParser::ends_tuple() const {
  const Token& token = tokens_.current();
  return token.is(TokenKind::kVariableEnd) || token.is(TokenKind::kBlockEnd) ||
         token.is_operator(")");
}

Result<ExpressionPtr> ExpressionParser::tuple(bool conditional, bool in_brackets) {
  Expression several{ExpressionKind::kTuple, tokens_.line()};
  bool has_comma = false;
  while (!ends_tuple()) {
    RIDGELINE_TRY(ExpressionPtr item, expression(conditional));
    several.parts.push_back(std::move(item));
    if (!tokens_.skip_if_operator(",")) break;
    has_comma = true;
  }
  if (!has_comma && !several.parts.empty()) return std::move(several.parts.front());
  if (!has_comma && !in_brackets) return tokens_.unexpected();
  return finish(std::move(several));
}

Result<Target> ExpressionParser::target(bool with_attributes, bool several) {
  Target all;
  all.form = Target::Form::kSeveral;
  bool has_comma = false;
  while (!ends_tuple() && !tokens_.current().is_name("in")) {
    Target one;
    if (tokens_.current().is_operator("(")) {
      if (nesting_ >= kMaxNesting) return tokens_.fail("an assignment nests too deeply");
      tokens_.skip();
      ++nesting_;
      auto inner = target(with_attributes);
      --nesting_;
      if (!inner) return inner;
      one = std::move(*inner);
      RIDGELINE_CHECK(tokens_.expect_operator(")"));
    } else {
      RIDGELINE_TRY(one.name, tokens_.expect_name());
      for (const char* word : {"true", "True", "false", "False", "none", "None"}) {
        if (one.name == word) return tokens_.fail(fmt::format("cannot assign to '{}'", word));
      }
      if (with_attributes && tokens_.skip_if_operator(".")) {
        one.form = Target::Form::kAttribute;
        RIDGELINE_TRY(one.attribute, tokens_.expect_name());
      }
    }
    all.several.push_back(std::move(one));
    if (!several || !tokens_.skip_if_operator(",")) break;
    has_comma = true;
  }
  if (all.several.empty()) return tokens_.unexpected();
  if (has_comma) return all;
  Target only = std::move(all.several.front());
  return only;
}

}  // namespace ridgeline::native::jinja
