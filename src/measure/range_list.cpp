// Parses lists, ranges and durations, within limits.
#include "measure/range_list.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>

namespace ridgeline::measure {
namespace {

constexpr std::string_view kListExample = "write numbers as 1,2,8 or 128-512+128 or 128-4096*2";

constexpr std::string_view kBlank = " \t\r\n";

std::string_view trimmed(std::string_view text) {
  const std::size_t from = text.find_first_not_of(kBlank);
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(kBlank) - from + 1);
}

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return {};
  return value;
}

// A finite number of at least 0; unlike strtod it does not depend on the locale.
std::optional<double> decimal_number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return {};
  if (!std::isfinite(value) || value < 0) return {};
  return value;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t at = text.find(separator);
    parts.push_back(trimmed(text.substr(0, at)));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

Error list_error(std::string_view what, std::string_view text, std::string_view reason) {
  return bad_input(fmt::format("{}: {} {}", what, in_quotes(text), reason),
                   std::string(kListExample));
}

// One range "first-last", "first-last+step" or "first-last*factor", appended to `values`.
Status append_range(std::string_view item, std::string_view what, std::int64_t minimum,
                    std::vector<std::int64_t>& values) {
  const std::size_t dash = item.find('-', 1);
  const std::size_t sign = item.find_first_of("+*", dash);
  const bool multiplies = sign != std::string_view::npos && item[sign] == '*';
  const auto first = whole_number(trimmed(item.substr(0, dash)));
  const auto last = whole_number(trimmed(item.substr(dash + 1, sign - dash - 1)));
  const auto step = sign == std::string_view::npos ? std::optional<std::int64_t>(1)
                                                   : whole_number(trimmed(item.substr(sign + 1)));
  if (!first || !last || !step) return list_error(what, item, "is not a range of whole numbers");
  if (*first < minimum) {
    return list_error(what, item, fmt::format("starts below {}", minimum));
  }
  if (*last < *first) return list_error(what, item, "ends before it starts");
  if (multiplies && (*step < 2 || *first == 0)) {
    return list_error(what, item, "never gets past its start");
  }
  if (*step < 1) return list_error(what, item, "has a step below 1");
  for (std::int64_t value = *first;;) {
    if (values.size() >= kMaxListItems) {
      return list_error(what, item, fmt::format("makes more than {} values", kMaxListItems));
    }
    values.push_back(value);
    // Compared by distance, so that nothing can overflow.
    if (multiplies ? value > *last / *step : *step > *last - value) return {};
    value = multiplies ? value * *step : value + *step;
  }
}

struct Unit {
  std::string_view name;
  double ns;
};

constexpr std::array kUnits = {Unit{"ms", 1e6}, Unit{"s", 1e9}, Unit{"m", 60e9}, Unit{"h", 3600e9}};
constexpr double kLongestNs = 7 * 24 * 3600e9;

// Bytes of a user's text that a message repeats.
constexpr std::size_t kMaxQuoted = 60;

}  // namespace

Result<std::vector<std::int64_t>> parse_int_list(std::string_view text, std::string_view what,
                                                 std::int64_t minimum) {
  std::vector<std::int64_t> values;
  for (const std::string_view item : split(text, ',')) {
    if (item.empty()) return list_error(what, text, "has an empty item");
    // A dash at the front is a minus sign, any other one makes a range.
    if (item.find('-', 1) != std::string_view::npos) {
      RIDGELINE_CHECK(append_range(item, what, minimum, values));
      continue;
    }
    const auto value = whole_number(item);
    if (!value) return list_error(what, item, "is not a whole number");
    if (*value < minimum) return list_error(what, item, fmt::format("is below {}", minimum));
    if (values.size() >= kMaxListItems) {
      return list_error(what, text, fmt::format("has more than {} values", kMaxListItems));
    }
    values.push_back(*value);
  }
  return values;
}

Result<std::vector<std::string>> parse_name_list(std::string_view text, std::string_view what) {
  std::vector<std::string> names;
  for (const std::string_view item : split(text, ',')) {
    if (item.empty()) {
      return bad_input(fmt::format("{}: {} has an empty item", what, in_quotes(text)),
                       "write names as float32,bfloat16");
    }
    if (names.size() >= kMaxListItems) {
      return bad_input(fmt::format("{}: more than {} names", what, kMaxListItems));
    }
    names.emplace_back(item);
  }
  return names;
}

Result<std::int64_t> parse_int(std::string_view text, std::string_view what, std::int64_t minimum) {
  const auto value = whole_number(trimmed(text));
  if (!value) {
    return bad_input(fmt::format("{}: {} is not a whole number", what, in_quotes(text)),
                     fmt::format("write {} or more, as in {}", minimum, minimum + 4));
  }
  if (*value < minimum) {
    return bad_input(fmt::format("{}: {} is below {}", what, in_quotes(text), minimum));
  }
  return *value;
}

Result<std::int64_t> parse_duration(std::string_view text, std::string_view what) {
  const std::string remedy = "write a time with its unit, as 500ms, 60s, 2m or 1h";
  const std::string_view whole = trimmed(text);
  const std::size_t end = whole.find_first_not_of("0123456789.");
  const auto number = decimal_number(whole.substr(0, end));
  if (!number) return bad_input(fmt::format("{}: {} is not a time", what, in_quotes(text)), remedy);
  if (end == std::string_view::npos) {
    return bad_input(fmt::format("{}: {} has no unit", what, in_quotes(text)), remedy);
  }
  const std::string_view name = trimmed(whole.substr(end));
  for (const Unit& unit : kUnits) {
    if (unit.name != name) continue;
    const double ns = *number * unit.ns;
    if (ns < 1 || ns > kLongestNs) {
      return bad_input(
          fmt::format("{}: {} must be above 0 and at most 7 days", what, in_quotes(text)), remedy);
    }
    return static_cast<std::int64_t>(std::llround(ns));
  }
  return bad_input(fmt::format("{}: {} has an unknown unit", what, in_quotes(text)), remedy);
}

Result<double> parse_share(std::string_view text, std::string_view what) {
  std::string_view number = trimmed(text);
  const bool percent = !number.empty() && number.back() == '%';
  if (percent) number = trimmed(number.substr(0, number.size() - 1));
  auto value = decimal_number(number);
  if (value && percent) *value /= 100;
  if (!value || *value <= 0 || *value > 0.5) {
    return bad_input(
        fmt::format("{}: {} is not a share above 0 and up to 50%", what, in_quotes(text)),
        "write 0.02 or 2%");
  }
  return *value;
}

std::string in_quotes(std::string_view text) {
  std::size_t size = std::min(text.size(), kMaxQuoted);
  // Not in the middle of a UTF-8 character.
  while (size < text.size() && size > 0 && (text[size] & 0xc0) == 0x80) --size;
  std::string shown(text.substr(0, size));
  if (size < text.size()) shown += "...";
  for (char& c : shown) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return "'" + shown + "'";
}

}  // namespace ridgeline::measure
