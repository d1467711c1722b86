// Statements of templates: {% if %}, {% for %}, {% set %}, {% macro %} and their like.
#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>

#include "engines/native/inputs/chat/parser.hpp"
#include "engines/native/inputs/text/unicode.hpp"

namespace ridgeline::native::jinja {

bool TokenReader::skip_if_name(std::string_view name) {
  const bool is_it = current().is_name(name);
  if (is_it) skip();
  return is_it;
}

bool TokenReader::skip_if_operator(std::string_view op) {
  const bool is_it = current().is_operator(op);
  if (is_it) skip();
  return is_it;
}

Status TokenReader::expect_operator(std::string_view op) {
  if (skip_if_operator(op)) return {};
  return fail(fmt::format("expected '{}', not {}", op, current().description()));
}

Status TokenReader::expect(TokenKind kind, std::string_view what) {
  if (!current().is(kind)) {
    return fail(fmt::format("expected {}, not {}", what, current().description()));
  }
  skip();
  return {};
}

Result<std::string> TokenReader::expect_name() {
  if (!current().is(TokenKind::kName)) {
    return fail(fmt::format("expected a name, not {}", current().description()));
  }
  std::string name = current().text;
  skip();
  return name;
}

namespace {

using Names = std::initializer_list<std::string_view>;

class StatementParser {
 public:
  explicit StatementParser(std::vector<Token> tokens)
      : tokens_(std::move(tokens)), expressions_(tokens_) {}

  Result<Block> run() { return block({}); }

 private:
  using StatementPtr = std::unique_ptr<const Statement>;

  // Statements up to a tag with one of the names, whose name is then the current token.
  Result<Block> block(Names ends) {
    if (nesting_ >= kMaxNesting) return tokens_.fail("blocks nest too deeply");
    ++nesting_;
    auto found = statements(ends);
    --nesting_;
    return found;
  }

  Result<Block> statements(Names ends) {
    Block found;
    for (;;) {
      const Token& token = tokens_.current();
      Statement next{StatementKind::kText, token.line};
      if (token.is(TokenKind::kEnd)) {
        if (ends.size() == 0) return found;
        return tokens_.fail(
            fmt::format("the template ends before '{{% {} %}}'", *(ends.end() - 1)));
      }
      if (token.is(TokenKind::kData)) {
        next.text = token.text;
        tokens_.skip();
      } else if (token.is(TokenKind::kVariableBegin)) {
        next.kind = StatementKind::kPrint;
        tokens_.skip();
        RIDGELINE_TRY(ExpressionPtr value, expressions_.tuple());
        next.expressions.push_back(std::move(value));
        RIDGELINE_CHECK(tokens_.expect(TokenKind::kVariableEnd, "'}}'"));
      } else {
        RIDGELINE_CHECK(tokens_.expect(TokenKind::kBlockBegin, "'{%'"));
        const Token& name = tokens_.current();
        if (std::any_of(ends.begin(), ends.end(), [&](auto end) { return name.is_name(end); })) {
          return found;
        }
        RIDGELINE_CHECK(statement(next));
        RIDGELINE_CHECK(tokens_.expect(TokenKind::kBlockEnd, "'%}'"));
      }
      found.push_back(std::make_unique<const Statement>(std::move(next)));
    }
  }

  // The body of a statement, from the end of its first tag to the name in its last one, which is
  // skipped and returned.
  Result<std::string> body(Names ends, Statement& owner) {
    tokens_.skip_if_operator(":");
    RIDGELINE_CHECK(tokens_.expect(TokenKind::kBlockEnd, "'%}'"));
    RIDGELINE_TRY(Block found, block(ends));
    owner.bodies.push_back(std::move(found));
    std::string end = tokens_.current().text;
    tokens_.skip();
    return end;
  }

  Status whole_body(std::string_view end, Statement& owner) {
    auto found = body({end}, owner);
    return found ? Status() : Status(std::move(found).error());
  }

  Status add_expression(Statement& owner, bool conditional = true) {
    RIDGELINE_TRY(ExpressionPtr value, expressions_.tuple(conditional));
    owner.expressions.push_back(std::move(value));
    return {};
  }

