// What follows a value in an expression: attributes, subscripts, calls, filters and tests.
#include "engines/native/inputs/chat/parser.hpp"

namespace ridgeline::native::jinja {

Result<ExpressionPtr> ExpressionParser::postfix(ExpressionPtr value) {
  for (;;) {
    if (tokens_.current().is_operator(".")) {
      RIDGELINE_TRY(value, attribute(std::move(value)));
    } else if (tokens_.current().is_operator("[")) {
      RIDGELINE_TRY(value, subscript(std::move(value)));
    } else if (tokens_.current().is_operator("(")) {
      RIDGELINE_TRY(value, call(std::move(value)));
    } else {
      return value;
    }
  }
}

Result<ExpressionPtr> ExpressionParser::filters_and_tests(ExpressionPtr value) {
  for (;;) {
    if (tokens_.skip_if_operator("|")) {
      RIDGELINE_TRY(value, filter(std::move(value)));
    } else if (tokens_.current().is_name("is")) {
      RIDGELINE_TRY(value, test(std::move(value)));
    } else if (tokens_.current().is_operator("(")) {
      RIDGELINE_TRY(value, call(std::move(value)));
    } else {
      return value;
    }
  }
}

Result<ExpressionPtr> ExpressionParser::attribute(ExpressionPtr value) {
  const int line = tokens_.line();
  tokens_.skip();
  std::vector<ExpressionPtr> parts;
  parts.push_back(std::move(value));
  if (tokens_.current().is(TokenKind::kInteger)) {
    RIDGELINE_TRY(ExpressionPtr index, number());
    parts.push_back(std::move(index));
    return node(ExpressionKind::kItem, line, std::move(parts));
  }
  RIDGELINE_TRY(std::string name, tokens_.expect_name());
  return node(ExpressionKind::kAttribute, line, std::move(parts), std::move(name));
}

Result<ExpressionPtr> ExpressionParser::subscript(ExpressionPtr value) {
  const int line = tokens_.line();
  tokens_.skip();
  std::vector<ExpressionPtr> indices;
  bool has_comma = false;
  while (!tokens_.current().is_operator("]")) {
    if (tokens_.current().is_operator(":")) {
      if (has_comma) return tokens_.unexpected();
      return slice(std::move(value), nullptr, line);
    }
    RIDGELINE_TRY(ExpressionPtr index, expression());
    if (tokens_.current().is_operator(":")) {
      if (has_comma) return tokens_.unexpected();
      return slice(std::move(value), std::move(index), line);
    }
    indices.push_back(std::move(index));
    if (!tokens_.skip_if_operator(",")) break;
    has_comma = true;
  }
  RIDGELINE_CHECK(tokens_.expect_operator("]"));
  std::vector<ExpressionPtr> parts;
  parts.push_back(std::move(value));
  if (indices.size() == 1) {
    parts.push_back(std::move(indices.front()));
  } else {
    RIDGELINE_TRY(ExpressionPtr key, node(ExpressionKind::kTuple, line, std::move(indices)));
    parts.push_back(std::move(key));
  }
  return node(ExpressionKind::kItem, line, std::move(parts));
}

// The first colon is the current token.
Result<ExpressionPtr> ExpressionParser::slice(ExpressionPtr value, ExpressionPtr start, int line) {
  std::vector<ExpressionPtr> parts;
  parts.push_back(std::move(value));
  parts.push_back(std::move(start));
  for (int i = 0; i < 2; ++i) {
    ExpressionPtr bound;
    if (tokens_.skip_if_operator(":") && !tokens_.current().is_operator(":") &&
        !tokens_.current().is_operator("]")) {
      RIDGELINE_TRY(bound, expression());
    }
    parts.push_back(std::move(bound));
  }
  RIDGELINE_CHECK(tokens_.expect_operator("]"));
  return node(ExpressionKind::kSlice, line, std::move(parts));
}

Result<ExpressionPtr> ExpressionParser::call(ExpressionPtr value) {
  Expression call{ExpressionKind::kCall, tokens_.line()};
  call.parts.push_back(std::move(value));
  RIDGELINE_TRY(call.arguments, arguments());
  return finish(std::move(call));
}

Result<std::string> ExpressionParser::dotted_name() {
  RIDGELINE_TRY(std::string name, tokens_.expect_name());
  while (tokens_.skip_if_operator(".")) {
    RIDGELINE_TRY(const std::string part, tokens_.expect_name());
    name += '.';
    name += part;
  }
  return name;
}

// Behind the "|"; `value` is null for the text of a block.
Result<ExpressionPtr> ExpressionParser::filter(ExpressionPtr value) {
  Expression filter{ExpressionKind::kFilter, tokens_.line()};
  filter.parts.push_back(std::move(value));
  RIDGELINE_TRY(filter.name, dotted_name());
  if (tokens_.current().is_operator("(")) {
    RIDGELINE_TRY(filter.arguments, arguments());
  }
  return finish(std::move(filter));
}

Result<ExpressionPtr> ExpressionParser::block_filters(bool bare) {
  ExpressionPtr chain;
  while (bare || tokens_.skip_if_operator("|")) {
    bare = false;
    RIDGELINE_TRY(chain, filter(std::move(chain)));
  }
  return chain;
}

bool ExpressionParser::starts_test_argument() const {
  const Token& token = tokens_.current();
  switch (token.kind) {
    case TokenKind::kName:
      return !token.is_name("else") && !token.is_name("or") && !token.is_name("and");
    case TokenKind::kText:
    case TokenKind::kInteger:
    case TokenKind::kFloat:
      return true;
    default:
      return token.is_operator("[") || token.is_operator("{");
  }
}

Result<ExpressionPtr> ExpressionParser::test(ExpressionPtr value) {
  Expression test{ExpressionKind::kTest, tokens_.line()};
  tokens_.skip();
  const bool is_negated = tokens_.skip_if_name("not");
  test.parts.push_back(std::move(value));
  RIDGELINE_TRY(test.name, dotted_name());
  if (tokens_.current().is_operator("(")) {
    RIDGELINE_TRY(test.arguments, arguments());
  } else if (starts_test_argument()) {
    if (tokens_.current().is_name("is")) return tokens_.fail("tests cannot be chained");
    RIDGELINE_TRY(ExpressionPtr argument, primary());
    RIDGELINE_TRY(argument, postfix(std::move(argument)));
    test.arguments.push_back({Argument::Form::kPlace, {}, std::move(argument)});
  }
  const int line = test.line;
  RIDGELINE_TRY(ExpressionPtr done, finish(std::move(test)));
  if (!is_negated) return done;
  std::vector<ExpressionPtr> parts;
  parts.push_back(std::move(done));
  return node(ExpressionKind::kUnary, line, std::move(parts), "not");
}

Result<Argument> ExpressionParser::argument() {
  Argument found{Argument::Form::kPlace, {}, nullptr};
  if (tokens_.skip_if_operator("*")) {
    found.form = Argument::Form::kList;
  } else if (tokens_.skip_if_operator("**")) {
    found.form = Argument::Form::kDict;
  } else if (tokens_.current().is(TokenKind::kName) && tokens_.ahead().is_operator("=")) {
    found.form = Argument::Form::kName;
    found.name = tokens_.current().text;
    tokens_.skip();
    tokens_.skip();
  }
  RIDGELINE_TRY(found.value, expression());
  return found;
}

Result<std::vector<Argument>> ExpressionParser::arguments() {
  RIDGELINE_CHECK(tokens_.expect_operator("("));
  std::vector<Argument> found;
  while (!tokens_.current().is_operator(")")) {
    if (!found.empty()) {
      RIDGELINE_CHECK(tokens_.expect_operator(","));
      if (tokens_.current().is_operator(")")) break;
    }
    RIDGELINE_TRY(Argument next, argument());
    // Places come first, then names, one "*" and one "**" last.
    if (!found.empty() && (found.back().form > next.form || (next.form == found.back().form &&
                                                             next.form >= Argument::Form::kList))) {
      const bool name_behind_list =
          next.form == Argument::Form::kName && found.back().form == Argument::Form::kList;
      if (!name_behind_list) return tokens_.fail("the arguments of a call are in a wrong order");
    }
    found.push_back(std::move(next));
  }
  tokens_.skip();
  return found;
}

}  // namespace ridgeline::native::jinja
