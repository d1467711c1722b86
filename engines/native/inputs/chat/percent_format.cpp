// The % operator on texts.
#include <fmt/format.h>

#include <cctype>
#include <cmath>
#include <cstdio>

#include "engines/native/inputs/chat/printing.hpp"
#include "engines/native/inputs/chat/python_text.hpp"
#include "engines/native/inputs/chat/text_format.hpp"
#include "engines/native/inputs/text/unicode.hpp"

namespace ridgeline::native::jinja {
namespace {

struct Conversion {
  std::string flags = {};
  std::size_t width = 0;
  std::optional<std::size_t> precision = {};
  char type = 's';

  bool has(char flag) const { return flags.find(flag) != std::string::npos; }
};

class PercentFormatter {
 public:
  PercentFormatter(std::string_view format, const Value& values, Budget& budget)
      : format_(format), values_(values), budget_(budget) {
    if (values.is(SequenceKind::kTuple)) {
      places_ = values.as_sequence().items;
    } else {
      places_.push_back(values);
    }
  }

  Result<std::string> run() {
    while (at_ < format_.size()) {
      const char c = format_[at_++];
      if (c != '%') {
        out_ += c;
        continue;
      }
      RIDGELINE_CHECK(conversion());
    }
    const bool may_be_left = values_.is(Kind::kDict) || values_.is(SequenceKind::kList);
    if (next_ < places_.size() && !may_be_left) {
      return bad_input("not all values of '%' are used by its format");
    }
    return std::move(out_);
  }

 private:
  char peek() const { return at_ < format_.size() ? format_[at_] : '\0'; }

  Result<Value> next_value() {
    if (next_ >= places_.size()) return bad_input("too few values for a format of '%'");
    return places_[next_++];
  }

  Result<std::optional<std::size_t>> size() {
    if (peek() == '*') {
      ++at_;
      RIDGELINE_TRY(const Value value, next_value());
      if (!value.is_integral() || value.as_int() < 0 || value.as_int() > kMaxFieldWidth) {
        return bad_input("'*' in a format of '%' needs a small int");
      }
      return std::optional(static_cast<std::size_t>(value.as_int()));
    }
    std::size_t number = 0;
    const std::size_t start = at_;
    while (std::isdigit(static_cast<unsigned char>(peek())) != 0) {
      number = number * 10 + static_cast<std::size_t>(format_[at_++] - '0');
      if (number > kMaxFieldWidth) return bad_input("a field of a format is too wide");
    }
    return at_ == start ? std::optional<std::size_t>() : std::optional(number);
  }

  Status conversion() {
    Conversion found;
    std::optional<Value> named;
    if (peek() == '(') {
      const std::size_t close = format_.find(')', at_);
      if (close == std::string_view::npos) return bad_input("a format of '%' is cut short");
      if (!values_.is(Kind::kDict)) return bad_input("a format of '%' needs a dict");
      const Value* entry = values_.as_dict().find_text(format_.substr(at_ + 1, close - at_ - 1));
      if (entry == nullptr) return bad_input("the dict of '%' lacks a key of its format");
      named = *entry;
      at_ = close + 1;
    }
    while (peek() != '\0' && std::string_view("-+ 0#").find(peek()) != std::string_view::npos) {
      found.flags += format_[at_++];
    }
    RIDGELINE_TRY(const auto width, size());
    found.width = width.value_or(0);
    if (peek() == '.') {
      ++at_;
      RIDGELINE_TRY(const auto precision, size());
      found.precision = precision.value_or(0);
    }
    while (peek() == 'l' || peek() == 'h' || peek() == 'L') ++at_;
    found.type = peek();
    if (found.type == '\0') return bad_input("a format of '%' is cut short");
    ++at_;
    if (found.type == '%') {
      out_ += '%';
      return {};
    }
    Value value;
    if (named) {
      value = *named;
    } else {
      RIDGELINE_TRY(value, next_value());
    }
    RIDGELINE_TRY(const std::string text, convert(found, value));
    RIDGELINE_CHECK(budget_.spend(text.size()));
    out_ += text;
    return {};
  }

