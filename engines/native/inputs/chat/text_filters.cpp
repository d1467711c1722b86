// Filters on texts and numbers: trim, replace, tojson, default, int, round and so on.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engines/native/inputs/chat/interpreter.hpp"
#include "engines/native/inputs/chat/number_text.hpp"
#include "engines/native/inputs/chat/printing.hpp"
#include "engines/native/inputs/chat/python_text.hpp"
#include "engines/native/inputs/chat/text_format.hpp"
#include "engines/native/inputs/chat/text_tools.hpp"

namespace ridgeline::native::jinja {
namespace {

bool is_markup(const Value& value) {
  return value.is_text() && value.text_parts().markup;
}

// Applies a change of case to str(self).
template <std::string (*Change)(std::string_view)>
Result<Value> changed(Call& call) {
  RIDGELINE_TRY(const std::string text, call.run.string_of(call.self));
  return call.run.text(Change(text), is_markup(call.self));
}

// Made of words, so that it is no markup any more: a word starts behind blanks, - ( { [ and <.
Result<Value> title_filter(Call& call) {
  RIDGELINE_TRY(const std::string text, call.run.string_of(call.self));
  std::string out;
  std::string_view rest = text;
  const auto is_break = [](std::string_view from) {
    return !from.empty() && (std::string_view("-({[<").find(from.front()) != std::string::npos ||
                             strip(from, Side::kLeft).size() != from.size());
  };
  while (!rest.empty()) {
    const std::size_t first = offset_of(rest, 1);
    if (is_break(rest)) {
      out += rest.substr(0, first);
      rest.remove_prefix(first);
      continue;
    }
    std::size_t end = first;
    while (end < rest.size() && !is_break(rest.substr(end))) {
      end += offset_of(rest.substr(end), 1);
    }
    out += upper(rest.substr(0, first));
    out += lower(rest.substr(first, end - first));
    rest.remove_prefix(end);
  }
  return call.run.text(std::move(out));
}

Result<Value> trim(Call& call) {
  RIDGELINE_TRY(const std::string text, call.run.string_of(call.self));
  if (call.is_none(0))
    return call.run.text(std::string(strip(text, Side::kBoth)), is_markup(call.self));
  RIDGELINE_TRY(const std::string characters, call.text(0));
  return call.run.text(std::string(strip(text, characters, Side::kBoth)), is_markup(call.self));
}

Result<Value> replace(Call& call) {
  RIDGELINE_TRY(const std::string text, call.run.string_of(call.self));
  RIDGELINE_TRY(const std::string old, call.run.string_of(call[0]));
  RIDGELINE_TRY(const std::string with, call.run.string_of(call[1]));
  std::int64_t count = -1;
  if (!call.is_none(2)) {
    RIDGELINE_TRY(count, call.integer(2));
  }
  return replaced(call.run, text, old, with, count);
}

Result<Value> center_filter(Call& call) {
  RIDGELINE_TRY(const std::string text, call.run.string_of(call.self));
  RIDGELINE_TRY(const std::int64_t width, call.integer(0, 80));
  return justified(call.run, text, width, " ", Justify::kCenter);
}

Result<Value> string_filter(Call& call) {
  if (call.self.is_text()) return call.self;
  RIDGELINE_TRY(std::string text, call.run.string_of(call.self));
  return call.run.text(std::move(text));
}

Result<Value> safe(Call& call) {
  RIDGELINE_TRY(std::string text, call.run.string_of(call.self));
  return call.run.text(std::move(text), true);
}

Result<Value> force_escape(Call& call) {
  RIDGELINE_TRY(const std::string text, call.run.string_of(call.self));
  return call.run.text(escaped(text), true);
}

Result<Value> escape(Call& call) {
  return is_markup(call.self) ? call.self : force_escape(call);
}

Result<Value> format(Call& call) {
  RIDGELINE_TRY(const std::string pattern, call.run.string_of(call.self));
  Value values;
  if (call.arguments.named.empty()) {
    RIDGELINE_TRY(values, call.run.sequence(SequenceKind::kTuple, call.arguments.positional));
  } else {
    if (!call.arguments.positional.empty()) {
      return bad_input("'format' takes either places or names");
    }
    Dict names;
    for (const auto& [name, value] : call.arguments.named) names.set_text(name, value);
    RIDGELINE_TRY(values, call.run.dict(std::move(names)));
  }
  RIDGELINE_TRY(std::string text, percent_format(pattern, values, call.run.budget()));
  return call.run.text(std::move(text));
}

Result<Value> indent(Call& call) {
  RIDGELINE_CHECK(require_defined(call.self));
  if (!call.self.is_text()) return bad_input("'indent' works on texts");
  std::string blanks;
  if (call.has(0) && call[0].is_text()) {
    blanks = call[0].as_text();
  } else {
    RIDGELINE_TRY(const std::int64_t width, call.integer(0, 4));
    if (width > kMaxFieldWidth) return bad_input("'indent' by so much is not supported");
    blanks.assign(static_cast<std::size_t>(std::max<std::int64_t>(width, 0)), ' ');
  }
  const bool first = call.truth(1);
  const bool blank = call.truth(2);
  std::string text = call.self.as_text();
  text += '\n';
  const std::vector<std::string_view> lines = split_lines(text, false);
  RIDGELINE_CHECK(call.run.budget().spend(text.size() + lines.size() * (blanks.size() + 16)));
  std::string out;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) out += '\n';
    const bool indents = i == 0 ? first : blank || !lines[i].empty();
    if (indents) out += blanks;
    out += lines[i];
  }
  return call.run.text(std::move(out), is_markup(call.self));
}

