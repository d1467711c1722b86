// Methods of texts: strip, split, startswith, replace and so on.
#include <fmt/format.h>

#include <algorithm>

#include "engines/native/inputs/chat/interpreter.hpp"
#include "engines/native/inputs/chat/python_text.hpp"
#include "engines/native/inputs/chat/text_format.hpp"
#include "engines/native/inputs/chat/text_tools.hpp"

namespace ridgeline::native::jinja {
namespace {

const std::string& own(const Call& call) {
  return call.self.as_text();
}

Result<Value> text_list(Interpreter& run, const std::vector<std::string_view>& parts,
                        SequenceKind kind = SequenceKind::kList) {
  std::vector<Value> items;
  items.reserve(parts.size());
  for (const std::string_view part : parts) {
    RIDGELINE_TRY(Value item, run.text(std::string(part)));
    items.push_back(std::move(item));
  }
  return run.sequence(kind, std::move(items));
}

template <Side kSide>
Result<Value> strip_method(Call& call) {
  if (call.is_none(0)) return call.run.text(std::string(strip(own(call), kSide)));
  RIDGELINE_TRY(const std::string characters, call.text(0));
  return call.run.text(std::string(strip(own(call), characters, kSide)));
}

template <std::string (*kChange)(std::string_view)>
Result<Value> change_case(Call& call) {
  return call.run.text(kChange(own(call)));
}

template <Side kFrom>
Result<Value> split(Call& call) {
  RIDGELINE_TRY(const std::int64_t max, call.integer(1, -1));
  if (call.is_none(0)) return text_list(call.run, split_space(own(call), max, kFrom));
  RIDGELINE_TRY(const std::string separator, call.text(0));
  if (separator.empty()) return bad_input("a text cannot be split on nothing");
  return text_list(call.run, split_on(own(call), separator, max, kFrom));
}

Result<Value> splitlines(Call& call) {
  return text_list(call.run, split_lines(own(call), call.truth(0)));
}

// The part of the text between two code points, the arguments at 1 and 2, and where it starts.
struct Part {
  std::string_view text;
  std::int64_t start = 0;
  bool is_reversed = false;  // the end lies before the start: nothing is found, not even nothing
};

Result<Part> part_of(const Call& call) {
  const auto size = static_cast<std::int64_t>(call.self.text_parts().length);
  std::int64_t bounds[2] = {0, size};
  for (std::size_t i = 0; i < 2; ++i) {
    if (call.is_none(i + 1)) continue;
    RIDGELINE_TRY(const std::int64_t given, call.integer(i + 1));
    const std::int64_t clamped = std::clamp<std::int64_t>(given, -size - 1, size + 1);
    bounds[i] = std::max<std::int64_t>(clamped < 0 ? clamped + size : clamped, 0);
  }
  bounds[1] = std::min(bounds[1], size);
  Part part;
  part.start = bounds[0];
  part.is_reversed = bounds[0] > bounds[1];
  if (part.is_reversed) return part;
  const std::string_view all = own(call);
  const std::size_t from = offset_of(all, static_cast<std::size_t>(bounds[0]));
  part.text = all.substr(
      from, offset_of(all.substr(from), static_cast<std::size_t>(bounds[1] - bounds[0])));
  return part;
}

template <bool kAtStart>
Result<Value> has_edge(Call& call) {
  RIDGELINE_TRY(const Part part, part_of(call));
  std::vector<Value> wanted = {call[0]};
  if (call[0].is(SequenceKind::kTuple)) wanted = call[0].as_sequence().items;
  for (const Value& edge : wanted) {
    RIDGELINE_CHECK(require_defined(edge));
    if (!edge.is_text()) {
      return bad_input(
          fmt::format("startswith and endswith need a text or a tuple, not {}", edge.type_name()));
    }
    const std::string& text = edge.as_text();
    const bool holds = kAtStart ? part.text.starts_with(text) : part.text.ends_with(text);
    if (holds && !part.is_reversed) return Value::boolean(true);
  }
  return Value::boolean(false);
}

// The code point at which a text is found, from the left or the right; -1 if it is not there.
Result<std::int64_t> position(Call& call, Side from) {
  RIDGELINE_TRY(const std::string wanted, call.text(0));
  RIDGELINE_TRY(const Part part, part_of(call));
  if (part.is_reversed) return -1;
  const auto found =
      from == Side::kLeft ? find_first(part.text, wanted) : find_last(part.text, wanted);
  if (!found) return -1;
  return part.start + static_cast<std::int64_t>(code_points(part.text.substr(0, *found)).size());
}

template <Side kFrom>
Result<Value> find(Call& call) {
  RIDGELINE_TRY(const std::int64_t at, position(call, kFrom));
  return Value::integer(at);
}

template <Side kFrom>
Result<Value> index(Call& call) {
  RIDGELINE_TRY(const std::int64_t at, position(call, kFrom));
  if (at < 0) return bad_input("index() does not find the text");
  return Value::integer(at);
}

Result<Value> count(Call& call) {
  RIDGELINE_TRY(const std::string wanted, call.text(0));
  RIDGELINE_TRY(const Part part, part_of(call));
  if (part.is_reversed) return Value::integer(0);
  return Value::integer(static_cast<std::int64_t>(find_all(part.text, wanted).size()));
}

Result<Value> replace(Call& call) {
  RIDGELINE_TRY(const std::string old, call.text(0));
  RIDGELINE_TRY(const std::string with, call.text(1));
  RIDGELINE_TRY(const std::int64_t times, call.integer(2, -1));
  return replaced(call.run, own(call), old, with, times);
}

Result<Value> join(Call& call) {
  RIDGELINE_TRY(const std::vector<Value> items, call.run.items_of(call[0]));
  return joined(call.run, own(call), items, true);
}

Result<Value> format(Call& call) {
  RIDGELINE_TRY(std::string text, brace_format(own(call), call.arguments, call.run.budget()));
  return call.run.text(std::move(text));
}

template <Justify kHow>
Result<Value> justify(Call& call) {
  RIDGELINE_TRY(const std::int64_t width, call.integer(0));
  RIDGELINE_TRY(const std::string fill, call.text(1, " "));
  if (code_points(fill).size() != 1) return bad_input("the fill of a text is one character");
  return justified(call.run, own(call), width, fill, kHow);
}

Result<Value> fill_zeros(Call& call) {
  RIDGELINE_TRY(const std::int64_t width, call.integer(0));
  const bool has_sign = own(call).starts_with('-') || own(call).starts_with('+');
  const std::string_view digits = std::string_view(own(call)).substr(has_sign ? 1 : 0);
  RIDGELINE_TRY(const Value padded,
                justified(call.run, digits, width - (has_sign ? 1 : 0), "0", Justify::kRight));
  std::string out = own(call).substr(0, has_sign ? 1 : 0);
  out += padded.as_text();
  return call.run.text(std::move(out));
}

template <bool kAtStart>
Result<Value> remove_edge(Call& call) {
  RIDGELINE_TRY(const std::string edge, call.text(0));
  std::string_view text = own(call);
  if (kAtStart && text.starts_with(edge)) text.remove_prefix(edge.size());
  if (!kAtStart && text.ends_with(edge)) text.remove_suffix(edge.size());
  return call.run.text(std::string(text));
}

template <Side kFrom>
Result<Value> partition(Call& call) {
  RIDGELINE_TRY(const std::string separator, call.text(0));
  if (separator.empty()) return bad_input("a text cannot be split on nothing");
  const std::string_view text = own(call);
  const auto at = kFrom == Side::kLeft ? find_first(text, separator) : find_last(text, separator);
  std::vector<std::string_view> parts = {text, "", ""};
  if (!at && kFrom == Side::kRight) parts = {"", "", text};
  if (at) parts = {text.substr(0, *at), separator, text.substr(*at + separator.size())};
  return text_list(call.run, parts, SequenceKind::kTuple);
}

template <bool (*kHolds)(char32_t)>
Result<Value> all_are(Call& call) {
  const std::u32string all = code_points(own(call));
  return Value::boolean(!all.empty() && std::all_of(all.begin(), all.end(), kHolds));
}

template <bool (*kWanted)(char32_t), bool (*kOther)(char32_t)>
Result<Value> case_is(Call& call) {
  const std::u32string all = code_points(own(call));
  const bool has_other =
      std::any_of(all.begin(), all.end(), [](char32_t c) { return kOther(c) || is_title(c); });
  return Value::boolean(!has_other && std::any_of(all.begin(), all.end(), kWanted));
}

Result<Value> not_supported(Call&) {
  return unsupported("this method of texts is not supported");
}

constexpr NativeEntry kMethods[] = {
    {"capitalize", "", change_case<capitalize>},
    {"casefold", "*", not_supported},
    {"center", "width [fillchar]", justify<Justify::kCenter>},
    {"count", "sub [start] [end]", count},
    {"encode", "*", not_supported},
    {"endswith", "suffix [start] [end]", has_edge<false>},
    {"expandtabs", "*", not_supported},
    {"find", "sub [start] [end]", find<Side::kLeft>},
    {"format", "*", format},
    {"format_map", "*", not_supported},
    {"index", "sub [start] [end]", index<Side::kLeft>},
    {"isalnum", "", all_are<is_alphanumeric>},
    {"isalpha", "", all_are<is_alpha>},
    {"isascii", "*", not_supported},
    {"isdecimal", "", all_are<is_decimal>},
    {"isdigit", "", all_are<is_digit>},
    {"isidentifier", "*", not_supported},
    {"islower", "", case_is<is_lower, is_upper>},
    {"isnumeric", "*", not_supported},
    {"isprintable", "*", not_supported},
    {"isspace", "", all_are<is_space>},
    {"istitle", "*", not_supported},
    {"isupper", "", case_is<is_upper, is_lower>},
    {"join", "iterable", join},
    {"ljust", "width [fillchar]", justify<Justify::kLeft>},
    {"lower", "", change_case<lower>},
    {"lstrip", "[chars]", strip_method<Side::kLeft>},
    {"maketrans", "*", not_supported},
    {"partition", "sep", partition<Side::kLeft>},
    {"removeprefix", "prefix", remove_edge<true>},
    {"removesuffix", "suffix", remove_edge<false>},
    {"replace", "old new [count]", replace},
    {"rfind", "sub [start] [end]", find<Side::kRight>},
    {"rindex", "sub [start] [end]", index<Side::kRight>},
    {"rjust", "width [fillchar]", justify<Justify::kRight>},
    {"rpartition", "sep", partition<Side::kRight>},
    {"rsplit", "[sep] [maxsplit]", split<Side::kRight>},
    {"rstrip", "[chars]", strip_method<Side::kRight>},
    {"split", "[sep] [maxsplit]", split<Side::kLeft>},
    {"splitlines", "[keepends]", splitlines},
    {"startswith", "prefix [start] [end]", has_edge<true>},
    {"strip", "[chars]", strip_method<Side::kBoth>},
    {"swapcase", "", change_case<swap_case>},
    {"title", "", change_case<title>},
    {"translate", "*", not_supported},
    {"upper", "", change_case<upper>},
    {"zfill", "width", fill_zeros},
};

}  // namespace

std::span<const NativeEntry> text_methods() {
  return kMethods;
}

}  // namespace ridgeline::native::jinja