  Result<std::string> convert(const Conversion& how, const Value& value) {
    switch (how.type) {
      case 's':
      case 'r': {
        RIDGELINE_TRY(std::string text,
                      how.type == 's' ? to_text(value, budget_) : to_repr(value, budget_));
        return padded(how, std::move(text));
      }
      case 'c':
        return character(how, value);
      case 'd':
      case 'i':
      case 'u':
      case 'x':
      case 'X':
      case 'o':
        return integer(how, value);
      case 'e':
      case 'E':
      case 'f':
      case 'F':
      case 'g':
      case 'G':
        return number(how, value);
      default:
        return bad_input(fmt::format("a format of '%' has the unknown type '{}'", how.type));
    }
  }

  static std::string padded(const Conversion& how, std::string text) {
    if (how.precision) text = text.substr(0, offset_of(text, *how.precision));
    const std::size_t length = to_code_points(text).size();
    if (length >= how.width) return text;
    const std::string blanks(how.width - length, ' ');
    return how.has('-') ? text + blanks : blanks + text;
  }

  static Result<std::string> character(const Conversion& how, const Value& value) {
    if (value.is_text() && value.text_parts().length == 1) return padded(how, value.as_text());
    const bool fits = value.is_integral() && value.as_int() >= 0 && value.as_int() <= 0x10FFFF &&
                      (value.as_int() < 0xD800 || value.as_int() > 0xDFFF);
    if (!fits) return bad_input("'%c' needs a character");
    std::string text;
    append_utf8(static_cast<char32_t>(value.as_int()), text);
    return padded(how, std::move(text));
  }

  static Result<std::string> integer(const Conversion& how, const Value& value) {
    const bool may_round = how.type == 'd' || how.type == 'i' || how.type == 'u';
    if (!value.is_number() || (!may_round && !value.is_integral())) {
      return bad_input(fmt::format("'%{}' needs a number, not {}", how.type, value.type_name()));
    }
    if (value.is(Kind::kFloat) && !(std::abs(value.as_number()) < 9e18)) {
      return unsupported("integers beyond 64 bits are not supported");
    }
    const std::int64_t whole =
        value.is(Kind::kFloat) ? static_cast<std::int64_t>(value.as_number()) : value.as_int();
    const auto size =
        whole < 0 ? 0 - static_cast<std::uint64_t>(whole) : static_cast<std::uint64_t>(whole);
    std::string digits;
    std::string prefix;
    if (how.type == 'x' || how.type == 'X') {
      digits = how.type == 'x' ? fmt::format("{:x}", size) : fmt::format("{:X}", size);
      if (how.has('#')) prefix = how.type == 'x' ? "0x" : "0X";
    } else if (how.type == 'o') {
      digits = fmt::format("{:o}", size);
      if (how.has('#')) prefix = "0o";
    } else {
      digits = fmt::format("{}", size);
    }
    if (how.precision && digits.size() < *how.precision) {
      digits.insert(0, *how.precision - digits.size(), '0');
    }
    return signed_number(how, whole < 0, prefix, std::move(digits));
  }

  static Result<std::string> number(const Conversion& how, const Value& value) {
    if (!value.is_number()) {
      return bad_input(fmt::format("'%{}' needs a number, not {}", how.type, value.type_name()));
    }
    const double given = value.as_number();
    std::string pattern = how.has('#') ? "%#.*" : "%.*";
    pattern += how.type;
    const int precision = static_cast<int>(how.precision.value_or(6));
    std::string digits(static_cast<std::size_t>(precision) + 400, '\0');
    const int size =
        std::snprintf(digits.data(), digits.size(), pattern.c_str(), precision, std::abs(given));
    digits.resize(static_cast<std::size_t>(size));
    return signed_number(how, std::signbit(given) && !std::isnan(given), {}, std::move(digits));
  }

  static std::string signed_number(const Conversion& how, bool negative, std::string_view prefix,
                                   std::string digits) {
    std::string sign = negative ? "-" : (how.has('+') ? "+" : (how.has(' ') ? " " : ""));
    sign += prefix;
    const std::size_t length = sign.size() + digits.size();
    if (how.has('0') && !how.has('-') && length < how.width) {
      digits.insert(0, how.width - length, '0');
    }
    Conversion pad = how;
    pad.precision.reset();
    return padded(pad, sign + digits);
  }

  std::string_view format_;
  const Value& values_;
  Budget& budget_;
  std::vector<Value> places_;
  std::size_t next_ = 0;
  std::size_t at_ = 0;
  std::string out_;
};

}  // namespace

Result<std::string> percent_format(std::string_view format, const Value& values, Budget& budget) {
  return PercentFormatter(format, values, budget).run();
}

}  // namespace ridgeline::native::jinja