  Status statement(Statement& out) {
    struct Row {
      std::string_view name;
      Status (StatementParser::*parse)(Statement&);
    };
    constexpr Row kRows[] = {
        {"if", &StatementParser::parse_if},
        {"for", &StatementParser::parse_for},
        {"set", &StatementParser::parse_set},
        {"macro", &StatementParser::parse_macro},
        {"call", &StatementParser::parse_call},
        {"filter", &StatementParser::parse_filter},
        {"with", &StatementParser::parse_with},
        {"print", &StatementParser::parse_print},
        {"generation", &StatementParser::parse_generation},
        {"break", &StatementParser::parse_break},
        {"continue", &StatementParser::parse_continue},
    };
    RIDGELINE_TRY(const std::string name, tokens_.expect_name());
    for (const Row& row : kRows) {
      if (row.name == name) return (this->*row.parse)(out);
    }
    for (const char* other : {"include", "extends", "import", "from", "block", "autoescape"}) {
      if (name == other) {
        Error error = at_line(out.line, fmt::format("'{{% {} %}}' is not supported", name));
        error.error_class = ErrorClass::kUnsupported;
        return error;
      }
    }
    return at_line(out.line,
                   fmt::format("the tag '{{% {} %}}' is unknown or out of place", excerpt(name)));
  }

  Status parse_if(Statement& out) {
    out.kind = StatementKind::kIf;
    for (;;) {
      RIDGELINE_CHECK(add_expression(out, false));
      RIDGELINE_TRY(const std::string end, body({"elif", "else", "endif"}, out));
      if (end == "endif") return {};
      if (end == "else") return whole_body("endif", out);
    }
  }

  Status parse_for(Statement& out) {
    out.kind = StatementKind::kFor;
    RIDGELINE_TRY(out.target, expressions_.target(false));
    if (!tokens_.skip_if_name("in")) return tokens_.fail("expected 'in' in '{% for %}'");
    RIDGELINE_CHECK(add_expression(out, false));
    if (tokens_.skip_if_name("if")) {
      RIDGELINE_TRY(ExpressionPtr test, expressions_.expression());
      out.expressions.push_back(std::move(test));
    }
    if (tokens_.current().is_name("recursive")) {
      return unsupported(fmt::format("line {}: recursive loops are not supported", out.line));
    }
    ++loops_;
    auto end = body({"endfor", "else"}, out);
    --loops_;
    if (!end) return std::move(end).error();
    return *end == "else" ? whole_body("endfor", out) : Status();
  }

  Status parse_break(Statement& out) { return leave(StatementKind::kBreak, out); }
  Status parse_continue(Statement& out) { return leave(StatementKind::kContinue, out); }

  Status leave(StatementKind kind, Statement& out) {
    if (loops_ == 0) return at_line(out.line, "'break' or 'continue' stands outside of a loop");
    out.kind = kind;
    return {};
  }

  Status parse_set(Statement& out) {
    RIDGELINE_TRY(out.target, expressions_.target(true));
    if (tokens_.skip_if_operator("=")) {
      out.kind = StatementKind::kSet;
      return add_expression(out);
    }
    out.kind = StatementKind::kSetBlock;
    RIDGELINE_TRY(ExpressionPtr filters, expressions_.block_filters(false));
    out.expressions.push_back(std::move(filters));
    return whole_body("endset", out);
  }

  Status parse_filter(Statement& out) {
    out.kind = StatementKind::kFilter;
    RIDGELINE_TRY(ExpressionPtr filters, expressions_.block_filters(true));
    out.expressions.push_back(std::move(filters));
    return whole_body("endfilter", out);
  }

  Status parse_print(Statement& out) {
    out.kind = StatementKind::kPrint;
    while (!tokens_.current().is(TokenKind::kBlockEnd)) {
      if (!out.expressions.empty()) RIDGELINE_CHECK(tokens_.expect_operator(","));
      RIDGELINE_TRY(ExpressionPtr value, expressions_.expression());
      out.expressions.push_back(std::move(value));
    }
    return {};
  }

