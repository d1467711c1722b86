// str.format, strftime and HTML escapes.
#include "engines/native/inputs/chat/text_format.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <ctime>

#include "engines/native/inputs/chat/printing.hpp"

namespace ridgeline::native::jinja {
namespace {

// A real date is far shorter; glibc pads to any width.
constexpr std::size_t kMaxTimeBytes = 4096;

/// Finds the values of the fields of one format text.
class FieldReader {
 public:
  explicit FieldReader(const Arguments& arguments) : arguments_(arguments) {}

  Result<Value> find(std::string_view field) {
    if (field.find_first_of(":.[") != std::string_view::npos) {
      return unsupported("formats inside of '{...}' are not supported");
    }
    std::size_t index = 0;
    const auto done = std::from_chars(field.data(), field.data() + field.size(), index);
    const bool is_number = done.ec == std::errc() && done.ptr == field.data() + field.size();
    if (field.empty() || is_number) {
      counts_ = counts_ || field.empty();
      is_counted_ = is_counted_ || is_number;
      if (counts_ && is_counted_) return bad_input("a format uses both '{}' and '{0}'");
      return place(is_number ? index : next_++);
    }
    const auto found = std::find_if(arguments_.named.begin(), arguments_.named.end(),
                                    [&](const auto& entry) { return entry.first == field; });
    if (found == arguments_.named.end()) return bad_input("format() lacks a named argument");
    return found->second;
  }

 private:
  Result<Value> place(std::size_t index) const {
    if (index >= arguments_.positional.size()) return bad_input("format() lacks an argument");
    return arguments_.positional[index];
  }

  const Arguments& arguments_;
  std::size_t next_ = 0;
  bool counts_ = false;      // has a field without a number
  bool is_counted_ = false;  // has a field with one
};

}  // namespace

Result<std::string> brace_format(std::string_view format, const Arguments& arguments,
                                 Budget& budget) {
  FieldReader fields(arguments);
  std::string out;
  for (std::size_t at = 0; at < format.size(); ++at) {
    const char c = format[at];
    if (c != '{' && c != '}') {
      out += c;
      continue;
    }
    if (at + 1 < format.size() && format[at + 1] == c) {
      out += c;
      ++at;
      continue;
    }
    const std::size_t close = format.find('}', at);
    if (c == '}' || close == std::string_view::npos) {
      return bad_input("a single '{' or '}' stands in a format");
    }
    std::string_view field = format.substr(at + 1, close - at - 1);
    const bool as_repr = field.ends_with("!r");
    if (as_repr || field.ends_with("!s")) field.remove_suffix(2);
    RIDGELINE_TRY(const Value value, fields.find(field));
    RIDGELINE_TRY(const std::string text,
                  as_repr ? to_repr(value, budget) : to_text(value, budget));
    out += text;
    at = close;
  }
  return out;
}

Result<std::string> format_time(const std::string& format, std::optional<std::int64_t> now) {
  const auto clock = std::chrono::system_clock::now().time_since_epoch();
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(clock).count();
  const std::time_t seconds = now ? *now : micros / 1000000;
  std::tm time{};
  if (::localtime_r(&seconds, &time) == nullptr) return bad_input("the time is out of range");
  // What Python fills in itself: microseconds, and nothing for the zone of a naive time.
  std::string expanded(1, '.');  // so that an empty result differs from one that does not fit
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%' || i + 1 == format.size()) {
      expanded += format[i];
      continue;
    }
    const char directive = format[++i];
    if (directive == 'f') {
      expanded += fmt::format("{:06}", now ? 0 : micros % 1000000);
    } else if (directive != 'z' && directive != 'Z') {
      expanded += '%';
      expanded += directive;
    }
  }
  std::array<char, kMaxTimeBytes> buffer{};
  const std::size_t size = std::strftime(buffer.data(), buffer.size(), expanded.c_str(), &time);
  if (size == 0) return bad_input("a format of a time gives too long a text");
  return std::string(buffer.data() + 1, size - 1);
}

std::string escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&#34;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

}  // namespace ridgeline::native::jinja
