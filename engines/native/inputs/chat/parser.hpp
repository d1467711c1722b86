// Makes the tree of a template of its tokens.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "engines/native/inputs/chat/lexer.hpp"
#include "engines/native/inputs/chat/syntax.hpp"

namespace ridgeline::native::jinja {

/// Parses a template. Errors name the line: syntax that is wrong, statements that no chat template
/// can use (include, extends, import, block) and templates that nest or are too large.
Result<Block> parse_template(std::string_view source);

/// The tokens while they are read, and what both halves of the parser share.
class TokenReader {
 public:
  explicit TokenReader(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  const Token& current() const { return tokens_[at_]; }
  const Token& ahead() const { return tokens_[at_ + 1 < tokens_.size() ? at_ + 1 : at_]; }
  int line() const { return current().line; }

  /// Never goes behind the token of the end.
  void skip() {
    if (at_ + 1 < tokens_.size()) ++at_;
  }
  bool skip_if_name(std::string_view name);
  bool skip_if_operator(std::string_view op);
  Status expect_operator(std::string_view op);
  Status expect(TokenKind kind, std::string_view what);
  Result<std::string> expect_name();

  /// The error that the current token gives.
  Error fail(std::string_view message) const { return at_line(line(), message); }
  Error unexpected() const { return fail("unexpected " + current().description()); }

 private:
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
};

/// Parses expressions. The methods go by rising precedence, as in jinja2.
class ExpressionParser {
 public:
  explicit ExpressionParser(TokenReader& tokens) : tokens_(tokens) {}

  /// Any expression; without `conditional`, no "a if b else c" outside of brackets.
  Result<ExpressionPtr> expression(bool conditional = true);

  /// An expression, or several with commas: a tuple. `stop` is a name that ends it.
  Result<ExpressionPtr> tuple(bool conditional = true, bool in_brackets = false);

  /// "| filter | filter(...)" on the text of a block: null when there is none. With `bare`, the
  /// first filter stands without its "|".
  Result<ExpressionPtr> block_filters(bool bare);

  Result<Target> target(bool with_attributes, bool several = true);

  /// The names read since it was last cleared that mean something in a macro.
  struct MacroNames {
    bool varargs = false;
    bool kwargs = false;
    bool caller = false;
  };
  MacroNames& macro_names() { return macro_names_; }

 private:
  Result<ExpressionPtr> conditional();
  Result<ExpressionPtr> any_of();
  Result<ExpressionPtr> all_of();
  Result<ExpressionPtr> negation();
  Result<ExpressionPtr> comparison();
  Result<ExpressionPtr> sum();
  Result<ExpressionPtr> concatenation();
  Result<ExpressionPtr> product();
  Result<ExpressionPtr> power();
  Result<ExpressionPtr> unary(bool with_filters);
  Result<ExpressionPtr> primary();
  Result<ExpressionPtr> name();
  Result<ExpressionPtr> number();
  Result<ExpressionPtr> list();
  Result<ExpressionPtr> dict();
  Result<ExpressionPtr> postfix(ExpressionPtr value);
  Result<ExpressionPtr> filters_and_tests(ExpressionPtr value);
  Result<ExpressionPtr> attribute(ExpressionPtr value);
  Result<ExpressionPtr> subscript(ExpressionPtr value);
  Result<ExpressionPtr> slice(ExpressionPtr value, ExpressionPtr start, int line);
  Result<ExpressionPtr> call(ExpressionPtr value);
  Result<ExpressionPtr> filter(ExpressionPtr value);
  Result<ExpressionPtr> test(ExpressionPtr value);
  Result<std::vector<Argument>> arguments();
  Result<Argument> argument();
  Result<std::string> dotted_name();
  bool starts_test_argument() const;
  bool ends_tuple() const;

  /// A node of a kind with its parts; refuses trees that are too deep.
  Result<ExpressionPtr> node(ExpressionKind kind, int line, std::vector<ExpressionPtr> parts,
                             std::string name = {});
  Result<ExpressionPtr> finish(Expression expression);

  using Level = Result<ExpressionPtr> (ExpressionParser::*)();
  Result<ExpressionPtr> left_to_right(Level operand, std::initializer_list<const char*> operators);

  TokenReader& tokens_;
  MacroNames macro_names_;
  int nesting_ = 0;
};

}  // namespace ridgeline::native::jinja