Result<Value> truncate(Call& call) {
  RIDGELINE_TRY(const std::string text, call.run.string_of(call.self));
  RIDGELINE_TRY(const std::int64_t length, call.integer(0, 255));
  const bool kills_words = call.truth(1);
  RIDGELINE_TRY(const std::string end, call.text(2, "..."));
  std::int64_t leeway = 5;
  if (!call.is_none(3)) {
    RIDGELINE_TRY(leeway, call.integer(3));
  }
  const auto size_of = [](std::string_view part) {
    return static_cast<std::int64_t>(Value::text(std::string(part)).text_parts().length);
  };
  if (length < size_of(end) || leeway < 0) return bad_input("'truncate' needs a larger length");
  if (size_of(text) - leeway <= length) return call.run.text(text);
  std::string_view kept = std::string_view(text).substr(
      0, offset_of(text, static_cast<std::size_t>(length - size_of(end))));
  if (!kills_words) kept = kept.substr(0, kept.rfind(' '));
  std::string out(kept);
  out += end;
  return call.run.text(std::move(out));
}

Result<Value> word_count(Call& call) {
  RIDGELINE_TRY(const std::string text, call.run.string_of(call.self));
  std::int64_t words = 0;
  bool in_word = false;
  for (const char32_t c : code_points(text)) {
    const bool is_word = is_alphanumeric(c) || c == '_';
    if (is_word && !in_word) ++words;
    in_word = is_word;
  }
  return Value::integer(words);
}

Result<Value> to_json(Call& call) {
  JsonStyle style;
  style.ensure_ascii = call.truth(0);
  if (!call.is_none(1)) {
    style.item_separator = std::string(1, ',');
    if (call[1].is_text()) {
      style.indent = call[1].as_text();
    } else {
      RIDGELINE_TRY(const std::int64_t width, call.integer(1));
      if (width > kMaxFieldWidth) return bad_input("'tojson' indents by too much");
      style.indent = std::string(static_cast<std::size_t>(std::max<std::int64_t>(width, 0)), ' ');
    }
  }
  if (!call.is_none(2)) {
    RIDGELINE_TRY(const std::vector<Value> separators, call.run.items_of(call[2]));
    if (separators.size() != 2 || !separators[0].is_text() || !separators[1].is_text()) {
      return bad_input("'separators' of 'tojson' are two texts");
    }
    style.item_separator = separators[0].as_text();
    style.key_separator = separators[1].as_text();
  }
  style.sort_keys = call.truth(3);
  RIDGELINE_TRY(std::string text, to_json_text(call.self, style, call.run.budget()));
  return call.run.text(std::move(text));
}

