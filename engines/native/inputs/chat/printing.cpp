// str() and repr() of values.
#include "engines/native/inputs/chat/printing.hpp"

#include <fmt/format.h>
#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "engines/native/inputs/text/unicode.hpp"

namespace ridgeline::native::jinja {
namespace {

// A piece of text costs this much beside its size.
constexpr std::size_t kPieceWork = 16;

// str.isprintable(): no control, format, private, unassigned characters, no separator but the
// space.
bool is_printable(char32_t c) {
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(c))) {
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
      return false;
    case UTF8PROC_CATEGORY_ZS:
      return c == ' ';
    default:
      return true;
  }
}

void append_escaped(char32_t c, char quote, std::string& out) {
  if (c == '\n') {
    out += "\\n";
  } else if (c == '\r') {
    out += "\\r";
  } else if (c == '\t') {
    out += "\\t";
  } else if (c == '\\' || c == static_cast<char32_t>(quote)) {
    out += '\\';
    out += static_cast<char>(c);
  } else if (is_printable(c)) {
    append_utf8(c, out);
  } else if (c < 0x100) {
    out += fmt::format("\\x{:02x}", static_cast<std::uint32_t>(c));
  } else if (c < 0x10000) {
    out += fmt::format("\\u{:04x}", static_cast<std::uint32_t>(c));
  } else {
    out += fmt::format("\\U{:08x}", static_cast<std::uint32_t>(c));
  }
}

std::string quoted(std::string_view text) {
  const bool has_single = text.find('\'') != std::string_view::npos;
  const char quote = has_single && text.find('"') == std::string_view::npos ? '"' : '\'';
  std::string out(1, quote);
  for (std::size_t at = 0; at < text.size();) append_escaped(decode_utf8(text, at), quote, out);
  out += quote;
  return out;
}

class Printer {
 public:
  explicit Printer(Budget& budget) : budget_(budget) {}

  Status add(const Value& value) {
    switch (value.kind()) {
      case Kind::kText:
        return put(quoted(value.as_text()));
      case Kind::kSequence:
        return add_sequence(value.as_sequence());
      case Kind::kDict:
        return add_dict(value.as_dict());
      case Kind::kUndefined:
        return put("Undefined");
      default: {
        RIDGELINE_TRY(const std::string text, scalar(value));
        return put(text);
      }
    }
  }

  static Result<std::string> scalar(const Value& value) {
    switch (value.kind()) {
      case Kind::kNone:
        return std::string("None");
      case Kind::kBool:
        return std::string(value.as_bool() ? "True" : "False");
      case Kind::kInt:
        return fmt::format("{}", value.as_int());
      case Kind::kFloat:
        return float_text(value.as_number());
      default:
        return bad_input(fmt::format("a value of type {} cannot be printed", value.type_name()));
    }
  }

  std::string take() { return std::move(out_); }

 private:
  Status put(std::string_view text) {
    RIDGELINE_CHECK(budget_.spend(text.size() + kPieceWork));
    out_ += text;
    return {};
  }

  Status add_sequence(const Sequence& sequence) {
    switch (sequence.kind) {
      case SequenceKind::kList:
        return add_items(sequence, "[", "]");
      case SequenceKind::kTuple:
        return add_items(sequence, "(", sequence.items.size() == 1 ? ",)" : ")");
      case SequenceKind::kRange:
        return put(sequence.label);
      case SequenceKind::kView: {
        RIDGELINE_CHECK(put(sequence.label));
        return add_items(sequence, "([", "])");
      }
      default:
        return bad_input("a generator cannot be printed; the filter 'list' makes a list of it");
    }
  }

  Status add_items(const Sequence& sequence, std::string_view open, std::string_view close) {
    RIDGELINE_CHECK(put(open));
    bool is_first = true;
    for (const Value& item : sequence.items) {
      if (!std::exchange(is_first, false)) RIDGELINE_CHECK(put(", "));
      RIDGELINE_CHECK(add(item));
    }
    return put(close);
  }

  Status add_dict(const Dict& dict) {
    RIDGELINE_CHECK(put("{"));
    bool is_first = true;
    for (const auto& [key, value] : dict.entries()) {
      if (!std::exchange(is_first, false)) RIDGELINE_CHECK(put(", "));
      RIDGELINE_CHECK(add(key));
      RIDGELINE_CHECK(put(": "));
      RIDGELINE_CHECK(add(value));
    }
    return put("}");
  }

  Budget& budget_;
  std::string out_;
};

}  // namespace

std::string float_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  std::array<char, 64> buffer{};
  const auto done = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                  std::chars_format::scientific);
  const std::string_view shortest(buffer.data(),
                                  static_cast<std::size_t>(done.ptr - buffer.data()));
  const std::size_t mark = shortest.find('e');
  const bool negative_exponent = shortest[mark + 1] == '-';
  int exponent = 0;
  std::from_chars(shortest.data() + mark + 2, done.ptr, exponent);
  if (negative_exponent) exponent = -exponent;
  // sys.float_repr_style "short": fixed notation for exponents from -4 to 15.
  if (exponent < -4 || exponent >= 16) return std::string(shortest);

  const bool negative = shortest.front() == '-';
  std::string digits;
  for (const char c : shortest.substr(negative ? 1 : 0, mark - (negative ? 1 : 0))) {
    if (c != '.') digits += c;
  }
  std::string out(negative ? "-" : "");
  if (exponent < 0) {
    out += "0.";
    out.append(static_cast<std::size_t>(-exponent - 1), '0');
    out += digits;
    return out;
  }
  const auto whole = static_cast<std::size_t>(exponent) + 1;
  if (digits.size() < whole + 1) digits.resize(whole + 1, '0');
  out += digits.substr(0, whole);
  out += '.';
  out += digits.substr(whole);
  return out;
}

Result<std::string> to_repr(const Value& value, Budget& budget) {
  Printer printer(budget);
  RIDGELINE_CHECK(printer.add(value));
  return printer.take();
}

Result<std::string> to_text(const Value& value, Budget& budget) {
  switch (value.kind()) {
    case Kind::kUndefined:
      return std::string();
    case Kind::kText:
      RIDGELINE_CHECK(budget.spend(value.as_text().size()));
      return value.as_text();
    case Kind::kSequence:
    case Kind::kDict:
      return to_repr(value, budget);
    default:
      return Printer::scalar(value);
  }
}

}  // namespace ridgeline::native::jinja
