// The tojson filter: what json.dumps of Python writes.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engines/native/inputs/chat/printing.hpp"
#include "engines/native/inputs/text/unicode.hpp"

namespace ridgeline::native::jinja {
namespace {

// A piece of text costs this much beside its size.
constexpr std::size_t kPieceWork = 16;

void append_unit(std::uint32_t unit, std::string& out) {
  out += fmt::format("\\u{:04x}", unit);
}

void append_character(char32_t c, bool ensure_ascii, std::string& out) {
  constexpr std::string_view kShort = "\"\"\\\\\nn\rr\tt\ff\bb";
  for (std::size_t i = 0; i < kShort.size(); i += 2) {
    if (c == static_cast<char32_t>(kShort[i])) {
      out += '\\';
      out += kShort[i + 1];
      return;
    }
  }
  if (c < 0x20) return append_unit(c, out);
  if (!ensure_ascii || c < 0x7F) return append_utf8(c, out);
  if (c < 0x10000) return append_unit(c, out);
  append_unit(0xD800 + ((c - 0x10000) >> 10), out);
  append_unit(0xDC00 + ((c - 0x10000) & 0x3FF), out);
}

std::string quoted(std::string_view text, bool ensure_ascii) {
  std::string out = "\"";
  for (std::size_t at = 0; at < text.size();) {
    append_character(decode_utf8(text, at), ensure_ascii, out);
  }
  out += '"';
  return out;
}

std::string json_number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  return float_text(value);
}

class JsonPrinter {
 public:
  JsonPrinter(const JsonStyle& style, Budget& budget) : style_(style), budget_(budget) {}

  Status add(const Value& value) {
    switch (value.kind()) {
      case Kind::kText:
        return put(quoted(value.as_text(), style_.ensure_ascii));
      case Kind::kSequence:
        if (value.is(SequenceKind::kList) || value.is(SequenceKind::kTuple)) {
          return add_list(value.as_sequence().items);
        }
        return refuse(value);
      case Kind::kDict:
        return add_dict(value.as_dict());
      default: {
        RIDGELINE_TRY(const std::string text, scalar(value));
        return put(text);
      }
    }
  }

  std::string take() { return std::move(out_); }

 private:
  static Error refuse(const Value& value) {
    return bad_input(
        fmt::format("a value of type {} cannot be written as JSON", value.type_name()));
  }

  static Result<std::string> scalar(const Value& value) {
    switch (value.kind()) {
      case Kind::kNone:
        return std::string("null");
      case Kind::kBool:
        return std::string(value.as_bool() ? "true" : "false");
      case Kind::kInt:
        return fmt::format("{}", value.as_int());
      case Kind::kFloat:
        return json_number(value.as_number());
      default:
        return refuse(value);
    }
  }

  Status put(std::string_view text) {
    RIDGELINE_CHECK(budget_.spend(text.size() + kPieceWork));
    out_ += text;
    return {};
  }

  Status line_break() {
    if (!style_.indent) return {};
    RIDGELINE_CHECK(put("\n"));
    for (int i = 0; i < level_; ++i) RIDGELINE_CHECK(put(*style_.indent));
    return {};
  }

  Status add_list(const std::vector<Value>& items) {
    if (items.empty()) return put("[]");
    RIDGELINE_CHECK(put("["));
    ++level_;
    bool is_first = true;
    for (const Value& item : items) {
      if (!std::exchange(is_first, false)) RIDGELINE_CHECK(put(style_.item_separator));
      RIDGELINE_CHECK(line_break());
      RIDGELINE_CHECK(add(item));
    }
    --level_;
    RIDGELINE_CHECK(line_break());
    return put("]");
  }

  Status add_dict(const Dict& dict) {
    if (dict.entries().empty()) return put("{}");
    std::vector<const std::pair<Value, Value>*> entries;
    for (const auto& entry : dict.entries()) entries.push_back(&entry);
    RIDGELINE_CHECK(sort(entries));
    RIDGELINE_CHECK(put("{"));
    ++level_;
    bool is_first = true;
    for (const auto* entry : entries) {
      if (!std::exchange(is_first, false)) RIDGELINE_CHECK(put(style_.item_separator));
      RIDGELINE_CHECK(line_break());
      RIDGELINE_CHECK(add_key(entry->first));
      RIDGELINE_CHECK(put(style_.key_separator));
      RIDGELINE_CHECK(add(entry->second));
    }
    --level_;
    RIDGELINE_CHECK(line_break());
    return put("}");
  }

  Status add_key(const Value& key) {
    if (key.is_text()) return put(quoted(key.as_text(), style_.ensure_ascii));
    if (!key.is_number() && !key.is_none()) return refuse(key);
    RIDGELINE_TRY(const std::string text, scalar(key));
    return put(quoted(text, style_.ensure_ascii));
  }

  Status sort(std::vector<const std::pair<Value, Value>*>& entries) {
    if (!style_.sort_keys) return {};
    for (const auto* entry : entries) {
      if (!entry->first.is_text()) return bad_input("only texts as keys can be sorted for JSON");
      RIDGELINE_CHECK(budget_.spend(8 * entry->first.as_text().size()));
    }
    std::stable_sort(entries.begin(), entries.end(), [](const auto* a, const auto* b) {
      return a->first.as_text() < b->first.as_text();
    });
    return {};
  }

  const JsonStyle& style_;
  Budget& budget_;
  int level_ = 0;
  std::string out_;
};

}  // namespace

Result<std::string> to_json_text(const Value& value, const JsonStyle& style, Budget& budget) {
  JsonPrinter printer(style, budget);
  RIDGELINE_CHECK(printer.add(value));
  return printer.take();
}

}  // namespace ridgeline::native::jinja