  Status parse_with(Statement& out) {
    out.kind = StatementKind::kWith;
    while (!tokens_.current().is(TokenKind::kBlockEnd)) {
      if (!out.expressions.empty()) RIDGELINE_CHECK(tokens_.expect_operator(","));
      RIDGELINE_TRY(Target target, expressions_.target(false, false));
      RIDGELINE_CHECK(tokens_.expect_operator("="));
      RIDGELINE_TRY(ExpressionPtr value, expressions_.expression());
      out.target.several.push_back(std::move(target));
      out.expressions.push_back(std::move(value));
    }
    return whole_body("endwith", out);
  }

  Status parse_signature(Signature& out) {
    RIDGELINE_CHECK(tokens_.expect_operator("("));
    while (!tokens_.current().is_operator(")")) {
      if (!out.parameters.empty()) RIDGELINE_CHECK(tokens_.expect_operator(","));
      RIDGELINE_TRY(std::string name, tokens_.expect_name());
      if (tokens_.skip_if_operator("=")) {
        RIDGELINE_TRY(ExpressionPtr value, expressions_.expression());
        out.defaults.push_back(std::move(value));
      } else if (!out.defaults.empty()) {
        return tokens_.fail("a parameter without a default stands behind one with a default");
      }
      out.parameters.push_back(std::move(name));
    }
    tokens_.skip();
    return {};
  }

  // The body of a macro or of something like one: its own world for break, and its names count.
  Status macro_body(std::string_view end, Statement& out) {
    const int loops = std::exchange(loops_, 0);
    const auto outer = std::exchange(expressions_.macro_names(), {});
    const Status done = whole_body(end, out);
    loops_ = loops;
    auto& names = expressions_.macro_names();
    const auto reads = [&](bool found, std::string_view name) {
      const auto& own = out.signature.parameters;
      return found && std::find(own.begin(), own.end(), name) == own.end();
    };
    out.signature.takes_more_places = reads(names.varargs, "varargs");
    out.signature.takes_more_names = reads(names.kwargs, "kwargs");
    out.signature.takes_caller = reads(names.caller, "caller");
    names.varargs = names.varargs || outer.varargs;
    names.kwargs = names.kwargs || outer.kwargs;
    names.caller = names.caller || outer.caller;
    return done;
  }

  Status parse_macro(Statement& out) {
    out.kind = StatementKind::kMacro;
    RIDGELINE_TRY(out.signature.name, tokens_.expect_name());
    RIDGELINE_CHECK(parse_signature(out.signature));
    return macro_body("endmacro", out);
  }

  Status parse_call(Statement& out) {
    out.kind = StatementKind::kCall;
    out.signature.name = "caller";
    if (tokens_.current().is_operator("(")) RIDGELINE_CHECK(parse_signature(out.signature));
    RIDGELINE_TRY(ExpressionPtr call, expressions_.expression());
    if (call->kind != ExpressionKind::kCall) {
      return at_line(out.line, "'{% call %}' needs a call");
    }
    out.expressions.push_back(std::move(call));
    return macro_body("endcall", out);
  }

  // Marks what a model generated; it renders as its body.
  Status parse_generation(Statement& out) {
    out.kind = StatementKind::kScope;
    return macro_body("endgeneration", out);
  }

  TokenReader tokens_;
  ExpressionParser expressions_;
  int nesting_ = 0;
  int loops_ = 0;
};

}  // namespace

Result<Block> parse_template(std::string_view source) {
  if (source.size() > kMaxTemplateBytes) {
    return bad_input(fmt::format("the template is larger than {} bytes", kMaxTemplateBytes));
  }
  if (const auto at = invalid_utf8_at(source)) {
    return bad_input(fmt::format("the template is not valid UTF-8 at byte {}", *at));
  }
  RIDGELINE_TRY(std::vector<Token> tokens, tokenize(source));
  return StatementParser(std::move(tokens)).run();
}

}  // namespace ridgeline::native::jinja