Result<Value> or_default(Call& call) {
  const bool replaces = call.self.is_undefined() || (call.truth(1) && !call.self.truth());
  if (!replaces) return call.self;
  return call.has(0) ? call[0] : Value::text("");
}

Result<Value> absolute(Call& call) {
  RIDGELINE_CHECK(require_defined(call.self));
  if (!call.self.is_number()) return bad_input("'abs' needs a number");
  if (call.self.is(Kind::kFloat)) return Value::number(std::abs(call.self.as_number()));
  if (call.self.as_int() >= 0) return Value::integer(call.self.as_int());
  return call.run.arithmetic("-", Value::integer(0), call.self);
}

Result<Value> to_int(Call& call) {
  RIDGELINE_CHECK(require_defined(call.self));
  const Value fallback = call.has(0) ? call[0] : Value::integer(0);
  RIDGELINE_TRY(const std::int64_t base, call.integer(1, 10));
  if (call.self.is_integral()) return Value::integer(call.self.as_int());
  std::optional<double> number;
  if (call.self.is(Kind::kFloat)) number = call.self.as_number();
  if (call.self.is_text()) {
    RIDGELINE_TRY(const auto whole, parse_integer(call.self.as_text(), base));
    if (whole) return Value::integer(*whole);
    number = parse_number(call.self.as_text());
  }
  if (!number || std::isnan(*number)) return fallback;
  if (std::isinf(*number)) {
    if (call.self.is_text()) return fallback;
    return bad_input("infinity is no int");
  }
  if (std::abs(*number) >= 9.2e18) return unsupported("integers beyond 64 bits are not supported");
  return Value::integer(static_cast<std::int64_t>(*number));
}

Result<Value> to_float(Call& call) {
  RIDGELINE_CHECK(require_defined(call.self));
  if (call.self.is_number()) return Value::number(call.self.as_number());
  const auto number = call.self.is_text() ? parse_number(call.self.as_text()) : std::nullopt;
  if (number) return Value::number(*number);
  return call.has(0) ? call[0] : Value::number(0.0);
}

Result<Value> round_filter(Call& call) {
  RIDGELINE_CHECK(require_defined(call.self));
  RIDGELINE_TRY(const std::int64_t precision, call.integer(0, 0));
  RIDGELINE_TRY(const std::string method, call.text(1, "common"));
  if (!call.self.is_number()) return bad_input("'round' needs a number");
  if (method == "common") {
    if (call.self.is_integral() && precision >= 0) return Value::integer(call.self.as_int());
    if (call.self.is_integral()) return unsupported("rounding ints to tens is not supported");
    return rounded(call.self.as_number(), precision);
  }
  if (method != "ceil" && method != "floor") {
    return bad_input("the method of 'round' is common, ceil or floor");
  }
  const double scale = std::pow(10.0, static_cast<double>(precision));
  const double scaled = call.self.as_number() * scale;
  return Value::number((method == "ceil" ? std::ceil(scaled) : std::floor(scaled)) / scale);
}

constexpr NativeEntry kFilters[] = {
    {"abs", "", absolute},
    {"capitalize", "", changed<capitalize>},
    {"center", "[width]", center_filter},
    {"d", "[default_value] [boolean]", or_default},
    {"default", "[default_value] [boolean]", or_default},
    {"e", "", escape},
    {"escape", "", escape},
    {"float", "[default]", to_float},
    {"forceescape", "", force_escape},
    {"format", "*", format},
    {"indent", "[width] [first] [blank]", indent},
    {"int", "[default] [base]", to_int},
    {"lower", "", changed<lower>},
    {"replace", "old new [count]", replace},
    {"round", "[precision] [method]", round_filter},
    {"safe", "", safe},
    {"string", "", string_filter},
    {"title", "", title_filter},
    {"tojson", "[ensure_ascii] [indent] [separators] [sort_keys]", to_json},
    {"trim", "[chars]", trim},
    {"truncate", "[length] [killwords] [end] [leeway]", truncate},
    {"upper", "", changed<upper>},
    {"wordcount", "", word_count},
};

}  // namespace

std::span<const NativeEntry> text_filters() {
  return kFilters;
}

}  // namespace ridgeline::native::jinja
