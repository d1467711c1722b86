// The lexer: text between tags, whitespace control, and the tokens of expressions.
#include "engines/native/inputs/chat/lexer.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "engines/native/inputs/chat/literal.hpp"
#include "engines/native/inputs/chat/python_text.hpp"
#include "engines/native/inputs/text/unicode.hpp"

namespace ridgeline::native::jinja {
namespace {

constexpr std::string_view kOperators[] = {"//", "**", "==", "!=", ">=", "<=", "+", "-", "/",
                                           "*",  "%",  "~",  "[",  "]",  "(",  ")", "{", "}",
                                           ">",  "<",  "=",  ".",  ":",  "|",  ",", ";"};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_name_character(char c) {
  // Letters beyond ASCII are taken as they are.
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

// All line ends become "\n", and one at the very end is dropped (keep_trailing_newline=False).
std::string normalize_newlines(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i] != '\r') {
      out += source[i];
    } else {
      out += '\n';
      if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
    }
  }
  if (out.ends_with('\n')) out.pop_back();
  return out;
}

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(normalize_newlines(source)) {}

  Result<std::vector<Token>> run() {
    while (at_ < source_.size()) RIDGELINE_CHECK(step());
    push(TokenKind::kEnd, {});
    return std::move(tokens_);
  }

 private:
  std::string_view rest() const { return std::string_view(source_).substr(at_); }
  bool at_text(std::string_view text) const { return rest().starts_with(text); }
  bool at_line_start() const { return at_ == 0 || source_[at_ - 1] == '\n'; }

  Error fail(std::string_view message) const { return at_line(line_, message); }

  void move_to(std::size_t end) {
    line_ += static_cast<int>(std::count(source_.begin() + static_cast<std::ptrdiff_t>(at_),
                                         source_.begin() + static_cast<std::ptrdiff_t>(end), '\n'));
    at_ = end;
  }

  void push(TokenKind kind, std::string text) { tokens_.push_back({kind, std::move(text), line_}); }

  void push_data(std::string_view text) {
    if (!text.empty()) push(TokenKind::kData, std::string(text));
  }

  void skip_space() { move_to(source_.size() - strip(rest(), Side::kLeft).size()); }

  // The text before a tag, cut as the sign of the tag ("-", "+" or none) says. A tag that is not a
  // variable takes the blanks before it away when nothing else stands on its line.
  std::string_view text_before(std::string_view text, char sign, bool is_variable) const {
    if (sign == '-') return strip(text, Side::kRight);
    if (sign == '+' || is_variable) return text;
    const std::size_t newline = text.rfind('\n');
    const std::size_t line_start = newline == std::string_view::npos ? 0 : newline + 1;
    if (line_start == 0 && !at_line_start()) return text;
    return strip(text.substr(line_start), Side::kLeft).empty() ? text.substr(0, line_start) : text;
  }

  Status step() {
    std::size_t open = at_;
    for (;; ++open) {
      open = source_.find('{', open);
      if (open == std::string::npos || open + 1 == source_.size()) {
        push_data(rest());
        move_to(source_.size());
        return {};
      }
      if (std::string_view("%{#").find(source_[open + 1]) != std::string_view::npos) break;
    }
    const char type = source_[open + 1];
    const std::string_view text = rest().substr(0, open - at_);
    std::size_t begin = open + 2;
    char sign = begin < source_.size() ? source_[begin] : '\0';
    if (sign != '-' && sign != '+') sign = '\0';
    if (sign != '\0') ++begin;
    push_data(text_before(text, sign, type == '{'));
    move_to(open);
    if (type == '#') return comment(begin);
    if (type == '%' && is_raw(begin)) return raw(begin);
    push(type == '%' ? TokenKind::kBlockBegin : TokenKind::kVariableBegin, {});
    move_to(begin);
    return tag(type == '%');
  }

  // Moves behind the end of a tag, if it starts here; "-" takes the whitespace after it away, and
  // a block takes one line end, but for "+".
  bool take_end(std::string_view close, bool trims_newline) {
    if (at_text(close)) {
      move_to(at_ + 2);
      if (trims_newline && at_text("\n")) move_to(at_ + 1);
      return true;
    }
    if (rest().empty() || !rest().substr(1).starts_with(close)) return false;
    if (rest().front() == '-') {
      move_to(at_ + 3);
      skip_space();
      return true;
    }
    if (rest().front() == '+' && trims_newline) {
      move_to(at_ + 3);
      return true;
    }
    return false;
  }

  Status comment(std::size_t begin) {
    const std::size_t close = source_.find("#}", begin);
    if (close == std::string::npos && begin < source_.size()) return fail("a comment has no end");
    if (close == std::string::npos) {  // nothing behind its start: jinja2 lets it be
      move_to(begin);
      return {};
    }
    const bool has_sign = close > begin && (source_[close - 1] == '-' || source_[close - 1] == '+');
    move_to(has_sign ? close - 1 : close);
    take_end("#}", true);
    return {};
  }

  bool is_raw(std::size_t begin) const {
    std::string_view text = strip(std::string_view(source_).substr(begin), Side::kLeft);
    if (!text.starts_with("raw")) return false;
    text = strip(text.substr(3), Side::kLeft);
    return text.starts_with("%}") || text.starts_with("-%}");
  }

  Status raw(std::size_t begin) {
    move_to(begin);
    skip_space();
    move_to(at_ + 3);
    skip_space();
    take_end("%}", false);  // the line end after it stays
    for (std::size_t open = source_.find("{%", at_); open != std::string::npos;
         open = source_.find("{%", open + 1)) {
      std::size_t name = open + 2;
      char sign = name < source_.size() ? source_[name] : '\0';
      if (sign != '-' && sign != '+') sign = '\0';
      if (sign != '\0') ++name;
      const std::string_view after = strip(std::string_view(source_).substr(name), Side::kLeft);
      if (!after.starts_with("endraw")) continue;
      const std::string_view end = strip(after.substr(6), Side::kLeft);
      if (!end.starts_with("%}") && !end.starts_with("-%}") && !end.starts_with("+%}")) continue;
      push_data(text_before(rest().substr(0, open - at_), sign, false));
      move_to(source_.size() - end.size());
      take_end("%}", true);
      return {};
    }
    return at_ == source_.size() ? Status() : fail("a raw block has no end");
  }

  // The tokens of a tag up to its end.
  Status tag(bool is_block) {
    std::string open_brackets;
    while (at_ < source_.size()) {
      const std::string_view close = is_block ? "%}" : "}}";
      if (open_brackets.empty()) {
        const int line = line_;
        if (take_end(close, is_block)) {
          tokens_.push_back({is_block ? TokenKind::kBlockEnd : TokenKind::kVariableEnd, {}, line});
          return {};
        }
      }
      const std::size_t before = at_;
      skip_space();
      if (at_ != before) continue;
      RIDGELINE_CHECK(token(open_brackets));
    }
    return {};  // the parser says what is missing
  }

  Status token(std::string& open_brackets) {
    const char c = source_[at_];
    if (is_digit(c)) return number();
    if (is_name_character(c)) return name();
    if (c == '\'' || c == '"') return text();
    for (const std::string_view op : kOperators) {
      if (!at_text(op)) continue;
      RIDGELINE_CHECK(balance(op.front(), open_brackets));
      push(TokenKind::kOperator, std::string(op));
      move_to(at_ + op.size());
      return {};
    }
    return fail(fmt::format("the character '{}' has no meaning here", c));
  }

  Status balance(char bracket, std::string& open_brackets) const {
    constexpr std::string_view kPairs = "{}()[]";
    const std::size_t at = kPairs.find(bracket);
    if (at == std::string_view::npos) return {};
    if (at % 2 == 0) {
      open_brackets += kPairs[at + 1];
      return {};
    }
    if (open_brackets.empty() || open_brackets.back() != bracket) {
      return fail(fmt::format("unexpected '{}'", bracket));
    }
    open_brackets.pop_back();
    return {};
  }

  Status name() {
    std::size_t end = at_;
    while (end < source_.size() && is_name_character(source_[end])) ++end;
    push(TokenKind::kName, source_.substr(at_, end - at_));
    move_to(end);
    return {};
  }

  Status number() {
    const bool after_dot = at_ > 0 && source_[at_ - 1] == '.';
    const NumberLiteral found = scan_number(rest(), !after_dot);
    push(found.is_float ? TokenKind::kFloat : TokenKind::kInteger, found.digits);
    move_to(at_ + found.length);
    return {};
  }

  Status text() {
    const char quote = source_[at_];
    std::size_t end = at_ + 1;
    while (end < source_.size() && source_[end] != quote) end += source_[end] == '\\' ? 2 : 1;
    if (end >= source_.size()) return fail("a text has no closing quote");
    auto value = unescape(std::string_view(source_).substr(at_ + 1, end - at_ - 1));
    if (!value) return fail(value.error().message);
    push(TokenKind::kText, std::move(value).value());
    move_to(end + 1);
    return {};
  }

  std::string source_;
  std::size_t at_ = 0;
  int line_ = 1;
  std::vector<Token> tokens_;
};

}  // namespace

std::string Token::description() const {
  switch (kind) {
    case TokenKind::kData:
      return "text";
    case TokenKind::kBlockBegin:
      return "'{%'";
    case TokenKind::kBlockEnd:
      return "'%}'";
    case TokenKind::kVariableBegin:
      return "'{{'";
    case TokenKind::kVariableEnd:
      return "'}}'";
    case TokenKind::kEnd:
      return "the end of the template";
    default:
      return fmt::format("'{}'", excerpt(text));
  }
}

Error at_line(int line, std::string_view message) {
  return bad_input(fmt::format("line {}: {}", line, message));
}

Result<std::vector<Token>> tokenize(std::string_view source) {
  return Lexer(source).run();
}

}  // namespace ridgeline::native::jinja
