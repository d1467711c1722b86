// int(), float() and round() of Python.
#include "engines/native/inputs/chat/number_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "engines/native/inputs/chat/python_text.hpp"

namespace ridgeline::native::jinja {
namespace {

// A float has at most 308 digits before and some 1074 behind the point.
constexpr std::int64_t kMaxDigits = 1100;

char lowercased(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// Without single underscores between digits; nothing when one stands elsewhere.
std::optional<std::string> without_underscores(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      out += lowercased(text[i]);
      continue;
    }
    const auto is_inner = [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    };
    if (i == 0 || i + 1 == text.size() || !is_inner(text[i - 1]) || !is_inner(text[i + 1])) {
      return std::nullopt;
    }
  }
  return out;
}

}  // namespace

Result<std::optional<std::int64_t>> parse_integer(std::string_view text, std::int64_t base) {
  using Found = std::optional<std::int64_t>;
  if (base != 0 && (base < 2 || base > 36)) return Found();
  const auto clean = without_underscores(strip(text, Side::kBoth));
  if (!clean) return Found();
  std::string_view rest = *clean;
  const bool is_negative = rest.starts_with('-');
  if (is_negative || rest.starts_with('+')) rest.remove_prefix(1);
  constexpr std::pair<std::string_view, int> kPrefixes[] = {{"0b", 2}, {"0o", 8}, {"0x", 16}};
  for (const auto& [prefix, prefix_base] : kPrefixes) {
    if ((base == 0 || base == prefix_base) && rest.starts_with(prefix)) {
      base = prefix_base;
      rest.remove_prefix(2);
    }
  }
  if (base == 0) {
    // Such a number has no leading zeros.
    const bool is_zero = rest.find_first_not_of('0') == std::string_view::npos;
    if (rest.starts_with('0') && !is_zero) return Found();
    base = 10;
  }
  std::string digits(is_negative ? "-" : "");
  digits += rest;
  std::int64_t value = 0;
  const auto done =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, static_cast<int>(base));
  const bool is_whole =
      !rest.empty() && rest.front() != '-' && done.ptr == digits.data() + digits.size();
  if (!is_whole) return Found();
  if (done.ec == std::errc::result_out_of_range) {
    return unsupported("integers beyond 64 bits are not supported");
  }
  return done.ec == std::errc() ? Found(value) : Found();
}

std::optional<double> parse_number(std::string_view text) {
  const auto clean = without_underscores(strip(text, Side::kBoth));
  if (!clean || clean->empty()) return std::nullopt;
  std::string_view rest = *clean;
  if (rest.front() == '+' || rest.front() == '-') rest.remove_prefix(1);
  const bool is_word = rest == "inf" || rest == "infinity" || rest == "nan";
  // strtod would take hexadecimal numbers and more.
  if (!is_word && rest.find_first_not_of("0123456789.e+-") != std::string_view::npos) {
    return std::nullopt;
  }
  char* end = nullptr;
  const double value = std::strtod(clean->c_str(), &end);
  const bool is_whole = end == clean->c_str() + clean->size();
  return is_whole ? std::optional(value) : std::nullopt;
}

Result<Value> rounded(double value, std::int64_t digits) {
  if (!std::isfinite(value) || digits > kMaxDigits) return Value::number(value);
  if (digits < -308) return Value::number(std::copysign(0.0, value));
  if (digits < 0) {
    const double scale = std::pow(10.0, static_cast<double>(-digits));
    return Value::number(std::nearbyint(value / scale) * scale);
  }
  std::array<char, 2 * kMaxDigits> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%.*f", static_cast<int>(digits), value);
  return Value::number(std::strtod(buffer.data(), nullptr));
}

}  // namespace ridgeline::native::jinja
